import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { failingHome } from "./failing-home.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();
const mebibyte = 1024 ** 2;

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

test("a full disk at the home reaches fsync and msync; nothing is dropped, and it goes on when there is room", {
  skip,
}, async () => {
  using folder = temporaryFolder();
  const disk = folder.at("disk");
  mkdirSync(disk);
  run("mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "dmmap-test", disk);
  try {
    await using cluster = await MountCluster.start({ home: { folder: disk } });
    const [one, other] = cluster.mounts;
    await using user = await PlainUser.start();
    await user.call("edit", { path: one.at("file") });
    await user.call("fill", { at: 0, length: 6 * mebibyte, value: 7 });
    await assert.rejects(user.call("fsync", {}), { code: "ENOSPC" });
    await user.call("map", { length: 6 * mebibyte });
    await user.call("store", { at: 6 * mebibyte - 1, value: 8 });
    await assert.rejects(user.call("msync", {}), (error: Error) => /ENOSPC|EIO/.test(error.message));

    run("mount", "-o", "remount,size=16m", disk);
    await user.call("fsync", {});
    await using reader = await PlainUser.start();
    await reader.call("edit", { path: other.at("file") });
    assert.equal(await reader.call("read", { at: 0, length: 1 }), "\x07");
    assert.equal(await reader.call("read", { at: 6 * mebibyte - 2, length: 2 }), "\x07\x08");
  } finally {
    run("umount", disk);
  }
});

test("a broken disk at the home reaches fsync and msync; nothing is dropped, and it goes on when it works again", {
  skip,
}, async () => {
  await using parts = await failingHome();
  const { cluster, fail, mend } = parts;
  const [one, other] = cluster.mounts;
  await using user = await PlainUser.start();
  await user.call("edit", { path: one.at("file") });
  await user.call("fill", { at: 0, length: 8192, value: 7 });
  await user.call("fsync", {});
  await user.call("map", { length: 8192 });
  fail("sync");
  await user.call("write", { at: 0, text: "a" });
  await assert.rejects(user.call("fsync", {}), { code: "EIO" });
  await user.call("store", { at: 4096, value: 8 });
  await assert.rejects(user.call("msync", {}), /EIO/);
  await assert.rejects(user.call("fsync", {}), { code: "EIO" });

  mend("sync");
  await user.call("fsync", {});
  await user.call("msync", {});
  await using reader = await PlainUser.start();
  await reader.call("edit", { path: other.at("file") });
  assert.equal(await reader.call("read", { at: 0, length: 2 }), "a\x07");
  assert.equal(await reader.call("read", { at: 4096, length: 2 }), "\x08\x07");
});

test("a page that the home's disk cannot read is EIO for who reads it, and for nobody else; until it can", {
  skip,
}, async () => {
  await using parts = await failingHome();
  const { cluster, fail, mend } = parts;
  const [one, other] = cluster.mounts;
  await using writer = await PlainUser.start();
  await writer.call("edit", { path: one.at("file") });
  for (let page = 0; page < 16; page++) await writer.call("fill", { at: page * 4096, length: 4096, value: 65 + page });
  await writer.call("fsync", {});
  fail("read 5");

  await using user = await PlainUser.start();
  await user.call("open", { path: other.at("file"), flags: "r" });
  const read = (page: number) => user.call("read", { at: page * 4096, length: 2 });
  assert.deepEqual([await read(4), await read(6), await read(15)], ["EE", "GG", "PP"]);
  await assert.rejects(read(5), { code: "EIO" });
  await user.call("edit", { path: other.at("file") });
  await assert.rejects(user.call("write", { at: 5 * 4096 + 1, text: "x" }), { code: "EIO" });

  await using volume = await connect(cluster.home.url);
  await using file = await volume.open("file");
  await using map = await file.map();
  const bad = { code: "DMMAP_IO", message: /a read of page 5 that fails/ };
  await assert.rejects(file.read(5 * 4096, 10), bad);
  await assert.rejects(file.write(5 * 4096 + 1, Buffer.from("x")), bad);
  await assert.rejects(map.hold(5 * 4096, 1, "read"), bad);
  await assert.rejects(map.prefetch(4 * 4096, 3 * 4096, "read"), bad);
  assert.deepEqual([...(await file.read(6 * 4096, 2))], [71, 71]);

  mend("read 5");
  assert.deepEqual([await read(5), [...(await file.read(5 * 4096, 1))]], ["FF", [70]]);
});
