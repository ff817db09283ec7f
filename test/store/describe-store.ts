import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import type { Store, StoreFile } from "../../src/store/store.js";
import { until, within } from "../support/until.js";

const tebibyte = 2 ** 40;
let buffer: NativeBuffer | undefined;

/** Waits for a sync as the engine does: by looking after the store's answers. Fails with what `done` was given. */
export async function synced(store: Store, file: StoreFile): Promise<void> {
  let outcome: { error: Error | undefined } | undefined;
  file.sync((error) => {
    outcome = { error };
  });
  await until("a sync ends", () => {
    if (store.wakeFd >= 0) store.onWake();
    return outcome !== undefined;
  });
  if (outcome?.error !== undefined) throw outcome.error;
}

/** Writes one page filled with a byte; 0 is a zero page in full. */
export function writePage(file: StoreFile, page: number, byte: number): boolean {
  buffer ??= new NativeBuffer(256 * pageBytes);
  buffer.bytes.fill(byte, 0, pageBytes);
  return file.write(page, page + 1, buffer.address);
}

export function readPages(file: StoreFile, start: number, end: number): Uint8Array {
  buffer ??= new NativeBuffer(256 * pageBytes);
  const bytes = buffer.bytes.subarray(0, (end - start) * pageBytes);
  bytes.fill(0xee); // What the store leaves alone shows.
  file.read(start, end, buffer.address);
  return bytes.slice();
}

function first(file: StoreFile, page: number): number {
  return readPages(file, page, page + 1)[0];
}

