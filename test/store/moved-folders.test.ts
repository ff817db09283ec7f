import assert from "node:assert/strict";
import { test } from "node:test";
import { pageBytes } from "../../src/kernel/page-size.js";
import { FileStore } from "../../src/store/file-store.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { writePage } from "./describe-store.js";
import { makeFile, own } from "./describe-tree.js";
import { ManualSyncer } from "./manual-syncer.js";

function stage() {
  const folder = temporaryFolder();
  const syncer = new ManualSyncer();
  const store = new FileStore(folder.path, { syncer });
  const { tree } = store;
  const sub = tree.mkdir(tree.root, "sub", own).inode;
  const outcomes: string[] = [];
  const syncNames = () => tree.sync((error) => outcomes.push(error?.code ?? "durable"));
  const end = (index: number, errnos = {}) => {
    syncer.end(index, errnos);
    store.onWake();
  };
  const folders = (index: number) =>
    syncer.started[index].folders.map((path) => path.slice(folder.path.length)).toSorted();
  const close = () => {
    store.close();
    folder[Symbol.dispose]();
  };
  return { syncer, store, tree, sub, outcomes, syncNames, end, folders, [Symbol.dispose]: close };
}

test("a folder that changed and then moved is put down where it is now", () => {
  using at = stage();
  makeFile(at.tree, at.sub, "file");
  at.tree.move(at.tree.root, "sub", at.tree.root, "moved", "replace");
  at.syncNames();
  assert.ok(at.folders(0).includes("/moved"));
  assert.equal(at.syncer.started[0].fd, -1, "no file is asked for");
  at.end(0);
  assert.deepEqual(at.outcomes, ["durable"]);
  at.syncNames();
  assert.equal(at.syncer.started.length, 1, "nothing is left to do");
  assert.deepEqual(at.outcomes, ["durable", "durable"]);
});

test("a folder that moves while it is put down is put down again before anybody is told", () => {
  using at = stage();
  const { file } = at.tree.create(at.sub, "file", own);
  const outcomes: string[] = [];
  file.sync((error) => outcomes.push(error?.code ?? "durable"));
  at.syncNames();
  at.tree.move(at.tree.root, "sub", at.tree.root, "moved", "replace");
  at.end(0);
  at.end(1);
  assert.deepEqual([outcomes, at.outcomes], [[], []], "perhaps it was not found at its old path");
  assert.ok(at.folders(2).includes("/moved") && at.folders(3).includes("/moved"));
  at.end(2);
  at.end(3);
  assert.deepEqual([outcomes, at.outcomes], [["durable"], ["durable"]]);
});

test("folders that change places are put down at both", () => {
  using at = stage();
  const other = at.tree.mkdir(at.tree.root, "other", own).inode;
  at.tree.sync(() => undefined);
  at.end(0);
  makeFile(at.tree, at.tree.mkdir(at.sub, "inner", own).inode, "file");
  makeFile(at.tree, other, "file");
  at.tree.move(at.tree.root, "sub", at.tree.root, "other", "exchange");
  at.syncNames();
  for (const path of ["", "/sub", "/other", "/other/inner"]) {
    assert.ok(
      at.folders(1).some((folder) => folder.replace(/^\/$/, "") === path),
      `"${path}" is put down`,
    );
  }
});

test("names that could not be put down are tried again by the next sync", () => {
  using at = stage();
  at.syncNames();
  at.end(0, { folderErrno: 5 });
  assert.deepEqual(at.outcomes, ["DMMAP_IO"]);
  at.syncNames();
  assert.deepEqual(at.folders(1), at.folders(0));
  at.end(1);
  assert.deepEqual(at.outcomes, ["DMMAP_IO", "durable"]);
});

test("owner and mode of an open file go down with its next sync, its content alone needs less", () => {
  using at = stage();
  const { file, attributes } = at.tree.create(at.sub, "file", own);
  file.setSize(pageBytes);
  file.sync(() => undefined);
  at.end(0);
  writePage(file, 0, 1);
  file.sync(() => undefined);
  at.end(1);
  at.tree.setAttributes(attributes.inode, { mode: 0o600 });
  file.sync(() => undefined);
  at.end(2);
  file.sync(() => undefined);
  assert.deepEqual(
    at.syncer.started.map((request) => request.attributes),
    [true, false, true],
  );
});
