import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { test } from "node:test";
import { NotesFolder } from "../../src/store/notes-folder.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const lacksRoot = userInfo().uid === 0 ? false : "needs root for a small tmpfs";

test("a note is replaced as a whole, and read again by the next home", () => {
  using folder = temporaryFolder();
  const notes = new NotesFolder(folder.path);
  assert.equal(notes.read("sessions"), undefined);
  for (const text of ["one", "two", "three, and a good deal longer", "4"]) {
    notes.write("sessions", text);
    assert.equal(notes.read("sessions"), text);
    assert.equal(new NotesFolder(folder.path).read("sessions"), text);
  }
  notes.write("sessions", "");
  assert.equal(new NotesFolder(folder.path).read("sessions"), undefined);
});

test("a note that was removed is none, and can be written anew", () => {
  using folder = temporaryFolder();
  const notes = new NotesFolder(folder.path);
  assert.deepEqual(notes.names("stable"), []);
  notes.remove("stable/1");
  for (const name of ["stable/1", "stable/2", "other"]) for (const text of ["one", "two"]) notes.write(name, text);
  assert.deepEqual(notes.names("stable").sort(), ["stable/1", "stable/2"]);
  notes.remove("stable/1");
  assert.deepEqual(notes.names("stable"), ["stable/2"]);
  assert.equal(notes.read("stable/1"), undefined);
  notes.write("stable/1", "three");
  assert.equal(new NotesFolder(folder.path).read("stable/1"), "three");
});

test("a write that was cut short leaves the note before it", () => {
  using folder = temporaryFolder();
  const notes = new NotesFolder(folder.path);
  notes.write("sessions", "old");
  notes.write("sessions", "new");
  const path = folder.at("sessions.note");
  const bytes = readFileSync(path);
  bytes[bytes.indexOf('"new"') + 1] = 0x58;
  writeFileSync(path, bytes);
  assert.equal(new NotesFolder(folder.path).read("sessions"), "old");
});

test("a full disk does not stop a note whose room was reserved", { skip: lacksRoot }, () => {
  using folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path]);
  try {
    const notes = new NotesFolder(folder.path);
    notes.reserve("sessions");
    assert.throws(() => writeFileSync(folder.at("filler"), Buffer.alloc(2 ** 20)), { code: "ENOSPC" });
    for (let round = 0; round < 10; round++) notes.write("sessions", `${round}`.repeat(50_000));
    assert.equal(notes.read("sessions"), "9".repeat(50_000));
    assert.throws(() => notes.write("other", "x".repeat(9000)), { code: "DMMAP_NO_SPACE" });
    notes.close();
  } finally {
    execFileSync("umount", ["--lazy", folder.path]);
  }
});

test("a note of which a full disk takes a part fails, and leaves the one before it however often it is tried", {
  skip: lacksRoot,
}, () => {
  using folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path]);
  try {
    const notes = new NotesFolder(folder.path);
    notes.reserve("sessions");
    assert.throws(() => writeFileSync(folder.at("filler"), Buffer.alloc(2 ** 20)), { code: "ENOSPC" });
    notes.write("sessions", "old");
    for (let round = 0; round < 3; round++) {
      assert.throws(() => notes.write("sessions", `${round}`.repeat(90_000)), { code: "DMMAP_NO_SPACE" });
      assert.equal(new NotesFolder(folder.path).read("sessions"), "old");
    }
    notes.write("sessions", "new");
    assert.equal(new NotesFolder(folder.path).read("sessions"), "new");
    rmSync(folder.at("filler"));
    notes.write("sessions", "x".repeat(90_000));
    assert.equal(new NotesFolder(folder.path).read("sessions"), "x".repeat(90_000));
    notes.close();
  } finally {
    execFileSync("umount", ["--lazy", folder.path]);
  }
});
