import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();

/** As somebody without rights. */
function asNobody(script: string): void {
  const who = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const { status, stderr } = spawnSync("setpriv", [...who, "sh", "-c", script], { encoding: "utf8", timeout: 20_000 });
  assert.equal(status, 0, stderr);
}

for (const [what, script] of [
  ["an append", "echo more >> $FILE"],
  ["a write in the middle", "echo more | dd of=$FILE conv=notrunc status=none"],
  ["a cut", "truncate -s 1 $FILE"],
]) {
  test(`${what} by somebody without rights ends set-user-id and set-group-id, on all mounts`, { skip }, async () => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    writeFileSync(one.at("tool"), "a tool");
    chmodSync(one.at("tool"), 0o6777);
    assert.equal(statSync(other.at("tool")).mode % 0o10000, 0o6777);
    asNobody(script.replace("$FILE", other.at("tool")));
    for (const mount of [other, one]) assert.equal(statSync(mount.at("tool")).mode % 0o10000, 0o777);
  });
}

test("set-group-id without execution by the group is no privilege, and stays", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  writeFileSync(mount.at("file"), "data");
  chmodSync(mount.at("file"), 0o2766);
  asNobody(`echo more >> ${mount.at("file")}`);
  assert.equal(statSync(mount.at("file")).mode % 0o10000, 0o2766);
});

/** How often, at most, the home is told that a file is being stored to: see `tellMicros` of MountFile. */
const tellMillis = 4;

test("a write under a token that is held asks the home for nothing", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const fd = openSync(mount.at("file"), "w+");
  for (let count = 0; count < 10; count++) writeSync(fd, "warm", 0);
  const before = (await cluster.home.status()).counters.requests;
  const start = performance.now();
  for (let count = 0; count < 500; count++) writeSync(fd, "data", 0);
  const asked = (await cluster.home.status()).counters.requests - before;
  const tellings = (performance.now() - start) / tellMillis;
  closeSync(fd);
  assert.ok(asked <= tellings + 5, `${asked} requests for 500 writes, which took ${tellings} times ${tellMillis} ms`);
});
