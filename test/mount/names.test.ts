import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { StatProgram } from "./stat-program.js";

const skip = lacksFuse();
const rounds = 80;

test("I19: names that one mount changes are seen by the next use on the other", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  mkdirSync(one.at("folder"));
  await using _stats = new StatProgram(
    cluster.mounts.flatMap((mount) => ["a", "b", "below"].map((name) => mount.at("folder", name))),
  );
  for (let round = 0; round < rounds; round++) {
    const [here, there] = round % 2 === 0 ? [one, other] : [other, one];
    closeSync(openSync(here.at("folder/a"), "wx"));
    const { ino } = lstatSync(there.at("folder/a"));
    assert.equal(lstatSync(here.at("folder/a")).ino, ino);
    assert.throws(() => openSync(there.at("folder/a"), "wx"), { code: "EEXIST" });

    renameSync(there.at("folder/a"), there.at("folder/b"));
    assert.equal(existsSync(here.at("folder/a")), false, `the old name, round ${round}`);
    assert.equal(lstatSync(here.at("folder/b")).ino, ino, `the new name, round ${round}`);
    assert.deepEqual(readdirSync(here.at("folder")), ["b"]);

    // What a mount has moved itself it knows under the new name, and forgets when the other takes that away.
    lstatSync(there.at("folder/b"));
    unlinkSync(here.at("folder/b"));
    assert.equal(existsSync(there.at("folder/b")), false, `a name that is gone, round ${round}`);
    assert.throws(() => openSync(there.at("folder/b"), "r"), { code: "ENOENT" });

    mkdirSync(here.at("folder/below"));
    mkdirSync(there.at("folder/below/deep"));
    assert.deepEqual(readdirSync(here.at("folder/below")), ["deep"]);
    renameSync(here.at("folder/below"), here.at("moved"));
    assert.equal(existsSync(there.at("folder/below/deep")), false, `below a folder that moved, round ${round}`);
    assert.ok(statSync(there.at("moved/deep")).isDirectory(), `where it moved to, round ${round}`);
    rmdirSync(there.at("moved/deep"));
    rmdirSync(here.at("moved"));
    assert.equal(existsSync(there.at("moved")), false);
  }
});

test("I19: a file that is replaced on one mount is the new one on the other, and never none", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), "0");
  await using _stats = new StatProgram(cluster.mounts.map((mount) => mount.at("file")));
  for (let round = 1; round <= rounds; round++) {
    const [here, there] = round % 2 === 0 ? [one, other] : [other, one];
    writeFileSync(here.at("new"), String(round));
    renameSync(here.at("new"), here.at("file"));
    assert.equal(readFileSync(there.at("file"), "utf8"), String(round));
  }
});

test("a folder of a few names is told in one piece", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  mkdirSync(mount.at("folder"));
  for (const name of ["a", "b", "c"]) writeFileSync(mount.at("folder", name), "");
  const script = [
    "import ctypes, os, platform, sys",
    'number = 61 if platform.machine() == "aarch64" else 217',
    "fd, into = os.open(sys.argv[1], os.O_RDONLY), ctypes.create_string_buffer(4096)",
    "print([ctypes.CDLL(None).syscall(number, fd, into, 4096) for _ in range(2)])",
  ].join("\n");
  const { stdout, stderr } = spawnSync("python3", ["-c", script, mount.at("folder")], { encoding: "utf8" });
  assert.equal(stdout, "[120, 0]\n", stderr); // Five entries of 24 bytes.
});

test("I19: names that a library changes are seen by the next use on a mount", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  writeFileSync(mount.at("a"), "");
  await using volume = await connect(cluster.home.url);
  await using _stats = new StatProgram([mount.at("a"), mount.at("b")]);
  for (let round = 0; round < rounds; round++) {
    assert.ok(existsSync(mount.at("a")));
    await volume.rename("a", "b");
    assert.deepEqual([existsSync(mount.at("a")), existsSync(mount.at("b"))], [false, true], `round ${round}`);
    await volume.move("b", "a");
    assert.deepEqual([existsSync(mount.at("a")), existsSync(mount.at("b"))], [true, false], `round ${round}`);
    await volume.mkdir("folder");
    assert.ok(existsSync(mount.at("folder")));
    await volume.rmdir("folder");
    assert.equal(existsSync(mount.at("folder")), false);
  }
  await volume.remove("a");
  assert.deepEqual(readdirSync(mount.path), []);
});
