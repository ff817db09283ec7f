import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fstatSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, userInfo } from "node:os";
import { test } from "node:test";
import { pageBytes } from "../../src/kernel/page-size.js";
import { FileStore } from "../../src/store/file-store.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { readPages, synced, writePage } from "./describe-store.js";
import { ManualSyncer } from "./manual-syncer.js";

function manualStore(folder: TemporaryFolder) {
  const syncer = new ManualSyncer();
  const store = new FileStore(folder.path, { syncer });
  const { file } = store.open("sub/file", { create: true, size: 8 * pageBytes });
  const outcomes: string[] = [];
  const sync = (name: string) => file.sync((error) => outcomes.push(`${name} ${error?.code ?? "durable"}`));
  return { syncer, store, file, outcomes, sync };
}

test("group commit: what waits while a sync runs is served by one more", () => {
  using folder = temporaryFolder();
  const { syncer, store, file, outcomes, sync } = manualStore(folder);
  sync("first");
  writePage(file, 1, 1);
  for (const name of ["second", "third"]) sync(name);
  assert.equal(syncer.started.length, 1);
  syncer.end(0);
  store.onWake();
  assert.deepEqual(outcomes, ["first durable"]);
  assert.equal(syncer.started.length, 2);
  syncer.end(1);
  store.onWake();
  assert.deepEqual(outcomes, ["first durable", "second durable", "third durable"]);
  sync("nothing new");
  assert.equal(syncer.started.length, 2);
  store.close();
});

test("of many files a few are put down at a time, and the folders of all with the first", () => {
  using folder = temporaryFolder();
  const syncer = new ManualSyncer();
  const store = new FileStore(folder.path, { syncer });
  const outcomes: string[] = [];
  const names = Array.from({ length: 7 }, (_, index) => `folder-${index}/file`);
  const files = names.map((name) => store.open(name, { create: true, size: pageBytes }).file);
  for (const [index, file] of files.entries())
    file.sync((error) => outcomes.push(`${index} ${error?.code ?? "durable"}`));
  assert.equal(syncer.started.length, 4);
  for (const { folders } of syncer.started) assert.equal(folders.length, 8);
  files[5].sync(() => outcomes.push("5 again"));
  files[6].close();
  for (const index of [2, 0]) syncer.end(index);
  store.onWake();
  assert.deepEqual(outcomes, ["2 durable", "0 durable"]);
  assert.equal(syncer.started.length, 6);
  assert.deepEqual(syncer.started[4].folders, [], "they are down");
  syncer.end(5, { fileErrno: constants.errno.EIO });
  for (const index of [1, 3, 4]) syncer.end(index);
  store.onWake();
  assert.deepEqual(outcomes.slice(2), ["5 DMMAP_IO", "5 again", "1 durable", "3 durable", "4 durable"]);
  assert.equal(syncer.started.length, 7);
  assert.equal(
    fstatSync(syncer.started[6].fd).ino,
    statSync(folder.at(names[6])).ino,
    "closed meanwhile, but not here",
  );
  syncer.end(6);
  store.onWake();
  assert.deepEqual(outcomes.slice(7), ["6 durable"]);
  store.close();
});

test("a file for which somebody waits goes before those for which nobody does, of which one always goes on", () => {
  using folder = temporaryFolder();
  const syncer = new ManualSyncer();
  const store = new FileStore(folder.path, { syncer });
  const outcomes: number[] = [];
  const files = Array.from(
    { length: 9 },
    (_, index) => store.open(`file-${index}`, { create: true, size: pageBytes }).file,
  );
  const sync = (index: number, isUrgent: boolean) => files[index].sync(() => outcomes.push(index), isUrgent);
  const end = (...started: number[]) => {
    for (const index of started) syncer.end(index);
    store.onWake();
  };
  for (const index of [0, 1, 2, 3, 4]) sync(index, false);
  assert.equal(syncer.started.length, 3, "there is a thread for who waits");
  for (const index of [5, 6, 4]) sync(index, true);
  assert.equal(syncer.started.length, 4);
  end(0); // 6 begins; 3 and 4 were there before, and 4 is waited for by now.
  end(1); // 4
  end(2); // 3: none of its kind runs.
  assert.deepEqual(outcomes, [0, 1, 2]);
  for (const index of [7, 8]) sync(index, index === 8);
  end(3); // 5 has ended, 8 begins; 7 waits while there are four.
  assert.equal(syncer.started.length, 8);
  end(4, 5, 6, 7);
  assert.deepEqual(outcomes, [0, 1, 2, 5, 6, 4, 4, 3, 8]);
  end(8);
  assert.deepEqual(outcomes.at(-1), 7);
  store.close();
});

