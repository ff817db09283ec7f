import assert from "node:assert/strict";
import * as fs from "node:fs";
import { constants } from "node:os";
import { after, test } from "node:test";
import { FileStore } from "../../src/store/file-store.js";
import { InodeWalk } from "../../src/store/inode-walk.js";
import type { Tree } from "../../src/store/tree.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { describeAttributes } from "./describe-attributes.js";
import { readPages, writePage } from "./describe-store.js";
import { describeTree, makeFile, namesOf, own } from "./describe-tree.js";

const { errno } = constants;
const contractFolder = temporaryFolder();
after(() => contractFolder[Symbol.dispose]());
describeTree("files", () => new FileStore(contractFolder.path));
describeAttributes("files", () => new FileStore(contractFolder.path));

function closing(store: FileStore): FileStore & Disposable {
  return Object.assign(store, { [Symbol.dispose]: () => store.close() });
}

function found(tree: Tree, parent: number, name: string): number {
  const attributes = tree.lookup(parent, name);
  assert.ok(attributes, `${name} is there`);
  return attributes.inode;
}

test("a file that a rename replaced is found for a moment by who was told of it, and then its room is free", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  fs.writeFileSync(folder.at("name"), "old");
  fs.writeFileSync(folder.at("new"), "new");
  const old = found(tree, tree.root, "name");
  tree.move(tree.root, "new", tree.root, "name", "replace");
  const { file, attributes } = tree.openInode(old);
  assert.deepEqual([attributes.size, attributes.links, file.inode], [3, 0, old]);
  assert.throws(() => tree.pathOf(old), { errno: errno.ESTALE });
  file.close();
  tree.expire();
  assert.equal(tree.attributes(old).links, 0, "not yet");
  tree.close();
  assert.throws(() => tree.openInode(old), { errno: errno.ESTALE });
});

test("attributes are the disk's, and what is changed is on the disk", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  fs.writeFileSync(folder.at("file"), "content");
  fs.mkdirSync(folder.at("sub"), { mode: 0o700 });
  const attributes = tree.lookup(tree.root, "file");
  const stat = fs.lstatSync(folder.at("file"));
  assert.deepEqual(
    [attributes?.inode, attributes?.size, attributes?.mode, attributes?.uid, attributes?.gid, attributes?.links],
    [stat.ino, 7, stat.mode % 0o10000, stat.uid, stat.gid, 1],
  );
  assert.equal(attributes?.mtime[0], Math.floor(stat.mtimeMs / 1000));
  const sub = found(tree, tree.root, "sub");
  tree.symlink(sub, "link", "../file", own);
  tree.mkdir(sub, "deeper", { ...own, mode: 0o770 });
  tree.move(tree.root, "file", sub, "moved", "replace");
  assert.equal(fs.readFileSync(folder.at("sub/moved"), "utf8"), "content");
  assert.equal(fs.readlinkSync(folder.at("sub/link")), "../file");
  assert.equal(fs.statSync(folder.at("sub/deeper")).mode % 0o10000, 0o770);
  tree.setAttributes(stat.ino, { mode: 0o4755, mtime: [7, 500_000_000] });
  assert.deepEqual(
    [fs.statSync(folder.at("sub/moved")).mode % 0o10000, fs.statSync(folder.at("sub/moved")).mtimeMs],
    [0o4755, 7500],
  );
});

test("owners are real where the home is root; else all is the home's own", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const isRoot = process.geteuid?.() === 0;
  const theirs = { mode: 0o640, uid: 1234, gid: 4321 };
  const owners = [
    tree.mkdir(tree.root, "folder", theirs),
    tree.symlink(tree.root, "link", "x", theirs),
    tree.mknod(tree.root, "fifo", "fifo", 0, theirs),
    tree.create(tree.root, "file", theirs).attributes,
  ].map(({ uid, gid }) => [uid, gid]);
  const expected = isRoot ? [1234, 4321] : [own.uid, own.gid];
  assert.deepEqual(owners, [expected, expected, expected, expected]);
  const group = tree.mkdir(tree.root, "group", { ...theirs, mode: 0o2770 }).inode;
  const { gid } = tree.mkdir(group, "sub", own);
  assert.equal(gid, expected[1], "the group of a folder with the set-group-id bit");
  const { inode } = makeFile(tree, tree.root, "given");
  if (isRoot) assert.equal(tree.setAttributes(inode, { uid: 77 }).uid, 77);
  else assert.throws(() => tree.setAttributes(inode, { uid: 77 }), { code: "DMMAP_DENIED", errno: errno.EPERM });
});

