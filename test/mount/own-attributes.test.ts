import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";
import { StatProgram } from "./stat-program.js";

const skip = lacksFuse();
const memoryHome = new URL("./memory-home.js", import.meta.url).href;
const rounds = 100;
/** As Linux numbers it: only names what the path leads to, and opens nothing. */
const O_PATH = 0o10000000;
/** A mount keeps what nobody has open any more for ten seconds. */
const keptMillis = 10_000;

test("I19: a file that one mount alone has open for writing is stated there without asking the home", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one] = cluster.mounts;
  const fd = openSync(one.at("file"), "w+");
  await using volume = await connect(cluster.home.url);
  const requests = async () => (await volume.status()).counters.requests;
  writeSync(fd, "first");
  fstatSync(fd);
  await delay(1500); // Until the home has what was written.
  fstatSync(fd);
  const before = await requests();
  for (let round = 0; round < 1000; round++) assert.equal(fstatSync(fd).size, 5);
  const asked = (await requests()) - before - 1;
  assert.ok(asked <= 5, `${asked} requests for 1000 stats`);
  closeSync(fd);
  const closed = await requests();
  for (let round = 0; round < 1000; round++) assert.equal(statSync(one.at("file")).size, 5);
  assert.ok((await requests()) - closed <= 10, "nor just after that");
});

test("I19: whoever writes a file sees by the next stat that it has changed, as do others", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  const fd = openSync(one.at("file"), "w+");
  await using _stats = new StatProgram(cluster.mounts.map((mount) => mount.at("file")));
  let { mtimeNs } = fstatSync(fd, { bigint: true });
  for (let round = 0; round < rounds; round++) {
    await delay(5); // The time that files are stamped by goes in steps.
    const at = round % 7;
    writeSync(fd, "x", at);
    const then = fstatSync(fd, { bigint: true });
    assert.ok(then.mtimeNs > mtimeNs, `round ${round}`);
    assert.equal(statSync(other.at("file"), { bigint: true }).mtimeNs, then.mtimeNs, `the other, round ${round}`);
    assert.equal(fstatSync(fd, { bigint: true }).mtimeNs, then.mtimeNs, `again, round ${round}`);
    mtimeNs = then.mtimeNs;
  }
  closeSync(fd);
});

test("I19: a store to a shared map is a change of the file for who stores", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one] = cluster.mounts;
  writeFileSync(one.at("file"), new Uint8Array(4096));
  using program = await MountProcess.start(one.path);
  await program.run('set_variable("fd", os.open("file", os.O_RDWR))');
  await program.run('set_variable("map", mmap.mmap(fd, 4096))');
  const modified = async () => BigInt((await program.run("str(os.fstat(fd).st_mtime_ns)")) as string);
  let before = await modified();
  for (let round = 0; round < 20; round++) {
    await delay(5);
    await program.run(`map.__setitem__(0, ${round + 1})`);
    await program.run("map.flush()");
    const then = await modified();
    assert.ok(then > before, `round ${round}`);
    before = then;
  }
});

test("I19: what another host changes of a file that is open for writing here is seen by the next stat", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  const fd = openSync(one.at("file"), "w+");
  await using _stats = new StatProgram([one.at("file")]);
  for (let round = 0; round < rounds; round++) {
    const mode = 0o600 + (round % 64);
    chmodSync(other.at("file"), mode);
    assert.equal(fstatSync(fd).mode & 0o777, mode, `chmod, round ${round}`);
    utimesSync(other.at("file"), round, round * 2);
    assert.equal(fstatSync(fd).mtimeMs, round * 2000, `utimes, round ${round}`);
    truncateSync(other.at("file"), round * 10);
    assert.equal(fstatSync(fd).size, round * 10, `truncate, round ${round}`);
    assert.ok(fstatSync(fd).mtimeMs > round * 2000, `the time of truncate, round ${round}`);
    if (round % 10 !== 0) continue;
    const second = openSync(other.at("file"), "r+");
    const { mtimeNs } = fstatSync(fd, { bigint: true });
    await delay(5);
    writeSync(second, "by the other", round * 10);
    const then = fstatSync(fd, { bigint: true });
    assert.deepEqual([Number(then.size), then.mtimeNs > mtimeNs], [round * 10 + 12, true], `write, round ${round}`);
    closeSync(second);
  }
  closeSync(fd);
});

