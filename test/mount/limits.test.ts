import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const mayMount = process.getuid?.() === 0 ? false : "a file system of its own wants root";
const entries = 100_000;
const makeFiles = `import os, sys
for number in range(${entries}): os.mknod(f"{sys.argv[1]}/file {number:06}")`;

test("a folder of 100,000 files is listed in full on both mounts, while names come and go", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  mkdirSync(cluster.folder.at("many"));
  execFileSync("python3", ["-c", makeFiles, cluster.folder.at("many")]);
  assert.equal(readdirSync(one.at("many")).length, entries);
  for (let round = 0; round < 5; round++) writeFileSync(one.at("many", `new ${round}`), "");
  for (const number of ["000000", "054321", "099999"]) unlinkSync(other.at("many", `file ${number}`));
  for (const mount of [one, other]) {
    const names = new Set(readdirSync(mount.at("many")));
    assert.equal(names.size, entries + 5 - 3);
    assert.ok(names.has("new 4") && !names.has("file 054321"));
    assert.equal(statSync(mount.at("many", "file 077777")).size, 0);
  }
});

test("R8: files up to 2^53 - 1 bytes, where the home's disk has such", { skip: skip || mayMount }, async () => {
  using disk = temporaryFolder();
  assert.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", disk.path]).status, 0);
  using fsx = new CompiledProgram("fsx");
  try {
    await using cluster = await MountCluster.start({ home: { folder: disk.path } });
    const paths = cluster.mounts.map((mount) => mount.at("far"));
    writeFileSync(paths[0], "");
    await fsx.run([1, 250, 2 ** 53 - 65_536, 40_000, ...paths]);
    const last = (path: string) => `import os; os.truncate("${path}", 2**53 - 1); print(os.stat("${path}").st_size)`;
    assert.equal(execFileSync("python3", ["-c", last(paths[0])], { encoding: "utf8" }).trim(), String(2 ** 53 - 1));
    assert.equal(statSync(paths[1]).size, 2 ** 53 - 1);
    const beyond = `import os; os.truncate("${paths[1]}", 2**53)`;
    assert.match(spawnSync("python3", ["-c", beyond], { encoding: "utf8" }).stderr, /File too large/);
  } finally {
    spawnSync("umount", ["-l", disk.path]);
  }
});

test("in folders however deep files are made, synced and removed, and those beside them are synced", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  const script = `
import os, sys
def sync(path):
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"text")
    os.fsync(fd)
    os.close(fd)
name = "d" * 250
os.chdir(sys.argv[1])
depths = range(280)
for depth in depths:
    os.mkdir(name)
    os.chdir(name)
    if depth % 40 == 39: sync("file")
os.truncate("file", 1)
assert open("file").read() == "t"
sync(sys.argv[2] + "/beside")
for depth in reversed(depths):
    if depth % 40 == 39: os.unlink("file")
    os.chdir("..")
    os.rmdir(name)
sync(sys.argv[2] + "/beside")
`;
  const args = ["-c", script, one.path, other.path];
  const { status, stderr } = spawnSync("python3", args, { encoding: "utf8", timeout: 60_000 });
  assert.equal(status, 0, stderr);
});
