import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { MountStage } from "./mount-stage.js";

const skip = lacksFuse();
const busy = { code: "EAGAIN" };
const stage = new MountStage({ home: { leaseMillis: 2000 } });

test("R16: the library's locks and fcntl's exclude each other, whichever was first", { skip }, async () => {
  const [one] = await stage.open("library", 1);
  await using volume = await connect(stage.cluster.home.url);
  await using file = await volume.open("library");
  const lock = await file.lock(0, 10, "exclusive");
  await assert.rejects(one.run("setlk(fd, SHARED, 9, 1)"), busy);
  assert.deepEqual(await one.run("getlk(fd, SHARED)"), [1, 0, 0, 10, 0]);
  await one.run("setlk(fd, EXCLUSIVE, 10, 10)");
  await assert.rejects(file.lock(19, 1, "shared", { wait: false }), { code: "DMMAP_BUSY" });
  const wait = one.start("setlkw(fd, EXCLUSIVE, 0, 10)");
  await stage.locksWaiting("library", 1);
  await lock.release();
  await wait.answer;
  const second = file.lock(0, 0, "shared");
  await stage.locksWaiting("library", 1);
  await one.run("setlk(fd, NONE)");
  await (await second).release();
});

test("R16: a counter under locks is exact, by pread and pwrite and through maps at once", { skip }, async () => {
  const counters = await stage.open("counter", 4);
  await counters[0].run("os.ftruncate(fd, 4096)");
  const [bump, map] = [
    "(setlkw(fd, EXCLUSIVE, 0, 8), os.pwrite(fd, struct.pack('q', struct.unpack('q', os.pread(fd, 8, 0))[0] + 1), 0), setlk(fd, NONE, 0, 8))",
    "(setlkw(fd, EXCLUSIVE, 0, 8), map.__setitem__(slice(0, 8), struct.pack('q', struct.unpack('q', map[0:8])[0] + 1)), setlk(fd, NONE, 0, 8))",
  ];
  for (const each of counters.slice(2)) await each.run('set_variable("map", mmap.mmap(fd, 4096))');
  const work = counters.map((each, index) => each.start(`[${index < 2 ? bump : map} for _ in range(40)] and 0`));
  await Promise.all(work.map(({ answer }) => answer));
  assert.equal(await counters[3].run("struct.unpack('q', os.pread(fd, 8, 0))[0]"), 160);
});

test("R16: locks are kept when the home is killed and started again", { skip }, async () => {
  const [one, other] = await stage.open("restart", 2);
  await one.run("setlk(fd, EXCLUSIVE, 0, 10)");
  await one.run("flock(fd, fcntl.LOCK_EX)");
  await stage.cluster.home.restart();
  await assert.rejects(other.run("setlk(fd, SHARED, 5, 1)"), busy);
  await assert.rejects(other.run("flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)"), busy);
  await one.run("setlk(fd, NONE)");
  await other.run("setlk(fd, EXCLUSIVE)");
});

test("R16: the locks of a killed mount are free after its lease, and what it stored under one before is there", {
  skip,
}, async () => {
  const [one, other] = await stage.open("lease", 2);
  await one.run("os.ftruncate(fd, 8192)");
  await one.run('set_variable("map", mmap.mmap(fd, 8192))');
  await one.run("setlk(fd, EXCLUSIVE, 0, 1)");
  await one.run("os.pwrite(fd, b'written', 0)");
  await one.run("map.__setitem__(slice(4096, 4102), b'stored')");
  await one.run("setlk(fd, NONE, 0, 1)");
  await one.run("setlk(fd, EXCLUSIVE)");
  const wait = other.start("setlkw(fd, EXCLUSIVE)");
  await stage.locksWaiting("lease", 1);
  await stage.cluster.mounts[0].kill();
  await wait.answer;
  assert.equal(await other.run("os.pread(fd, 7, 0).decode() + os.pread(fd, 6, 4096).decode()"), "writtenstored");
});