test("I19: sizes, times and room are right after each way in which a program changes its own file", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const fd = openSync(mount.at("file"), "w+");
  writeSync(fd, "first");
  assert.equal(fstatSync(fd).blocks, 0); // Known from here on. The home has none of it.
  fsyncSync(fd);
  assert.ok(fstatSync(fd).blocks > 0, "the room of what was written");
  const changes: readonly [string, () => void, number][] = [
    ["ftruncate, shorter", () => ftruncateSync(fd, 1000), 1000],
    ["ftruncate, longer", () => ftruncateSync(fd, 100_000), 100_000],
    ["truncate", () => truncateSync(mount.at("file"), 1024 * 1024), 1024 * 1024],
  ];
  for (const [what, change, size] of changes) {
    const { mtimeNs } = fstatSync(fd, { bigint: true });
    await delay(5);
    change();
    const then = fstatSync(fd, { bigint: true });
    assert.deepEqual([Number(then.size), then.mtimeNs > mtimeNs], [size, true], what);
  }
  using program = await MountProcess.start(mount.path);
  await program.run('set_variable("fd", os.open("file", os.O_RDWR))');
  const room = async () => Number(await program.run("os.fstat(fd).st_blocks"));
  const before = await room();
  await program.run("os.posix_fallocate(fd, 0, 1 << 20)");
  assert.ok((await room()) > before, "the room of fallocate");
  truncateSync(mount.at("file"), 16 * 1024 * 1024);
  for (const [what, ...where] of [
    ["of what is stored", "--offset", "0", "--length", "4096"],
    ["of a hole", "--offset", "8MiB", "--length", "4MiB"],
    ["behind the end", "--offset", "32MiB", "--length", "4096"],
  ]) {
    const { mtimeNs } = fstatSync(fd, { bigint: true });
    await delay(5);
    assert.equal(spawnSync("fallocate", ["--punch-hole", ...where, mount.at("file")]).status, 0, what);
    assert.ok(fstatSync(fd, { bigint: true }).mtimeNs > mtimeNs, `a hole instead ${what}`);
  }
  closeSync(fd);
});

test("I19: what a kernel keeps of a file that has just been written is what other hosts see, sent late or not", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const paths = cluster.mounts.map((mount) => mount.at("file"));
  const seen = (path: string) => {
    const { size, blocks, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return { size, blocks, mtimeNs, ctimeNs };
  };
  for (const isSynced of [false, true]) {
    const fd = openSync(paths[0], "w");
    for (let count = 0; count < 5; count++) writeSync(fd, "x"); // The last of them the home hears of a little later.
    if (isSynced) fsyncSync(fd);
    closeSync(fd);
    for (let asked = 0; asked < 10; asked++) seen(paths[0]); // So often until the kernel keeps the answer.
    await delay(1500); // Until the home has all of it.
    assert.deepEqual(seen(paths[0]), seen(paths[1]), isSynced ? "synced" : "not synced");
  }
});

test("I19: nor does a kernel keep the time of a store of which the home hears a little later", { skip }, async () => {
  await using cluster = await MountCluster.start({ home: { store: memoryHome } }); // Its sync takes no time.
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), "");
  for (let round = 0; round < 20; round++) {
    const names = Array.from({ length: 8 }, (_, index) => `${round} ${index}`);
    for (const name of names) linkSync(other.at("file"), other.at(name));
    const fd = openSync(one.at("file"), "r+");
    for (let count = 0; count < 2; count++) writeSync(fd, "x"); // Of the second the home hears 4 ms later.
    fsyncSync(fd);
    closeSync(fd);
    for (const name of names) closeSync(openSync(one.at(name), O_PATH)); // Looks the name up, and asks for nothing more.
    await delay(20);
    const { mtimeNs } = statSync(one.at("file"), { bigint: true });
    assert.equal(mtimeNs, statSync(other.at("file"), { bigint: true }).mtimeNs, `round ${round}`);
  }
});

test("I19: a file that was written, and that the mount does not keep any more, has its size", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const fd = openSync(mount.at("file"), "w");
  for (let round = 1; round <= 100; round++) {
    writeSync(fd, "0123456789");
    if (round % 10 === 0) assert.equal(fstatSync(fd).size, round * 10);
  }
  closeSync(fd);
  for (const end = performance.now() + keptMillis + 2000; performance.now() < end; await delay(50)) {
    assert.equal(statSync(mount.at("file")).size, 1000);
  }
});

test("I19: the mode of a file that its program has just made and linked is answered with as many links as it has", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const fd = openSync(mount.at("temporary"), "wx");
  fchmodSync(fd, 0o600);
  linkSync(mount.at("temporary"), mount.at("final"));
  fchmodSync(fd, 0o640);
  unlinkSync(mount.at("temporary"));
  linkSync(mount.at("final"), mount.at("another")); // The kernel refuses that of a file that it takes to have no name.
  assert.equal(fstatSync(fd).nlink, 2);
  unlinkSync(mount.at("final"));
  writeFileSync(mount.at("new"), "");
  renameSync(mount.at("new"), mount.at("another"));
  fchmodSync(fd, 0o600);
  assert.equal(fstatSync(fd).nlink, 0);
  closeSync(fd);
});

test("I19: a time of a file that its program has just made is told as the disk has it, however far away it is", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const script = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for seconds in (2**31, 2**33, 2**35, 2**53, 2**62, -2**31, -2**33, -2**62):
    answers = []
    for folder in sys.argv[1:]:
        fd = os.open(f"{folder}/file{seconds}.{len(answers)}", os.O_CREAT | os.O_RDWR)
        os.write(fd, b"abc")
        assert libc.futimens(fd, (ctypes.c_long * 4)(seconds, 5, seconds, 7)) == 0
        answers.append((os.fstat(fd).st_atime_ns, os.fstat(fd).st_mtime_ns))
        os.fsync(fd)
        os.close(fd)
    assert answers[0] == answers[1], (seconds, answers)
`;
  const { status, stderr } = spawnSync("python3", ["-c", script, cluster.folder.path, mount.path], {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(status, 0, stderr);
});
