import assert from "node:assert/strict";
import { constants } from "node:os";
import { after, before, describe, test } from "node:test";
import type { Attributes, Ownership } from "../../src/core/wire/attributes.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import type { Store } from "../../src/store/store.js";
import type { Tree } from "../../src/store/tree.js";
import { walkPath } from "../../src/store/tree-path.js";
import { until } from "../support/until.js";
import { readPages, writePage } from "./describe-store.js";

const { errno } = constants;
export const own: Ownership = { mode: 0o755, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const owner = { uid: own.uid, gid: own.gid };

/** All names of a folder, page by page. */
export function namesOf(tree: Tree, folder: number, limit?: number): string[] {
  const names: string[] = [];
  for (let more = true; more; ) {
    const page = tree.readdir(folder, names.at(-1) ?? "", limit);
    names.push(...page.entries.map((entry) => entry.name));
    more = page.more;
  }
  return names;
}

export function makeFile(tree: Tree, parent: number, name: string, mode = 0o644): Attributes {
  const { file, attributes } = tree.create(parent, name, { ...own, mode, exclusive: true });
  file.close();
  return attributes;
}

/** The contract of a store's tree, as a suite that every adapter runs. */
export function describeTree(name: string, make: () => Store): void {
  describe(`tree contract: ${name}`, () => {
    let store: Store;
    let tree: Tree;
    let folders = 0;
    /** A folder of the test's own. */
    const folder = () => tree.mkdir(tree.root, `folder-${++folders}`, own).inode;

    before(() => {
      store = make();
      tree = store.tree;
    });
    after(() => store.close());

    test("the root is a folder without a name, and the home's own folder is not in it", () => {
      const root = tree.attributes(tree.root);
      assert.deepEqual([root.inode, root.kind, tree.pathOf(tree.root)], [tree.root, "folder", ""]);
      assert.equal(tree.lookup(tree.root, ".dmmap"), undefined);
      assert.equal(namesOf(tree, tree.root).includes(".dmmap"), false);
      assert.throws(() => tree.mkdir(tree.root, ".dmmap", own), { errno: errno.EPERM });
      assert.throws(() => tree.rmdir(tree.root, ".dmmap"), { errno: errno.EPERM });
      const inside = folder();
      assert.throws(() => tree.move(inside, "x", tree.root, ".dmmap", "replace"), { errno: errno.EPERM });
      assert.equal(tree.mkdir(inside, ".dmmap", own).kind, "folder", "only in the root it is the home's");
    });

    test("what is made has its kind, mode, owner and links, and is found by name and by inode", () => {
      const parent = folder();
      const made = tree.mkdir(parent, "sub", { ...own, mode: 0o1777 });
      assert.deepEqual([made.kind, made.mode, made.links, made.uid], ["folder", 0o1777, 2, own.uid]);
      assert.deepEqual(tree.lookup(parent, "sub"), made);
      assert.deepEqual(tree.attributes(made.inode), made);
      assert.equal(tree.pathOf(made.inode), `${tree.pathOf(parent)}/sub`);
      assert.equal(tree.attributes(parent).links, 3, "a folder in it is a link to it");
      const file = makeFile(tree, parent, "file", 0o4711);
      assert.deepEqual([file.kind, file.mode, file.links, file.size], ["file", 0o4711, 1, 0]);
      const fifo = tree.mknod(parent, "fifo", "fifo", 0, { ...own, mode: 0o666 });
      assert.deepEqual([fifo.kind, fifo.mode], ["fifo", 0o666], "whatever the home's umask is");
      assert.equal(tree.mknod(parent, "socket", "socket", 0, own).kind, "socket");
      assert.equal(tree.mknod(parent, "plain", "file", 0, own).kind, "file");
      for (const name of ["sub", "file", "fifo"]) {
        assert.throws(() => tree.mkdir(parent, name, own), { errno: errno.EEXIST });
        assert.throws(() => tree.symlink(parent, name, "x", owner), { errno: errno.EEXIST });
        assert.throws(() => tree.mknod(parent, name, "fifo", 0, own), { errno: errno.EEXIST });
        assert.throws(() => tree.link(file.inode, parent, name), { errno: errno.EEXIST });
      }
    });

    test("a name that nothing can have is no name", () => {
      const parent = folder();
      const bad: [string, number][] = [
        ["", errno.ENOENT],
        ["a/b", errno.EINVAL],
        ["nul\0", errno.EINVAL],
        ["\ud800", errno.EINVAL],
        [".", errno.EINVAL],
        ["..", errno.EINVAL],
        ["x".repeat(256), errno.ENAMETOOLONG],
      ];
      for (const [name, number] of bad) {
        assert.throws(() => tree.lookup(parent, name), { errno: number }, JSON.stringify(name));
        assert.throws(() => tree.mkdir(parent, name, own), { errno: number }, JSON.stringify(name));
        assert.throws(() => tree.create(parent, name, own), { errno: number }, JSON.stringify(name));
        assert.throws(() => tree.unlink(parent, name), { errno: number }, JSON.stringify(name));
        assert.throws(() => tree.move(parent, name, parent, "x", "replace"), { errno: number }, JSON.stringify(name));
      }
      const longest = `${"ü".repeat(127)}x`;
      assert.equal(makeFile(tree, parent, longest).kind, "file");
      assert.equal(tree.lookup(parent, longest)?.kind, "file");
    });

    test("below what is no folder there is nothing", () => {
      const file = makeFile(tree, tree.root, "no-folder").inode;
      assert.throws(() => tree.lookup(file, "x"), { errno: errno.ENOTDIR });
      assert.throws(() => tree.readdir(file, ""), { errno: errno.ENOTDIR });
      assert.throws(() => tree.mkdir(file, "x", own), { errno: errno.ENOTDIR });
      assert.throws(() => tree.create(file, "x", own), { errno: errno.ENOTDIR });
    });

    test("an inode that is not known, or gone, is stale; identify tells the tree of it", () => {
      assert.throws(() => tree.attributes(2 ** 52), { code: "DMMAP_STALE", errno: errno.ESTALE });
      const parent = folder();
      const gone = makeFile(tree, parent, "gone").inode;
      const path = tree.pathOf(gone);
      assert.equal(tree.identify(gone, path).inode, gone);
      assert.equal(tree.identify(tree.root, "").inode, tree.root);
      assert.throws(() => tree.identify(parent, path), { errno: errno.ESTALE }, "another one is there");
      assert.throws(() => tree.identify(gone, `${path}/below`), { errno: errno.ESTALE });
      tree.unlink(parent, "gone");
      assert.throws(() => tree.attributes(gone), { errno: errno.ESTALE });
      assert.throws(() => tree.openInode(gone), { errno: errno.ESTALE });
      assert.throws(() => tree.identify(gone, path), { errno: errno.ESTALE });
    });

    test("a file is created and opened at once, and is the same file as by its path", () => {
      const parent = folder();
      const made = tree.create(parent, "file", { ...own, mode: 0o600 });
      assert.deepEqual([made.created, made.attributes.mode, made.file.inode], [true, 0o600, made.attributes.inode]);
      const again = tree.create(parent, "file", { ...own, mode: 0o777 });
      assert.deepEqual([again.created, again.file, again.attributes.mode], [false, made.file, 0o600]);
      assert.throws(() => tree.create(parent, "file", { ...own, exclusive: true }), { errno: errno.EEXIST });
      const byInode = tree.openInode(made.attributes.inode, { write: true }).file;
      const byPath = store.open(tree.pathOf(made.attributes.inode)).file;
      assert.equal(byInode, made.file);
      assert.equal(byPath, made.file);
      made.file.setSize(2 * pageBytes);
      writePage(made.file, 1, 7);
      assert.equal(tree.attributes(made.attributes.inode).size, 2 * pageBytes);
      assert.ok(tree.attributes(made.attributes.inode).blocks >= 8);
      for (const { file } of [made, again]) file.close();
      for (const file of [byInode, byPath]) file.close();
      assert.equal(readPages(tree.openInode(made.attributes.inode).file, 1, 2)[0], 7);
      assert.throws(() => tree.openInode(parent), { errno: errno.EISDIR });
      const fifo = tree.mknod(parent, "fifo", "fifo", 0, own).inode;
      assert.throws(() => tree.openInode(fifo), { errno: errno.EINVAL });
      assert.throws(() => tree.create(parent, "fifo", own), { errno: errno.EINVAL });
    });

    test("what the library makes and removes by path, the tree shows, and the other way round", () => {
      store.open("by/path/file", { create: true, size: 10 }).file.close();
      const by = tree.lookup(tree.root, "by")?.inode ?? 0;
      const path = tree.lookup(by, "path")?.inode ?? 0;
      assert.deepEqual(namesOf(tree, path), ["file"]);
      store.rename("by/path/file", "by/path/other");
      assert.deepEqual(namesOf(tree, path), ["other"]);
      makeFile(tree, path, "third");
      assert.deepEqual(
        store.list({ prefix: "by/" }).files.map((file) => file.name),
        ["by/path/other", "by/path/third"],
      );
      store.remove("by/path/other");
      assert.deepEqual(namesOf(tree, path), ["third"]);
    });

    test("a file without a name lives while it is open, with its attributes", () => {
      const parent = folder();
      const { file, attributes } = tree.create(parent, "orphan", own);
      file.setSize(pageBytes);
      writePage(file, 0, 5);
      tree.unlink(parent, "orphan");
      assert.equal(tree.lookup(parent, "orphan"), undefined);
      assert.deepEqual(
        [tree.attributes(attributes.inode).links, tree.attributes(attributes.inode).size],
        [0, pageBytes],
      );
      assert.equal(tree.setAttributes(attributes.inode, { mode: 0o640 }).mode, 0o640);
      const again = tree.openInode(attributes.inode).file;
      assert.equal(again, file);
      assert.throws(() => tree.link(attributes.inode, parent, "back"), { errno: errno.ENOENT });
      file.close();
      assert.equal(readPages(again, 0, 1)[0], 5);
      again.close();
      assert.throws(() => tree.attributes(attributes.inode), { errno: errno.ESTALE });
    });

    test("hard links are names of one file; it lives until the last of them is gone", () => {
      const [one, other] = [folder(), folder()];
      const { inode } = makeFile(tree, one, "first");
      assert.equal(tree.link(inode, other, "second").links, 2);
      assert.equal(tree.link(inode, other, "third").links, 3);
      assert.equal(tree.lookup(other, "second")?.inode, inode);
      tree.unlink(other, "third");
      assert.equal(tree.attributes(inode).links, 2);
      tree.unlink(one, "first");
      assert.equal(tree.attributes(inode).links, 1, "by the name that is left");
      assert.equal(tree.pathOf(inode), `${tree.pathOf(other)}/second`);
      tree.move(other, "second", one, "moved", "replace");
      assert.equal(tree.pathOf(inode), `${tree.pathOf(one)}/moved`);
      assert.throws(() => tree.link(one, other, "folder"), { errno: errno.EPERM });
      tree.unlink(one, "moved");
      assert.throws(() => tree.attributes(inode), { errno: errno.ESTALE });
    });

    test("symbolic links are read, not followed", () => {
      const parent = folder();
      const target = "../ü/nowhere";
      const link = tree.symlink(parent, "link", target, owner);
      assert.deepEqual([link.kind, link.size], ["symlink", Buffer.byteLength(target)]);
      assert.equal(tree.readlink(link.inode), target);
      assert.equal(tree.lookup(parent, "link")?.kind, "symlink");
      assert.throws(() => tree.lookup(link.inode, "x"), { errno: errno.ENOTDIR });
      assert.throws(() => tree.readlink(parent), { errno: errno.EINVAL });
      assert.throws(() => tree.openInode(link.inode), { errno: errno.EINVAL });
      assert.throws(() => tree.symlink(parent, "empty", "", owner), { errno: errno.ENOENT });
      assert.throws(() => tree.symlink(parent, "long", "x".repeat(4096), owner), { errno: errno.ENAMETOOLONG });
      assert.throws(() => tree.setAttributes(link.inode, { mode: 0o600 }), { errno: errno.EOPNOTSUPP });
      assert.deepEqual(tree.setAttributes(link.inode, { mtime: [5, 6] }).mtime, [5, 6], "its own time");
      tree.unlink(parent, "link");
    });

    test("names go by unlink and rmdir, each for its own kind", () => {
      const parent = folder();
      const sub = tree.mkdir(parent, "sub", own).inode;
      makeFile(tree, sub, "file");
      assert.throws(() => tree.unlink(parent, "sub"), { errno: errno.EISDIR });
      assert.throws(() => tree.rmdir(parent, "sub"), { errno: errno.ENOTEMPTY });
      assert.throws(() => tree.rmdir(sub, "file"), { errno: errno.ENOTDIR });
      assert.throws(() => tree.unlink(sub, "none"), { errno: errno.ENOENT });
      assert.throws(() => tree.rmdir(sub, "none"), { errno: errno.ENOENT });
      tree.unlink(sub, "file");
      tree.rmdir(parent, "sub");
      assert.throws(() => tree.attributes(sub), { errno: errno.ESTALE });
      assert.throws(() => tree.mkdir(sub, "in-what-is-gone", own), { errno: errno.ESTALE });
      assert.equal(tree.attributes(parent).links, 2);
    });

    test("move replaces, refuses to replace, exchanges", () => {
      const parent = folder();
      const [a, b] = [makeFile(tree, parent, "a").inode, makeFile(tree, parent, "b").inode];
      assert.throws(() => tree.move(parent, "a", parent, "b", "noReplace"), { errno: errno.EEXIST });
      tree.move(parent, "a", parent, "b", "exchange");
      assert.deepEqual([tree.lookup(parent, "a")?.inode, tree.lookup(parent, "b")?.inode], [b, a]);
      tree.move(parent, "b", parent, "a", "replace");
      assert.deepEqual(namesOf(tree, parent), ["a"]);
      assert.equal(tree.pathOf(a), `${tree.pathOf(parent)}/a`);
      assert.throws(() => tree.move(parent, "a", parent, "none", "exchange"), { errno: errno.ENOENT });
      assert.throws(() => tree.move(parent, "none", parent, "a", "replace"), { errno: errno.ENOENT });
      tree.move(parent, "a", parent, "c", "noReplace");
      tree.link(a, parent, "d");
      tree.move(parent, "c", parent, "d", "replace");
      assert.deepEqual(namesOf(tree, parent), ["c", "d"], "two names of one file: nothing happens");
      assert.equal(tree.attributes(a).links, 2);
    });

    test("a folder moves with all that is in it, but not into itself", () => {
      const [parent, target] = [folder(), folder()];
      const outer = tree.mkdir(parent, "outer", own).inode;
      const inner = tree.mkdir(outer, "inner", own).inode;
      const file = makeFile(tree, inner, "file").inode;
      assert.throws(() => tree.move(parent, "outer", inner, "x", "replace"), { errno: errno.EINVAL });
      tree.move(parent, "outer", target, "moved", "replace");
      assert.equal(tree.pathOf(file), `${tree.pathOf(target)}/moved/inner/file`);
      assert.equal(tree.attributes(file).inode, file);
      assert.deepEqual([tree.attributes(parent).links, tree.attributes(target).links], [2, 3]);
      const plain = makeFile(tree, parent, "plain").inode;
      assert.throws(() => tree.move(parent, "plain", target, "moved", "replace"), { errno: errno.EISDIR });
      assert.throws(() => tree.move(target, "moved", parent, "plain", "replace"), { errno: errno.ENOTDIR });
      const full = tree.mkdir(parent, "full", own).inode;
      makeFile(tree, full, "x");
      assert.throws(() => tree.move(target, "moved", parent, "full", "replace"), { errno: errno.ENOTEMPTY });
      tree.move(target, "moved", parent, "plain", "exchange");
      assert.equal(tree.pathOf(file), `${tree.pathOf(parent)}/plain/inner/file`);
      assert.equal(tree.pathOf(plain), `${tree.pathOf(target)}/moved`);
      const empty = tree.mkdir(parent, "empty", own).inode;
      tree.move(parent, "plain", parent, "empty", "replace");
      assert.throws(() => tree.attributes(empty), { errno: errno.ESTALE });
      assert.equal(tree.attributes(file).inode, file);
    });

    test("a file that the library opened by its path is followed wherever its folders go", () => {
      const { file } = store.open("outer/inner/followed", { create: true });
      tree.move(tree.root, "outer", folder(), "moved", "replace");
      assert.equal(tree.pathOf(file.inode), `folder-${folders}/moved/inner/followed`);
      file.close();
    });

    test("a folder is listed in the order of its names' bytes, in pages, while it changes", () => {
      const parent = folder();
      const names = ["a", "B", "ü", "\u{1f600}", "\uffee", "a-", "a0", "Z"];
      for (const name of names) makeFile(tree, parent, name);
      const inOrder = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      assert.deepEqual(namesOf(tree, parent), inOrder);
      assert.deepEqual(namesOf(tree, parent, 3), inOrder);
      const page = tree.readdir(parent, "", 2);
      assert.equal(page.more, true);
      assert.deepEqual(page.entries[0].attributes, tree.lookup(parent, inOrder[0]));
      tree.unlink(parent, inOrder[1]);
      makeFile(tree, parent, "A");
      makeFile(tree, parent, "\u{1f601}");
      const rest = tree.readdir(parent, inOrder[1]).entries.map((entry) => entry.name);
      assert.deepEqual(rest, [...inOrder.slice(2), "\u{1f601}"]);
      tree.move(parent, "B", parent, "0", "replace");
      assert.deepEqual(namesOf(tree, parent).slice(0, 2), ["0", "A"]);
      assert.deepEqual(namesOf(tree, folder()), []);
    });

    test("paths are walked as from a root that nothing leads out of", () => {
      const parent = folder();
      const path = tree.pathOf(parent);
      const { inode } = makeFile(tree, tree.mkdir(parent, "sub", own).inode, "file");
      tree.symlink(parent, "link", `../${path}/./sub//file`, owner);
      tree.symlink(parent, "folder", "sub", owner);
      tree.symlink(parent, "circle", "circle", owner);
      tree.symlink(parent, "out", "../../x", owner);
      tree.symlink(parent, "absolute", "/etc", owner);
      const walk = (rest: string, followLast = true) => walkPath(tree, `${path}/${rest}`, { followLast });
      assert.equal(walk("link").attributes?.inode, inode);
      assert.equal(walk("link", false).attributes?.kind, "symlink");
      assert.equal(walk("folder/file", false).attributes?.inode, inode);
      assert.deepEqual([walk("sub/..").name, walk("sub/..").parent], [path, tree.root]);
      assert.equal(walkPath(tree, "", { followLast: true }).attributes?.inode, tree.root);
      const absent = walk("folder/new/deep/name");
      assert.equal(absent.attributes, undefined);
      assert.deepEqual([absent.name, absent.missing], ["new", ["deep", "name"]]);
      assert.throws(() => walk("circle"), { errno: errno.ELOOP });
      assert.throws(() => walk("out"), { errno: errno.EXDEV });
      assert.throws(() => walk("absolute"), { errno: errno.EXDEV });
      assert.throws(() => walk("sub/file/x"), { errno: errno.ENOTDIR });
    });

    test("names are put on stable storage, whatever files are in them", async () => {
      folder();
      let outcome: { error: Error | undefined } | undefined;
      tree.sync((error) => {
        outcome = { error };
      });
      await until("a sync ends", () => {
        if (store.wakeFd >= 0) store.onWake();
        return outcome !== undefined;
      });
      assert.deepEqual(outcome, { error: undefined });
    });
  });
}
