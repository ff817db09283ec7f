import assert from "node:assert/strict";
import * as fs from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const { errno } = constants;

async function stage() {
  const folder = temporaryFolder();
  const home = await startHome({ folder: folder.path, listen: "127.0.0.1:0" });
  const [volume, other] = await Promise.all([connect(home.url), connect(home.url)]);
  const dispose = async () => {
    await Promise.all([volume.close(), other.close()]);
    await home.close();
    folder[Symbol.dispose]();
  };
  return { folder, volume, other, [Symbol.asyncDispose]: dispose };
}

test("folders are made, listed, moved and removed by path, and every node sees them", async () => {
  await using at = await stage();
  const { folder, volume, other } = at;
  await volume.mkdir("a/b/c", { recursive: true, mode: 0o750 });
  await volume.mkdir("a/b", { recursive: true });
  assert.equal((await other.lstat("a/b/c")).mode, 0o750 - (0o750 & process.umask()));
  await assert.rejects(volume.mkdir("a/b"), { code: "DMMAP_EXISTS", errno: errno.EEXIST });
  await assert.rejects(volume.mkdir("none/x"), { code: "DMMAP_NOT_FOUND", errno: errno.ENOENT });
  const file = await other.open("a/b/file", { create: true, size: 5 });
  await file.close();
  const entries = await volume.readdir("a/b");
  assert.deepEqual(
    entries.map(({ name, attributes }) => [name, attributes.kind, attributes.links]),
    [
      ["c", "folder", 2],
      ["file", "file", 1],
    ],
  );
  await volume.move("a/b", "moved");
  assert.equal((await other.stat("moved/file")).size, 5);
  await assert.rejects(volume.move("moved/file", "a", { onExisting: "fail" }), { errno: errno.EEXIST });
  await volume.move("moved/file", "a", { onExisting: "exchange" });
  assert.equal(fs.statSync(folder.at("a")).size, 5);
  await assert.rejects(volume.rmdir("moved"), { code: "DMMAP_EXISTS", errno: errno.ENOTEMPTY });
  await volume.rmdir("moved/file");
  await volume.rmdir("moved/c");
  await volume.rmdir("moved");
  assert.deepEqual(
    (await other.readdir()).map(({ name }) => name),
    ["a"],
    "and the home's own folder is not shown",
  );
  await volume.syncNames();
});

test("links: symbolic ones are read, and followed by what says so; hard ones are names of one file", async () => {
  await using at = await stage();
  const { folder, volume, other } = at;
  await (await volume.open("sub/file", { create: true, size: 7 })).close();
  await volume.symlink("sub/file", "link");
  assert.equal(await other.readlink("link"), "sub/file");
  assert.equal(fs.readlinkSync(folder.at("link")), "sub/file");
  assert.equal((await other.lstat("link")).kind, "symlink");
  await volume.chmod("link", 0o4700);
  assert.equal((await other.lstat("sub/file")).mode, 0o4700);
  await volume.link("sub/file", "second");
  const [one, two] = await Promise.all([other.lstat("sub/file"), other.lstat("second")]);
  assert.deepEqual([one.inode, one.links], [two.inode, 2]);
  await volume.remove("sub/file");
  assert.equal((await other.lstat("second")).links, 1);
  await assert.rejects(volume.chmod("link", 0o700), { code: "DMMAP_NOT_FOUND" });
  await volume.symlink("../..", "out");
  await assert.rejects(volume.readdir("out"), { code: "DMMAP_BAD_NAME", errno: errno.EXDEV });
  await assert.rejects(volume.readlink("second"), { errno: errno.EINVAL });
});

test("modes, times, owners and extended attributes", async () => {
  await using at = await stage();
  const { folder, volume, other } = at;
  await (await volume.open("file", { create: true })).close();
  await volume.utimes("file", new Date(-1500), [1_000_000_000, 5]);
  const { atime, mtime } = await other.lstat("file");
  assert.deepEqual(
    [atime, mtime],
    [
      [-2, 500_000_000],
      [1_000_000_000, 5],
    ],
  );
  await volume.utimes("file", "now", "now");
  assert.ok(Math.abs((await other.lstat("file")).mtime[0] - Date.now() / 1000) < 60);
  const { uid, gid } = fs.statSync(folder.at("file"));
  await volume.chown("file", uid, gid);
  await volume.setxattr("file", "user.note", Buffer.from("hello"));
  assert.deepEqual(await other.listxattr("file"), ["user.note"]);
  assert.equal(Buffer.from(await other.getxattr("file", "user.note")).toString(), "hello");
  await assert.rejects(other.setxattr("file", "user.note", Buffer.of(1), { mode: "create" }), { errno: errno.EEXIST });
  await other.removexattr("file", "user.note");
  await assert.rejects(volume.getxattr("file", "user.note"), { code: "DMMAP_NOT_FOUND", errno: errno.ENODATA });
  assert.ok((await volume.statfs()).blocks > 0);
});

test("the caller's own mistakes are told before anything is touched", async () => {
  await using at = await stage();
  const { volume } = at;
  await assert.rejects(volume.chmod("x", 0o10000), RangeError);
  await assert.rejects(volume.mkdir("x", { mode: -1 }), RangeError);
  await assert.rejects(volume.mkdir(5 as unknown as string), TypeError);
  await assert.rejects(volume.move("a", "b", { onExisting: "ask" as "fail" }), TypeError);
  await assert.rejects(volume.rmdir(""), { code: "DMMAP_BAD_NAME" });
  assert.deepEqual(await volume.readdir(), []);
});

test("a folder is listed in full, however long its names are, and in JSON", async () => {
  await using at = await stage();
  const { folder, volume } = at;
  const names = Array.from({ length: 1200 }, (_, index) => "\u0001".repeat(250) + String(index).padStart(5, "0"));
  for (const name of names) fs.writeFileSync(folder.at(name), "");
  const listed = await volume.readdir("");
  assert.deepEqual(
    listed.map(({ name }) => name),
    names,
  );
});