/** The contract of a store, as a suite that every adapter runs. */
export function describeStore(name: string, make: () => Store): void {
  describe(`store contract: ${name}`, () => {
    let store: Store;
    before(() => {
      store = make();
    });
    after(() => store.close());

    test("a file is removed when its last name is, however many have it open", () => {
      const { file } = store.open("removed", { create: true });
      assert.equal(file.isRemoved, false);
      store.rename("removed", "renamed");
      store.tree.link(file.inode, store.tree.root, "other name");
      store.remove("renamed");
      assert.equal(file.isRemoved, false);
      store.remove("other name");
      assert.equal(file.isRemoved, true);
      file.close();
    });

    test("a file that is not there is not found, and made only when asked", () => {
      assert.throws(() => store.open("a"), { code: "DMMAP_NOT_FOUND" });
      assert.throws(() => store.stat("a"), { code: "DMMAP_NOT_FOUND" });
      const made = store.open("a", { create: true, size: 5000 });
      assert.equal(made.created, true);
      assert.equal(made.file.sizeBytes, 5000);
      assert.equal(store.open("a", { create: true, size: 9 }).created, false);
      assert.equal(store.stat("a").size, 5000);
      assert.throws(() => store.open("a", { create: true, exclusive: true }), { code: "DMMAP_EXISTS" });
    });

    test("a file opened twice is one object, open until its last close", () => {
      const one = store.open("twice", { create: true, size: pageBytes }).file;
      const other = store.open("twice").file;
      assert.equal(one, other);
      one.close();
      assert.equal(writePage(other, 0, 7), true);
      assert.equal(first(other, 0), 7);
      other.close();
      assert.equal(first(store.open("twice").file, 0), 7);
    });

    test("all that was written can be put on stable storage at once", () => {
      const { file } = store.open("all", { create: true, size: pageBytes });
      writePage(file, 0, 7);
      store.syncAll();
      assert.equal(first(file, 0), 7);
      file.close();
    });

    test("the policy chosen at creation stays", () => {
      store.open("simple", { create: true, policy: "simple" }).file.close();
      const again = store.open("simple", { create: true, policy: "optimal" }).file;
      assert.equal(again.policy, "simple");
      assert.equal(store.stat("simple").policy, "simple");
      assert.equal(store.open("other", { create: true }).file.policy, "optimal");
    });

    test("names that leave the folder, or are none, are refused by every verb", () => {
      const bad = ["", "/etc/passwd", "..", "../x", "a/../../x", "./a", "a//b", "a/", "nul\0nul", "x".repeat(256)];
      for (const name of [...bad, ".dmmap", ".dmmap/lock", "\ud800"]) {
        const expected = { code: "DMMAP_BAD_NAME" };
        assert.throws(() => store.open(name, { create: true }), expected, `open ${name}`);
        assert.throws(() => store.stat(name), expected, `stat ${name}`);
        assert.throws(() => store.remove(name), expected, `remove ${name}`);
        assert.throws(() => store.rename("a", name), expected, `rename to ${name}`);
      }
      assert.equal(store.stat("a").size, 5000, "and nothing happened to what was there");
    });

    test("lists files by whole names, in pages, below a prefix", () => {
      for (const name of ["list/b", "list/a/2", "list/a/1", "list/a.txt", "list/c/d/e"]) {
        store.open(name, { create: true }).file.close();
      }
      const inOrder = ["list/a.txt", "list/a/1", "list/a/2", "list/b", "list/c/d/e"];
      const names = (query: object) => store.list({ prefix: "list/", ...query }).files.map((file) => file.name);
      assert.deepEqual(names({}), inOrder);
      assert.deepEqual(names({ limit: 2 }), inOrder.slice(0, 2));
      assert.equal(store.list({ prefix: "list/", limit: 2 }).more, true);
      assert.deepEqual(names({ after: "list/a/1", limit: 3 }), inOrder.slice(2));
      assert.equal(store.list({ prefix: "list/", after: "list/a/1", limit: 3 }).more, false);
      assert.deepEqual(names({ prefix: "list/a/" }), ["list/a/1", "list/a/2"]);
      assert.deepEqual(names({ prefix: "nothing" }), []);
    });

    test("pages are read as written; holes and what is past the end read as zeros", () => {
      const { file } = store.open("pages", { create: true, size: 10 * pageBytes + 100 });
      assert.equal(writePage(file, 3, 33), true);
      assert.equal(writePage(file, 10, 44), true);
      const bytes = readPages(file, 2, 12);
      assert.deepEqual([...new Set(bytes.subarray(0, pageBytes))], [0]);
      assert.deepEqual([...new Set(bytes.subarray(pageBytes, 2 * pageBytes))], [33]);
      const last = bytes.subarray(8 * pageBytes);
      assert.deepEqual([last[0], last[99], last[100], last[pageBytes]], [44, 44, 0, 0], "clipped to the size");
      assert.equal(file.sizeBytes, 10 * pageBytes + 100, "a write does not make a file longer");
      assert.equal(writePage(file, 500, 1), true, "past the end: dropped");
    });

    test("R5, R7: cut bytes do not come back when the file grows again", () => {
      const { file } = store.open("cut", { create: true, size: 4 * pageBytes });
      for (const page of [0, 1, 2, 3]) writePage(file, page, 9);
      file.setSize(pageBytes + 10);
      file.setSize(4 * pageBytes);
      const bytes = readPages(file, 0, 4);
      assert.deepEqual([bytes[0], bytes[pageBytes + 9], bytes[pageBytes + 10], bytes[3 * pageBytes]], [9, 9, 0, 0]);
      assert.equal(store.stat("cut").size, 4 * pageBytes);
    });

    test("a sparse file of 1 TiB stays sparse, and its holes can be looked up", () => {
      const { file } = store.open("sparse", { create: true, size: tebibyte });
      const middle = tebibyte / 2 / pageBytes;
      const end = tebibyte / pageBytes;
      assert.equal(file.nextData(0, end), end);
      assert.equal(writePage(file, middle, 1), true);
      assert.equal(writePage(file, middle + 1000, 0), true, "a zero page over a hole leaves the hole");
      assert.equal(file.writeZeros(0, 1_000_000), true);
      assert.equal(writePage(file, end - 1, 2), true);
      assert.equal(file.nextData(0, end), middle);
      assert.equal(file.nextHole(middle, end), middle + 1);
      assert.equal(file.nextData(middle + 1, end), end - 1);
      assert.equal(first(file, middle), 1);
      assert.equal(first(file, end - 1), 2);
      assert.ok(store.stat("sparse").allocatedBytes < 1024 * 1024);
      assert.equal(file.writeZeros(middle, middle + 1), true);
      assert.equal(first(file, middle), 0);
      file.setSize(Number.MAX_SAFE_INTEGER % 2 ** 43);
      assert.equal(file.sizeBytes, Number.MAX_SAFE_INTEGER % 2 ** 43);
    });

    test("zeros over data are written, page by page and in ranges", () => {
      const { file } = store.open("zeros", { create: true, size: 8 * pageBytes });
      for (let page = 0; page < 8; page++) writePage(file, page, 5);
      assert.equal(writePage(file, 2, 0), true);
      assert.equal(file.writeZeros(4, 100), true);
      assert.deepEqual(
        [0, 1, 2, 3, 4, 7].map((page) => first(file, page)),
        [5, 5, 0, 5, 0, 0],
      );
    });

    test("a renamed file stays open; what it replaces lives until closed", () => {
      const moved = store.open("from", { create: true, size: pageBytes }).file;
      const replaced = store.open("to", { create: true, size: pageBytes }).file;
      writePage(moved, 0, 1);
      writePage(replaced, 0, 2);
      store.rename("from", "to");
      assert.equal(store.open("to").file, moved);
      assert.equal(first(replaced, 0), 2);
      assert.throws(() => store.stat("from"), { code: "DMMAP_NOT_FOUND" });
      store.rename("to", "deep/er/name");
      assert.equal(store.stat("deep/er/name").size, pageBytes);
      assert.throws(() => store.rename("never", "was"), { code: "DMMAP_NOT_FOUND" });
    });

    test("a removed file lives until closed, and its name is free", () => {
      const removed = store.open("gone", { create: true, size: pageBytes }).file;
      writePage(removed, 0, 3);
      store.remove("gone");
      assert.throws(() => store.remove("gone"), { code: "DMMAP_NOT_FOUND" });
      assert.equal(first(removed, 0), 3);
      const other = store.open("gone", { create: true, size: pageBytes }).file;
      assert.notEqual(other.key, removed.key);
      assert.equal(first(other, 0), 0);
      removed.close();
    });

    test("syncs end, however many wait, and a closed file's too", async () => {
      const { file } = store.open("synced", { create: true, size: 64 * pageBytes });
      const syncs = Array.from({ length: 50 }, (_, page) => {
        writePage(file, page, 1);
        return synced(store, file);
      });
      file.close();
      await within("fifty syncs", Promise.all(syncs));
    });

    test("several thousand files are open at a time", () => {
      const files = Array.from(
        { length: 3000 },
        (_, index) => store.open(`many/${index % 10}/${index}`, { create: true, size: pageBytes }).file,
      );
      assert.equal(new Set(files.map((file) => file.key)).size, 3000);
      assert.equal(store.list({ prefix: "many/" }).more, true);
      for (const file of files) file.close();
    });
  });
}