test("names that are no UTF-8 are listed, found, moved and removed as any other", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const raw = Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from([0x61, 0xff, 0xc3, 0xbc, 0xe2, 0x82])]);
  fs.writeFileSync(raw, "raw");
  const [name] = namesOf(tree, tree.root);
  assert.equal(name, "a\udcffü\udce2\udc82");
  assert.equal(JSON.parse(JSON.stringify(name)), name, "it survives the wire");
  const inode = found(tree, tree.root, name);
  assert.equal(tree.openInode(inode).file.sizeBytes, 3);
  tree.move(tree.root, name, tree.root, "\udc80", "replace");
  assert.equal(tree.pathOf(inode), "\udc80");
  assert.deepEqual(fs.readdirSync(folder.path, { encoding: "buffer" })[1], Buffer.from([0x80]));
  tree.unlink(tree.root, "\udc80");
  assert.deepEqual(namesOf(tree, tree.root), []);
});

test("100,000 names are listed in order, each once, and kept sorted while they go", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const { inode } = tree.mkdir(tree.root, "large", own);
  const count = 100_000;
  const expected = Array.from({ length: count }, (_, index) => `name-${index}`).toSorted();
  // Links of a few files are made faster than files; a file has at most 65,000.
  for (const [index, name] of expected.entries()) {
    if (index % 10_000 === 0) fs.writeFileSync(folder.at(`large/${name}`), "");
    else fs.linkSync(folder.at(`large/${expected[index - (index % 10_000)]}`), folder.at(`large/${name}`));
  }
  const start = performance.now();
  assert.deepEqual(namesOf(tree, inode), expected);
  const listMillis = performance.now() - start;
  const again = performance.now();
  for (let after = ""; ; ) {
    const { entries, more } = tree.readdir(inode, after, 1000);
    after = entries.at(-1)?.name ?? "";
    tree.unlink(inode, entries[0].name);
    if (!more) break;
  }
  const unlinkingMillis = performance.now() - again;
  assert.equal(namesOf(tree, inode).length, count - 100);
  assert.ok(unlinkingMillis < 5 * listMillis, `a page does not sort anew: ${unlinkingMillis} after ${listMillis} ms`);
});

test("what others change at the disk is found out: moved, replaced, removed", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const sub = tree.mkdir(tree.root, "sub", own).inode;
  const file = makeFile(tree, sub, "file").inode;
  fs.renameSync(folder.at("sub"), folder.at("moved"));
  assert.throws(() => tree.attributes(file), { code: "DMMAP_STALE" });
  assert.equal(tree.identify(file, "moved/file").inode, file);
  assert.equal(tree.attributes(file).inode, file);
  assert.equal(tree.pathOf(sub), "moved");
  fs.renameSync(folder.at("moved/file"), folder.at("aside"));
  fs.writeFileSync(folder.at("moved/file"), "another");
  assert.throws(() => tree.openInode(file), { code: "DMMAP_STALE" }, "never another file for it");
  fs.symlinkSync(folder.at("moved"), folder.at("sub"));
  assert.throws(() => tree.identify(file, "sub/file"), { code: "DMMAP_STALE" }, "nor one through a link");
});

