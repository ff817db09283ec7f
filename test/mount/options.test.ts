import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();

/** As somebody without rights. @returns what it printed, or why it failed. */
function asNobody(script: string): string {
  const who = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const { stdout, stderr } = spawnSync("setpriv", [...who, "sh", "-c", script], { encoding: "utf8", timeout: 20_000 });
  return stdout + stderr;
}

test("--read-only: everything can be read, nothing changed", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [writer] = cluster.mounts;
  writeFileSync(writer.at("file"), "data");
  const reader = await cluster.add(["--read-only"]);
  assert.equal(readFileSync(reader.at("file"), "utf8"), "data");
  for (const change of [
    () => writeFileSync(reader.at("file"), "other"),
    () => mkdirSync(reader.at("folder")),
    () => chmodSync(reader.at("file"), 0o600),
  ]) {
    assert.throws(change, { code: "EROFS" });
  }
  writeFileSync(writer.at("file"), "more");
  assert.equal(readFileSync(reader.at("file"), "utf8"), "more");
});

test("other users may do what modes and owners let them, and no more", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("open"), "for all", { mode: 0o644 });
  writeFileSync(one.at("closed"), "for root", { mode: 0o600 });
  assert.match(asNobody(`cat ${other.at("open")} ${other.at("closed")}`), /^for all.*Permission denied/s);
  assert.match(asNobody(`echo x >> ${other.at("open")}`), /Permission denied/);
  assert.match(asNobody(`touch ${other.at("new")}`), /Permission denied/);
  mkdirSync(one.at("everybody"));
  chmodSync(one.at("everybody"), 0o1777);
  writeFileSync(one.at("everybody", "of-root"), "");
  assert.equal(asNobody(`echo mine > ${other.at("everybody", "mine")}`), "");
  assert.equal(statSync(one.at("everybody", "mine")).uid, 65_534);
  assert.match(asNobody(`rm -f ${other.at("everybody", "of-root")}`), /not permitted/);
});
