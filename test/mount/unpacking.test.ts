import assert from "node:assert/strict";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "../../src/index.js";
import { seededRandom } from "../faults/seeded-random.js";
import { lacksFuse } from "../support/requires.js";
import { stopProcess } from "../support/stop-process.js";
import { until } from "../support/until.js";
import { failingHome } from "./failing-home.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();

/** As tar does it. */
function unpack(path: string, text: string, mode: number, time: number): number {
  const fd = openSync(path, "wx", 0o600);
  writeSync(fd, text);
  fchmodSync(fd, mode);
  futimesSync(fd, time, time);
  return fd;
}

test("who unpacks a tree asks the home to make each file, and for little else", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one] = cluster.mounts;
  await using volume = await connect(cluster.home.url);
  const requests = async () => (await volume.status()).counters.requests;
  const before = await requests();
  const fileCount = 100;
  for (let index = 0; index < fileCount; index++) {
    const folder = one.at(`folder ${index % 10}`);
    if (index < 10) mkdirSync(folder);
    closeSync(unpack(`${folder}/${index}`, `text ${index}`, 0o640, 1000 + index));
  }
  const asked = (await requests()) - before;
  // To make it; its mode and times in one; where that takes long, that it has been written. Not if it is there, nor one by one.
  assert.ok(asked <= 3.5 * fileCount, `${asked} requests for ${fileCount} files`);
  for (let index = 0; index < fileCount; index++) {
    const { mode, mtimeMs, size } = statSync(cluster.folder.at(`folder ${index % 10}`, String(index)));
    const expected = [0o640, 1_000_000 + index * 1000, `text ${index}`.length];
    assert.deepEqual([mode & 0o777, mtimeMs, size], expected, `in the served folder: ${index}`);
  }
});

test("who makes small files, or reads such, asks for each once: tokens and pages come with the answer", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  const asked = async () => {
    const { acquires, fetches } = (await cluster.home.status()).counters;
    return acquires + fetches;
  };
  const text = (index: number) => `${index} `.repeat(5000);
  mkdirSync(one.at("made"));
  mkdirSync(cluster.folder.at("found"));
  for (let index = 0; index < 20; index++) {
    closeSync(unpack(one.at("made", String(index)), text(index), 0o644, 1000));
    writeFileSync(cluster.folder.at("found", String(index)), text(index));
  }
  for (let index = 0; index < 20; index++) {
    assert.equal(readFileSync(other.at("found", String(index)), "utf8"), text(index));
  }
  assert.equal(await asked(), 0);
  for (let index = 0; index < 20; index++) {
    assert.equal(readFileSync(other.at("made", String(index)), "utf8"), text(index));
    writeFileSync(one.at("found", String(index)), "changed");
    assert.equal(readFileSync(other.at("found", String(index)), "utf8"), "changed");
  }
  assert.ok((await asked()) > 0, "who may be storing to what is read elsewhere is asked");
});

test("I19: mode and times of a file that is being unpacked are seen by whoever looks, on either host", {
  skip,
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using volume = await connect(cluster.home.url);
  const looks = {
    stat: async (name: string) => statSync(other.at(name)),
    "its own stat": async (name: string) => statSync(one.at(name)),
    "volume.stat": async (name: string) => {
      const { mode, mtime } = await volume.lstat(name);
      return { mode, mtimeMs: mtime[0] * 1000 + mtime[1] / 1e6 };
    },
  };
  for (let round = 0; round < 200; round++) {
    const name = `file ${round}`;
    const fd = unpack(one.at(name), "text", 0o640, round);
    for (let change = 0; change < 4; change++) {
      const [mode, time] = [random.pick([0o600, 0o644, 0o755, 0o4755]), 1000 + random.between(0, 1000)];
      const how = random.between(0, 2);
      if (how === 0) writeSync(fd, "more");
      fchmodSync(fd, mode);
      futimesSync(fd, time, time);
      if (how === 1) fchmodSync(fd, mode);
      const look = random.pick(Object.keys(looks) as (keyof typeof looks)[]);
      const seen = await looks[look](name);
      const expected = [mode, time * 1000];
      assert.deepEqual([seen.mode & 0o7777, seen.mtimeMs], expected, `${look}, round ${round}, change ${change}`);
    }
    closeSync(fd);
    if (random.between(0, 3) > 0) continue;
    const { mtimeMs } = statSync(other.at(name));
    assert.equal(statSync(one.at(name)).mtimeMs, mtimeMs, `closed, round ${round}`);
  }
});

test("a store after the time was set counts as later than that", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  for (let round = 0; round < 50; round++) {
    const name = `file ${round}`;
    const start = Date.now() - 1000;
    const fd = unpack(one.at(name), "text", 0o640, 1000);
    if (round % 3 === 0) closeSync(fd);
    const writer = round % 3 === 0 ? openSync(one.at(name), "r+") : fd;
    writeSync(writer, "more");
    if (round % 3 < 2) closeSync(writer);
    assert.ok(statSync(other.at(name)).mtimeMs > start, `round ${round}`);
    if (round % 3 === 2) closeSync(writer);
  }
});

