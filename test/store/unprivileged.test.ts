import assert from "node:assert/strict";
import { chmodSync, chownSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { FileStore } from "../../src/store/file-store.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { readPages, writePage } from "./describe-store.js";

const { errno } = constants;
const nobody = 65534;
const theirs = { mode: 0o640, uid: 1234, gid: 4321 };

/** A home that is not root, whoever runs the test; the folder is its own, and has a file of somebody else if root made one. */
function stage() {
  const folder = temporaryFolder();
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    writeFileSync(folder.at("foreign"), "theirs", { mode: 0o644 });
    chownSync(folder.path, nobody, nobody);
    process.setegid?.(nobody);
    process.seteuid?.(nobody);
  }
  const store = new FileStore(folder.path);
  const close = () => {
    store.close();
    if (isRoot) process.seteuid?.(0);
    if (isRoot) process.setegid?.(0);
    folder[Symbol.dispose]();
  };
  return { folder, store, tree: store.tree, isRoot, uid: process.geteuid?.() ?? 0, [Symbol.dispose]: close };
}

test("a home that is not root owns all that is made, and cannot give it away", () => {
  using at = stage();
  const made = at.tree.mkdir(at.tree.root, "folder", theirs);
  assert.deepEqual([made.uid, made.mode], [at.uid, 0o640]);
  assert.throws(() => at.tree.setAttributes(made.inode, { uid: 1234 }), { code: "DMMAP_DENIED", errno: errno.EPERM });
  assert.equal(at.tree.setAttributes(made.inode, { mode: 0o700 }).mode, 0o700);
});

test("the mode of a file that is the home's own does not stand in its way, and stays", () => {
  using at = stage();
  const { file, attributes } = at.tree.create(at.tree.root, "read-only", { ...theirs, mode: 0o444 });
  file.close();
  const written = at.tree.openInode(attributes.inode, { write: true }).file;
  written.setSize(4096);
  writePage(written, 0, 8);
  written.close();
  at.tree.setAttributes(attributes.inode, { mode: 0 });
  const again = at.tree.openInode(attributes.inode).file;
  assert.equal(readPages(again, 0, 1)[0], 8);
  again.close();
  assert.equal(at.tree.attributes(attributes.inode).mode, 0);
  assert.equal(statSync(at.folder.at("read-only")).mode % 0o10000, 0);
});

test("a file that the home may only read is served for reading", () => {
  using at = stage();
  if (!at.isRoot) chmodSync(writeForeign(at.folder.at("foreign")), 0o644);
  const inode = at.tree.lookup(at.tree.root, "foreign")?.inode ?? 0;
  const { file } = at.tree.openInode(inode);
  assert.equal(String.fromCharCode(readPages(file, 0, 1)[0]), "t");
  assert.equal(file.mayWrite, !at.isRoot);
  const write = () => at.tree.openInode(inode, { write: true }).file.close();
  if (at.isRoot) assert.throws(write, { code: "DMMAP_DENIED", errno: errno.EACCES });
  else write();
  file.close();
});

function writeForeign(path: string): string {
  writeFileSync(path, "theirs");
  return path;
}
