import assert from "node:assert/strict";
import { constants } from "node:os";
import { after, before, describe, test } from "node:test";
import { pageBytes } from "../../src/kernel/page-size.js";
import type { Store } from "../../src/store/store.js";
import type { Tree } from "../../src/store/tree.js";
import { readPages, writePage } from "./describe-store.js";
import { makeFile, own } from "./describe-tree.js";

const { errno } = constants;
const owner = { uid: own.uid, gid: own.gid };

/** The contract of a store's tree about what files have besides their names and bytes, as a suite that every adapter runs. */
export function describeAttributes(name: string, make: () => Store): void {
  describe(`attribute contract: ${name}`, () => {
    let store: Store;
    let tree: Tree;

    before(() => {
      store = make();
      tree = store.tree;
    });
    after(() => store.close());

    test("attributes change each for itself, and the rest stays", () => {
      const { inode } = makeFile(tree, tree.root, "attributes", 0o644);
      assert.equal(tree.setAttributes(inode, { mode: 0o2750 }).mode, 0o2750);
      const timed = tree.setAttributes(inode, { atime: [1_000_000_000, 123_456_789], mtime: [-5, 999_999_999] });
      assert.deepEqual(
        [timed.atime, timed.mtime],
        [
          [1_000_000_000, 123_456_789],
          [-5, 999_999_999],
        ],
        "before 1970 too",
      );
      const touched = tree.setAttributes(inode, { atime: "now" });
      assert.deepEqual(touched.mtime, timed.mtime);
      assert.ok(Math.abs(touched.atime[0] - Date.now() / 1000) < 60);
      assert.ok(Math.abs(touched.ctime[0] - Date.now() / 1000) < 60);
      assert.deepEqual(tree.setAttributes(inode, owner).uid, owner.uid);
      assert.deepEqual(tree.attributes(inode).mtime, timed.mtime);
      const { file } = tree.openInode(inode, { write: true });
      file.setSize(pageBytes);
      writePage(file, 0, 1);
      assert.notDeepEqual(tree.attributes(inode).mtime, timed.mtime, "a write sets it");
      file.setModified([12, 34]);
      assert.deepEqual(tree.attributes(inode).mtime, [12, 34]);
      file.close();
      assert.deepEqual(tree.attributes(inode).mtime, [12, 34]);
    });

    test("a folder's set-group-id bit goes to folders made in it", () => {
      const parent = tree.mkdir(tree.root, "set-group-id", { ...own, mode: 0o2775 }).inode;
      assert.equal(tree.mkdir(parent, "sub", { ...own, mode: 0o755 }).mode, 0o2755);
      assert.equal(makeFile(tree, parent, "file", 0o644).mode, 0o644);
    });

    test("extended attributes of files and folders", () => {
      const parent = tree.mkdir(tree.root, "extended", own).inode;
      const { inode } = makeFile(tree, parent, "file");
      const value = Uint8Array.from([0, 255, 1]);
      for (const target of [inode, parent]) {
        assert.deepEqual(tree.listxattr(target), []);
        assert.equal(tree.attributes(target).xattrs, false);
        tree.setxattr(target, "user.one", value, "create");
        assert.equal(tree.attributes(target).xattrs, true);
        tree.setxattr(target, "user.two", new Uint8Array(0), "any");
        assert.throws(() => tree.setxattr(target, "user.one", value, "create"), { errno: errno.EEXIST });
        assert.throws(() => tree.setxattr(target, "user.none", value, "replace"), { errno: errno.ENODATA });
        assert.deepEqual(Buffer.from(tree.getxattr(target, "user.one")), Buffer.from(value));
        assert.equal(tree.getxattr(target, "user.two").length, 0);
        assert.deepEqual(tree.listxattr(target).toSorted(), ["user.one", "user.two"]);
        tree.removexattr(target, "user.one");
        assert.throws(() => tree.getxattr(target, "user.one"), { errno: errno.ENODATA });
        assert.throws(() => tree.removexattr(target, "user.one"), { errno: errno.ENODATA });
      }
      assert.throws(() => tree.setxattr(inode, "user.big", new Uint8Array(65537), "any"), { errno: errno.E2BIG });
      assert.throws(() => tree.setxattr(inode, "system.posix_acl_access", value, "any"), { errno: errno.EOPNOTSUPP });
      const link = tree.symlink(parent, "link", "file", owner).inode;
      assert.throws(() => tree.setxattr(link, "user.one", value, "any"), { errno: errno.EPERM });
    });

    test("the home's own extended attributes are neither shown nor touched", () => {
      const { file, attributes } = tree.create(tree.root, "policy", { ...own, policy: "simple" });
      assert.equal(file.policy, "simple");
      assert.deepEqual(tree.listxattr(attributes.inode), []);
      assert.equal(attributes.xattrs, false);
      const name = "user.dmmap.policy";
      assert.throws(() => tree.getxattr(attributes.inode, name), { errno: errno.ENODATA });
      assert.throws(() => tree.setxattr(attributes.inode, name, new Uint8Array(1), "any"), { errno: errno.EPERM });
      assert.throws(() => tree.removexattr(attributes.inode, name), { errno: errno.ENODATA });
      assert.equal(store.stat("policy").policy, "simple");
    });

    test("whether there are extended attributes is told wherever attributes are", () => {
      const folder = tree.mkdir(tree.root, "with", own).inode;
      const things = [makeFile(tree, folder, "file").inode, tree.mkdir(folder, "folder", own).inode];
      const told = (inode: number, index: number) => [
        tree.attributes(inode).xattrs,
        tree.lookup(folder, ["file", "folder"][index])?.xattrs,
        tree.readdir(folder, "").entries[index].attributes.xattrs,
        tree.setAttributes(inode, { mode: 0o700 }).xattrs,
      ];
      for (const [index, inode] of things.entries()) {
        assert.deepEqual(new Set(told(inode, index)), new Set([false]));
        tree.setxattr(inode, "user.one", new Uint8Array(1), "any");
        assert.deepEqual(new Set(told(inode, index)), new Set([true]));
        tree.removexattr(inode, "user.one");
        assert.deepEqual(new Set(told(inode, index)), new Set([false]));
      }
      assert.equal(tree.symlink(folder, "link", "nowhere", own).xattrs, false);
    });

    test("room is told, given to files beforehand, and taken back from zeros", () => {
      const { blockSize, blocks, free, available, nameMax } = tree.statfs();
      assert.ok(blockSize >= 512 && blocks >= free && free >= available && nameMax === 255);
      const { file, attributes } = tree.create(tree.root, "room", own);
      file.setSize(100);
      file.allocate(0, 64 * pageBytes);
      assert.equal(file.sizeBytes, 100);
      assert.equal(tree.attributes(attributes.inode).size, 100);
      assert.ok(tree.attributes(attributes.inode).blocks >= (64 * pageBytes) / 512);
      file.setSize(64 * pageBytes);
      for (let page = 0; page < 64; page++) writePage(file, page, page % 4 === 0 ? 1 : 0);
      const before = tree.attributes(attributes.inode).blocks;
      file.deallocate(0, 32);
      // 24 pages have become holes; to know them may cost the disk a block.
      assert.ok(tree.attributes(attributes.inode).blocks <= before - (23 * pageBytes) / 512);
      for (let page = 0; page < 64; page++) assert.equal(readPages(file, page, page + 1)[9], page % 4 === 0 ? 1 : 0);
      file.close();
    });
  });
}