for (const end of ["killed", "stopped"]) {
  test(`a program is not kept waiting for that by a home that has stopped; nothing of it is lost when it is ${end}`, {
    skip,
  }, async () => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    const fileCount = 5;
    await using volume = await connect(cluster.home.url, { name: "who looks" });
    await using user = await PlainUser.start();
    for (let index = 0; index < fileCount; index++) {
      const as = String(index);
      await user.call("edit", { path: one.at(`file ${index}`), as });
      await user.call("write", { at: 0, text: "text", as });
    }
    await cluster.home.stop();
    for (let index = 0; index < fileCount; index++) {
      await user.call("setMode", { mode: 0o640 + index, as: String(index) }, 5000);
      await user.call("setTime", { time: 1000 + index, as: String(index) }, 5000);
    }
    if (end === "killed") await cluster.home.kill();
    const looks = volume.lstat("file 0");
    if (end === "killed") {
      // Who looks has asked before the host that has unpacked is back.
      const { pid } = one.program.child;
      await stopProcess("the mount", pid);
      await cluster.home.start();
      const isBack = async () => (await cluster.home.status()).nodes.some(({ name }) => name === "who looks");
      await until("who looks is back", isBack);
      await delay(300);
      process.kill(Number(pid), "SIGCONT");
    } else cluster.home.signal("SIGCONT");
    const { mode, mtime } = await looks;
    assert.deepEqual([mode, mtime], [0o640, [1000, 0]]);
    for (let index = 0; index < fileCount; index++) {
      const { mode, mtimeMs } = statSync(other.at(`file ${index}`));
      assert.deepEqual([mode & 0o7777, mtimeMs], [0o640 + index, (1000 + index) * 1000], `file ${index}`);
    }
  });
}

test("what the home refuses all the same is said, and fails the next fsync or close", { skip }, async () => {
  await using failing = await failingHome({ mounts: 1 });
  const [mount] = failing.cluster.mounts;
  mount.isQuiet = false;
  for (const how of ["fsync", "close"]) {
    const fd = openSync(mount.at(how), "wx");
    failing.fail("setAttributes");
    fchmodSync(fd, 0o640);
    const isSaid = () => mount.errors.includes(`change the mode or the times of ${how}`);
    if (how === "close") await until("the refusal is said", isSaid); // A close does not wait for it.
    assert.throws(() => (how === "fsync" ? fsyncSync(fd) : closeSync(fd)), { code: "EIO" }, how);
    await until("the refusal is said", isSaid);
    failing.mend("setAttributes");
    if (how === "fsync") fsyncSync(fd);
    if (how === "fsync") closeSync(fd);
    assert.notEqual(statSync(mount.at(how)).mode & 0o777, 0o640);
  }
});

test("I19: in a folder that one host has made, and nobody else has touched, names of others are found as soon as they are made", {
  skip,
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using volume = await connect(cluster.home.url);
  writeFileSync(one.at("there"), "");
  const makers: Record<string, (path: string) => unknown> = {
    create: (path) => writeFileSync(other.at(path), ""),
    mkdir: (path) => mkdirSync(other.at(path)),
    symlink: (path) => symlinkSync("nowhere", other.at(path)),
    link: (path) => linkSync(other.at("there"), other.at(path)),
    rename: (path) => {
      writeFileSync(other.at("moving"), "");
      renameSync(other.at("moving"), other.at(path));
    },
    "volume.open": async (path) => await (await volume.open(path, { create: true })).close(),
    "volume.mkdir": async (path) => await volume.mkdir(path),
  };
  const isThere = (path: string) => lstatSync(one.at(path), { throwIfNoEntry: false }) !== undefined;
  for (let round = 0; round < 60; round++) {
    const folder = `folder ${round}`;
    mkdirSync(one.at(folder));
    for (let index = random.between(0, 3); index > 0; index--) writeFileSync(one.at(`${folder}/own ${index}`), "");
    assert.ok(!isThere(`${folder}/new`));
    const maker = random.pick(Object.keys(makers));
    await makers[maker](`${folder}/new`);
    assert.ok(isThere(`${folder}/new`), `${maker}, round ${round}`);
    rmSync(other.at(`${folder}/new`), { recursive: true });
    assert.ok(!isThere(`${folder}/new`), `removed, round ${round}`);
  }
});

test("what another tool puts into such a folder is found there after five seconds, whatever this host makes there meanwhile", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  mkdirSync(mount.at("folder"));
  writeFileSync(cluster.folder.at("folder", "theirs"), "");
  let count = 0;
  await until("it is found", () => {
    writeFileSync(mount.at(`folder/ours ${count++}`), "");
    return lstatSync(mount.at("folder/theirs"), { throwIfNoEntry: false }) !== undefined;
  });
});

test("a mount that ends without its home says what of that is lost", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  mount.isQuiet = false;
  await using user = await PlainUser.start();
  await user.call("edit", { path: mount.at("file") });
  await cluster.home.stop();
  await user.call("setMode", { mode: 0o640 }, 5000);
  await cluster.home.kill();
  mount.program.kill("SIGTERM");
  await until("it says that it is in use", () => /is in use.*once more/.test(mount.program.errors));
  mount.program.kill("SIGTERM");
  await mount.program.end();
  assert.match(mount.program.errors, /changes of the mode or the times of file are lost/);
});
