import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { dmmap } from "../cli/dmmap.js";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();
const pageBytes = 4096;

/** A program that has written and stored to a map, and synced nothing. */
async function storing(path: string): Promise<PlainUser> {
  const user = await PlainUser.start();
  await user.call("edit", { path });
  await user.call("fill", { at: 0, length: 3 * pageBytes, value: 7 });
  await user.call("map", { length: 3 * pageBytes });
  await user.call("store", { at: pageBytes, value: 8 });
  return user;
}

function assertStored(bytes: Uint8Array): void {
  assert.equal(bytes.length, 3 * pageBytes);
  assert.deepEqual([bytes[0], bytes[pageBytes], bytes[3 * pageBytes - 1]], [7, 8, 7]);
}

test("dmmap umount comes back when the home has what was written and stored to maps", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const user = await storing(mount.at("file"));
  await user[Symbol.asyncDispose]();
  assert.equal((await dmmap(["umount", mount.path])).code, 0);
  assertStored(readFileSync(cluster.folder.at("file")));
  assert.equal((await mount.program.end()).code, 0);
});

test("a mount in use stays; a second signal takes it from under its users, and loses nothing", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  await using user = await storing(mount.at("file"));
  const refused = await dmmap(["umount", mount.path]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is in use.*\(DMMAP_BUSY\)/);
  await user.call("store", { at: 0, value: 7 });

  mount.isQuiet = false;
  mount.program.kill("SIGTERM");
  await until("it says that it is in use", () => /is in use.*once more/.test(mount.program.errors));
  assert.equal(existsSync(mount.at("file")), true);
  mount.program.kill("SIGTERM");
  assert.equal((await mount.program.end()).code, 0);
  assert.equal(existsSync(mount.at("file")), false);
  assertStored(readFileSync(cluster.folder.at("file")));
});

test("dmmap umount --lazy takes a mount from under its users, who go on with what they have open", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  await using user = await storing(mount.at("file"));
  assert.equal((await dmmap(["umount", "--lazy", mount.path])).code, 0);
  assert.equal(existsSync(mount.at("file")), false);
  await user.call("fsync", {});
  await user[Symbol.asyncDispose]();
  assert.equal((await mount.program.end()).code, 0);
  assertStored(readFileSync(cluster.folder.at("file")));
});

test("dmmap umount --force ends every call on a mount that hangs", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  await using user = await storing(mount.at("file"));
  await user.call("fsync", {});
  mount.isQuiet = false;
  mount.program.kill("SIGSTOP");
  const waiting = user.call("edit", { path: mount.at("other") });
  const outcome = waiting.catch((error: Error) => error.message);
  const waits = () => /request_wait_answer/.test(readFileSync(`/proc/${user.process.pid}/wchan`, "utf8"));
  await until("the call waits", waits);
  assert.equal((await dmmap(["umount", "--force", mount.path])).code, 0);
  assert.match(String(await outcome), /ECONNABORTED|ENOTCONN/);
  assert.equal(existsSync(mount.at("file")), false);
  mount.program.kill("SIGCONT");
  await mount.program.end();
  assertStored(readFileSync(cluster.folder.at("file")));
});

for (const isUsed of [true, false]) {
  const name = isUsed ? "until its last program has closed that" : "which no program has open any more, not at all";
  test(`a file that another host makes longer all the time keeps a mount busy ${name}`, { skip }, async () => {
    await using cluster = await MountCluster.start({ mounts: 2 });
    const [mount, other] = cluster.mounts;
    await using writer = await PlainUser.start("the writer");
    await writer.call("edit", { path: other.at("log") });
    await writer.call("write", { at: 0, text: "begun" });
    let pages = 0;
    const over = new AbortController();
    const growing = (async () => {
      while (!over.signal.aborted) await writer.call("write", { at: ++pages * pageBytes, text: "more" });
    })();
    const reader = await PlainUser.start("the reader");
    await reader.call("open", { path: mount.at("log"), flags: "r" });
    const seen = pages + 200;
    await until("it has grown for a while", () => pages > seen);
    assert.ok((await reader.call("stat", { path: mount.at("log") })) > seen * pageBytes);
    await reader[Symbol.asyncDispose]();
    if (!isUsed) await until("it has grown for a while longer", () => pages > seen + 400);
    const unmounted = spawnSync("umount", [mount.path], { encoding: "utf8" });
    assert.deepEqual([unmounted.status, unmounted.stderr], [0, ""]);
    over.abort();
    await growing;
    assert.equal((await mount.program.end()).code, 0);
  });
}
