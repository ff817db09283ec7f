import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();

test("a mount that finds a bug of its own says so and ends: ENOTCONN, and no wrong bytes", { skip }, async () => {
  using folder = temporaryFolder();
  await using cluster = await MountCluster.start({ home: { leaseMillis: 2000 } });
  const other = cluster.mounts[1];
  const NODE_OPTIONS = `--import=${new URL("./breaking-point.js", import.meta.url).href}`;
  const broken = await cluster.add([], { env: { NODE_OPTIONS, DMMAP_TEST_BREAK: folder.at("break") } });
  broken.isQuiet = false;
  await using user = await PlainUser.start();
  await user.call("edit", { path: broken.at("file") });
  await user.call("write", { at: 0, text: "synced" });
  await user.call("fsync", {});
  await user.call("map", { length: 4096 });
  writeFileSync(folder.at("break"), "");

  await assert.rejects(user.call("edit", { path: broken.at("file"), as: "new" }), /ENOTCONN|ECONNABORTED/);
  await assert.rejects(user.call("write", { at: 0, text: "lost" }), { code: "ENOTCONN" });
  await assert.rejects(user.call("fsync", {}), { code: "ENOTCONN" });
  assert.throws(() => statSync(broken.path), { code: "ENOTCONN" });
  const { signal } = await broken.program.end();
  assert.equal(signal, "SIGABRT");
  assert.match(broken.program.errors, /the pager failed; its process stops[^]*a bug, for this test/);

  await cluster.home.untilFenced("mount 2");
  assert.equal(readFileSync(other.at("file"), "utf8"), "synced");
  await user[Symbol.asyncDispose]();
});
