import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { Errno } from "../../src/kernel/errno.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import { FileStore } from "../../src/store/file-store.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { describeStore, readPages, synced, writePage } from "./describe-store.js";

const contractFolder = temporaryFolder();
after(() => contractFolder[Symbol.dispose]());
describeStore("files", () => new FileStore(contractFolder.path));

test("files are served in place: what other tools put there is read, what is written they read after sync", async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.at("before"), Buffer.alloc(6000, "x"));
  const store = new FileStore(folder.path);
  const { file } = store.open("before");
  assert.equal(String.fromCharCode(readPages(file, 1, 2)[0]), "x");
  assert.equal(readPages(file, 1, 2)[6000 - pageBytes], 0);
  writePage(file, 1, 0x79);
  await synced(store, file);
  assert.equal(readFileSync(folder.at("before"), "latin1"), "x".repeat(pageBytes) + "y".repeat(6000 - pageBytes));
  store.close();
});

test("links to one file are one open file; symbolic links lead nowhere out of the folder", () => {
  using folder = temporaryFolder();
  using outside = temporaryFolder();
  writeFileSync(outside.at("secret"), "secret");
  const store = new FileStore(folder.path);
  const { file } = store.open("one", { create: true, size: 10 });
  linkSync(folder.at("one"), folder.at("two"));
  symlinkSync("one", folder.at("three"));
  symlinkSync(outside.at("secret"), folder.at("absolute"));
  symlinkSync("../../etc/passwd", folder.at("upwards"));
  symlinkSync(outside.path, folder.at("folder-link"));
  symlinkSync("circle", folder.at("circle"));
  mkdirSync(folder.at("folder"));
  assert.equal(store.open("two").file, file);
  assert.equal(store.open("three").file, file);
  for (const name of ["absolute", "upwards", "folder-link/secret", "circle", "one/x", "folder", "folder-link/new"]) {
    assert.throws(() => store.open(name, { create: true }), { code: "DMMAP_BAD_NAME" }, name);
    assert.throws(() => store.stat(name), { code: "DMMAP_BAD_NAME" }, name);
  }
  assert.throws(() => store.rename("one", "folder-link/moved"), { code: "DMMAP_BAD_NAME" });
  assert.equal(readFileSync(outside.at("secret"), "utf8"), "secret");
  const listed = store.list().files.map(({ name }) => name);
  assert.deepEqual(listed, ["one", "two"], "neither links, nor folders, nor the home's own");
  store.close();
});

test("a folder is served by one home at a time, and given back", () => {
  using folder = temporaryFolder();
  const store = new FileStore(folder.path);
  assert.throws(() => new FileStore(folder.path), {
    code: "DMMAP_BAD_FOLDER",
    message: new RegExp(`served already, by the home of process ${process.pid}`),
  });
  store.close();
  new FileStore(folder.path).close();
  writeFileSync(folder.at("file"), "");
  assert.throws(() => new FileStore(folder.at("file")), { code: "DMMAP_BAD_FOLDER" });
});

test("the policy is kept with the file, for the next home too", () => {
  using folder = temporaryFolder();
  const one = new FileStore(folder.path);
  one.open("simple", { create: true, policy: "simple" }).file.close();
  one.close();
  const other = new FileStore(folder.path);
  assert.equal(other.open("simple").file.policy, "simple");
  other.close();
});

test("a size that the disk cannot have makes no file", () => {
  using folder = temporaryFolder();
  const store = new FileStore(folder.path);
  const size = Number.MAX_SAFE_INTEGER;
  assert.throws(() => store.open("huge", { create: true, size }), { code: "DMMAP_BAD_RANGE" });
  assert.throws(() => statSync(folder.at("huge")), { code: "ENOENT" });
  store.close();
});

test("what is mounted inside the folder is not reached, and nothing is made there", {
  skip: process.getuid?.() !== 0,
}, () => {
  using folder = temporaryFolder();
  mkdirSync(folder.at("mounted"));
  execFileSync("mount", ["-t", "tmpfs", "none", folder.at("mounted")]);
  try {
    writeFileSync(folder.at("mounted/there"), "text");
    const store = new FileStore(folder.path);
    assert.throws(() => store.open("mounted/there"), { errno: Errno.EXDEV });
    assert.throws(() => store.open("mounted/new", { create: true }), { errno: Errno.EXDEV });
    assert.throws(() => store.stat("mounted/there"), { errno: Errno.EXDEV });
    assert.deepEqual(readdirSync(folder.at("mounted")), ["there"]);
    store.close();
  } finally {
    execFileSync("umount", [folder.at("mounted")]);
  }
});