test("a new name is durable with its folders, for whoever syncs first, and again after a rename", () => {
  using folder = temporaryFolder();
  const { syncer, store, outcomes, sync } = manualStore(folder);
  sync("new");
  assert.deepEqual(new Set(syncer.started[0].folders), new Set([folder.path, folder.at("sub")]));
  store.rename("sub/file", "moved"); // While the sync runs: it may have come too early for this.
  syncer.end(0);
  store.onWake();
  sync("renamed");
  assert.deepEqual(new Set(syncer.started[1].folders), new Set([folder.path, folder.at("sub")]));
  syncer.end(1, { folderErrno: constants.errno.EIO });
  store.onWake();
  sync("again");
  assert.equal(syncer.started[2].folders.length, 2, "a folder that failed is not forgotten");
  syncer.end(2);
  store.onWake();
  assert.deepEqual(outcomes, ["new durable", "renamed DMMAP_IO", "again durable"]);
  store.close();
});

test("a failed fdatasync is reported, and the file is never called durable again by this home", () => {
  using folder = temporaryFolder();
  const { syncer, store, file, outcomes, sync } = manualStore(folder);
  sync("one");
  sync("two");
  syncer.end(0, { fileErrno: constants.errno.EIO });
  store.onWake();
  file.close();
  store.open("sub/file").file.sync((error) => outcomes.push(`reopened ${error?.code}`));
  assert.deepEqual(outcomes, ["one DMMAP_IO", "two DMMAP_IO", "reopened DMMAP_IO"]);
  assert.equal(syncer.started.length, 1);
  store.remove("sub/file");
  store.close();
});

const lacksRoot = userInfo().uid === 0 ? false : "needs root for a small tmpfs";

test("a full disk: pages are kept and read, sync tells, and succeeds when there is room", {
  skip: lacksRoot,
}, async () => {
  using disk = smallDisk(1024 * 1024);
  const store = new FileStore(disk.at("served"), { refusedBytesMax: 16 * pageBytes });
  const { file } = store.open("file", { create: true, size: 1024 * pageBytes });
  writeFileSync(disk.at("ballast"), Buffer.alloc(750 * 1024));
  let taken = 0;
  while (writePage(file, taken, 1 + (taken % 200))) taken++;
  assert.ok(store.refusedBytes === 16 * pageBytes, "bounded");
  for (let page = 0; page < taken; page++) assert.equal(readPages(file, page, page + 1)[0], 1 + (page % 200));
  await assert.rejects(synced(store, file), { code: "DMMAP_NO_SPACE" });
  await assert.rejects(synced(store, file), { code: "DMMAP_NO_SPACE" }, "and tells every time");
  assert.equal(writePage(file, taken - 1, 250), true, "a page that is kept can be written again");
  assert.equal(file.nextData(taken - 1, 1024), taken - 1, "a page that is kept is no hole");

  file.setSize((taken - 1) * pageBytes + 5);
  file.setSize(1024 * pageBytes);
  assert.deepEqual([...readPages(file, taken - 1, taken).subarray(4, 6)], [250, 0], "R7 for kept pages too");
  file.setModified([1_000_000_000, 5]);
  file.close();
  rmSync(disk.at("ballast"));
  const again = store.open("file").file;
  await synced(store, again);
  assert.equal(store.refusedBytes, 0);
  const { mtimeNs } = statSync(disk.at("served", "file"), { bigint: true });
  assert.equal(mtimeNs, 1_000_000_000_000_000_005n, "it has not changed since");
  for (let page = 0; page < taken - 1; page++) assert.equal(readPages(again, page, page + 1)[0], 1 + (page % 200));
  store.close();
});

function smallDisk(byteLength: number): TemporaryFolder {
  const folder = temporaryFolder();
  const mount = folder.at("disk");
  mkdirSync(mount);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${byteLength}`, "tmpfs", mount]);
  return {
    path: mount,
    at: (...names) => [mount, ...names].join("/"),
    [Symbol.dispose]: () => {
      execFileSync("umount", ["--lazy", mount]);
      folder[Symbol.dispose]();
    },
  };
}