test("what others put into a folder is listed, whatever the home has changed there since", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const sub = tree.mkdir(tree.root, "sub", own).inode;
  const other = tree.mkdir(tree.root, "other", own).inode;
  makeFile(tree, other, "given");
  const changes = [
    () => tree.mkdir(sub, "folder", own),
    () => tree.create(sub, "file", own).file.close(),
    () => tree.link(found(tree, sub, "file"), sub, "link"),
    () => tree.move(other, "given", sub, "taken", "replace"),
    () => tree.move(sub, "taken", sub, "moved", "replace"),
    () => tree.move(sub, "link", other, "link", "replace"),
    () => tree.move(other, "link", sub, "moved", "exchange"),
    () => tree.unlink(sub, "moved"),
    () => tree.rmdir(sub, "folder"),
  ];
  for (const [round, change] of changes.entries()) {
    namesOf(tree, sub);
    sleepTicks();
    namesOf(tree, sub);
    fs.writeFileSync(folder.at(`sub/outside-${round}`), "");
    change();
    assert.deepEqual(namesOf(tree, sub), fs.readdirSync(folder.at("sub")).toSorted(), `after change ${round}`);
  }
});

test("what others put into a folder is listed even if they do so at the moment of a change, or set its time back", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const sub = tree.mkdir(tree.root, "sub", own).inode;
  for (let round = 0; round < 20; round++) {
    tree.mkdir(sub, `home-${round}`, own);
    namesOf(tree, sub);
    fs.writeFileSync(folder.at(`sub/outside-${round}`), "");
    tree.mkdir(sub, `later-${round}`, own);
  }
  sleepTicks();
  assert.deepEqual(namesOf(tree, sub), fs.readdirSync(folder.at("sub")).toSorted());
  const { atime, mtime } = fs.statSync(folder.at("sub"));
  fs.writeFileSync(folder.at("sub/outside"), "");
  fs.utimesSync(folder.at("sub"), atime, mtime);
  assert.ok(namesOf(tree, sub).includes("outside"));
});

/** Longer than two changes with one stamp are apart. */
function sleepTicks(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
}

test("an inode is found wherever others have moved it, by any of its names, and not in the home's own folder", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const sub = tree.mkdir(tree.root, "sub", own).inode;
  const file = makeFile(tree, sub, "file").inode;
  tree.link(file, sub, "link");
  const deep = folder.at("a/b/c");
  fs.mkdirSync(deep, { recursive: true });
  fs.symlinkSync(folder.path, folder.at("a/again"));
  for (const name of ["file", "link"]) fs.renameSync(folder.at("sub", name), `${deep}/${name} ÿ\u{1f98a}`);
  assert.throws(() => tree.attributes(file), { code: "DMMAP_STALE" });
  assert.equal(tree.find(file).inode, file);
  assert.match(tree.pathOf(file), /^a\/b\/c\/(file|link) ÿ\u{1f98a}$/u);
  for (const name of fs.readdirSync(deep)) fs.rmSync(`${deep}/${name}`);
  assert.throws(() => tree.find(file), { code: "DMMAP_STALE" });
  const hidden = fs.statSync(folder.at(".dmmap/lock")).ino;
  assert.throws(() => tree.find(hidden), { code: "DMMAP_STALE" });
});

test("what is mounted in the folder is another filesystem, and none of the tree's", () => {
  const fd = fs.openSync("/", fs.constants.O_RDONLY);
  const walk = new InodeWalk(fd);
  const look = () => walk.withFolder(walk.root, (rootFd) => walk.look(walk.root, rootFd, "proc"));
  assert.throws(look, { errno: errno.EXDEV });
  fs.closeSync(fd);
});

test("a path longer than the system takes at once leads there all the same", () => {
  using folder = temporaryFolder();
  using store = closing(new FileStore(folder.path));
  const { tree } = store;
  const part = "ü".repeat(120);
  const above: number[] = [];
  let inode = tree.root;
  for (let depth = 0; depth < 40; depth++) {
    above.push(inode);
    inode = tree.mkdir(inode, part, own).inode;
  }
  const file = makeFile(tree, inode, "deep").inode;
  assert.ok(Buffer.byteLength(tree.pathOf(file)) > 8192);
  const open = tree.openInode(file, { write: true }).file;
  open.setSize(4096);
  writePage(open, 0, 3);
  assert.equal(readPages(tree.openInode(file).file, 0, 1)[0], 3);
  tree.move(inode, "deep", tree.root, "shallow", "replace");
  assert.equal(tree.pathOf(file), "shallow");
  for (const parent of above.toReversed()) tree.rmdir(parent, part); // Node's own rm cannot.
});
