import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { dmmap } from "../cli/dmmap.js";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();
const pageBytes = 4096;
const leaseMillis = 2000;
const waitMillis = leaseMillis * 15;

/** A program with a file of two pages open and mapped. */
async function userOf(path: string): Promise<PlainUser> {
  const user = await PlainUser.start();
  await user.call("edit", { path });
  await user.call("map", { length: 2 * pageBytes });
  return user;
}

test("R15: a mount stopped beyond its lease drops what it stored, says which bytes, and its programs go on", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ home: { leaseMillis } });
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), Buffer.alloc(2 * pageBytes, 1));
  await using near = await userOf(one.at("file"));
  await near.call("fsync", {});
  await near.call("store", { at: 0, value: 2 });
  await near.call("fill", { at: pageBytes, length: 10, value: 2 });
  one.isQuiet = false;
  one.program.kill("SIGSTOP");

  await using far = await userOf(other.at("file"));
  await far.call("fill", { at: 0, length: 2 * pageBytes, value: 3 }, waitMillis);
  await far.call("fsync", {});
  one.program.kill("SIGCONT");

  // See "The window" in docs/failures.md: the mount has to run before its kernel can be told.
  await until("the map is fresh", async () => (await near.call("load", { at: 0 }, waitMillis)) === 3);
  assert.equal(await near.call("read", { at: pageBytes, length: 1 }, waitMillis), "\x03");
  await until("the loss is logged", () => /stores to file, bytes 0\.\.8192, are lost/.test(one.program.errors));
  await assert.rejects(near.call("fsync", {}), { code: "EIO" });
  await near.call("store", { at: 5, value: 9 });
  await near.call("fsync", {});
  assert.equal(await far.call("load", { at: 5 }), 9);
});

test("R15: each descriptor hears of the loss once, whichever is closed or synced first", { skip }, async () => {
  await using cluster = await MountCluster.start({ home: { leaseMillis } });
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), Buffer.alloc(pageBytes, 1));
  await using near = await userOf(one.at("file"));
  const open = (as: string, flags: string) => near.call("open", { path: one.at("file"), flags, as });
  await open("second", "r+");
  await open("third", "r+");
  await near.call("fsync", {});
  await near.call("write", { at: 0, text: "lost" });
  one.isQuiet = false;
  one.program.kill("SIGSTOP");
  await using far = await userOf(other.at("file"));
  await far.call("write", { at: 0, text: "kept" }, waitMillis);
  one.program.kill("SIGCONT");
  await until("the loss is logged", () => /stores to file, bytes 0\.\.4096, are lost/.test(one.program.errors));

  await open("reader", "r");
  assert.equal(await near.call("read", { at: 0, length: 4, as: "reader" }, waitMillis), "kept");
  await near.call("close", { as: "reader" });
  await assert.rejects(near.call("close", { as: "third" }), { code: "EIO" });
  for (const as of ["main", "second"]) {
    await assert.rejects(near.call("fsync", { as }), { code: "EIO" }, as);
    await near.call("fsync", { as });
  }
  await open("late", "r+");
  await near.call("fsync", { as: "late" });
  for (const as of ["late", "second"]) await near.call("close", { as });
});

test("a mount that is killed: others have its pages after the lease, what was synced is there, the home names what is not", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ home: { leaseMillis } });
  const [one, other] = cluster.mounts;
  await using near = await userOf(one.at("file"));
  await near.call("fill", { at: 0, length: 2 * pageBytes, value: 1 });
  await near.call("fsync", {});
  await near.call("store", { at: 0, value: 2 });
  await one.kill();
  await assert.rejects(near.call("fsync", {}), { code: "ENOTCONN" });

  await using far = await userOf(other.at("file"));
  await far.call("store", { at: 1, value: 5 }, waitMillis);
  assert.ok([1, 2].includes(await far.call("load", { at: 0 })));
  assert.equal(await far.call("load", { at: 2 * pageBytes - 1 }), 1);
  const { files } = await cluster.home.untilFenced("mount 0");
  assert.deepEqual(
    files.map(({ name }) => name),
    ["file"],
  );
  await near[Symbol.asyncDispose]();
  assert.equal((await dmmap(["umount", one.path])).code, 0);
  await one.start();
  assert.equal(readFileSync(one.at("file"))[1], 5);
});
