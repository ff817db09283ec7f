import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "../../src/index.js";
import { seededRandom } from "../faults/seeded-random.js";
import { lacksFuse } from "../support/requires.js";
import { until, within } from "../support/until.js";
import { failingHome } from "./failing-home.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();

/** What is written, piece after piece: no two of them are the same. */
function piece(index: number): string {
  return `${index} `.repeat(1 + (index % 40));
}

test("R6: a host that has a file alone makes it longer by itself, and whoever looks finds every byte of it", {
  skip,
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using volume = await connect(cluster.home.url);
  await using user = await PlainUser.start();
  await user.call("edit", { path: one.at("log") });
  const looks = {
    stat: async () => statSync(other.at("log")).size,
    "its own stat": async () => statSync(one.at("log")).size,
    read: async () => readFileSync(other.at("log")).byteLength,
    "volume.stat": async () => (await volume.stat("log")).size,
    "volume.lstat": async () => (await volume.lstat("log")).size,
    list: async () => (await volume.list())[0].size,
    readdir: async () => (await volume.readdir()).find(({ name }) => name === "log")?.attributes.size,
    open: async () => {
      await using file = await volume.open("log");
      return file.size;
    },
  };
  let written = "";
  for (let index = 0; index < 300; index++) {
    written += piece(index);
    await user.call("write", { at: written.length - piece(index).length, text: piece(index) });
    const look = random.pick(Object.keys(looks) as (keyof typeof looks)[]);
    if (random.between(0, 3) === 0) assert.equal(await looks[look](), written.length, `${look} behind piece ${index}`);
    if (random.between(0, 20) > 0) continue;
    written = written.slice(0, written.length / 2);
    await user.call("truncate", { size: written.length });
    assert.equal(await looks[look](), written.length, `${look} behind a cut`);
  }
  assert.equal(readFileSync(other.at("log"), "latin1"), written);
  assert.equal(readFileSync(cluster.folder.at("log"), "latin1").length, written.length);
});

test("it asks nobody for that: the home may have stopped", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using user = await PlainUser.start();
  await user.call("edit", { path: one.at("log") });
  await user.call("write", { at: 0, text: "begin " }); // What is not there yet is the host's own from then on.
  await cluster.home.stop();
  let size = 6;
  for (let index = 0; index < 100; index++) {
    await user.call("write", { at: size, text: piece(index) });
    size += piece(index).length;
  }
  cluster.home.signal("SIGCONT");
  assert.equal(statSync(other.at("log")).size, size);
  await user.call("write", { at: size, text: "end" });
  assert.equal(statSync(other.at("log")).size, size + 3);
});

test("once no program has it open for writing, its host is not asked any more", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  one.isQuiet = false;
  await using user = await PlainUser.start();
  await user.call("edit", { path: one.at("log") });
  await user.call("write", { at: 0, text: "all of it" });
  await user.call("close", {});
  await delay(1000); // Its kernel is told first to ask anew for what it has.
  one.program.kill("SIGSTOP");
  try {
    assert.equal((await within("a look", stat(other.at("log")), 5000)).size, 9);
  } finally {
    one.program.kill("SIGCONT");
  }
});

test("R20: the home is killed again and again: what a host has made longer by itself is as long as it was, for everybody", {
  skip,
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start({ home: { leaseMillis: 3000 } });
  const [one, other] = cluster.mounts;
  for (const mount of cluster.mounts) mount.isQuiet = false;
  await using user = await PlainUser.start();
  await user.call("edit", { path: one.at("log") });
  let written = "";
  for (let round = 0; round < 6; round++) {
    for (let index = random.between(1, 200); index > 0; index--) {
      const text = piece(written.length % 977);
      await user.call("write", { at: written.length, text });
      written += text;
    }
    const restarted = cluster.home.restart();
    const looks = [other, one].map((mount) => stat(mount.at("log")));
    await restarted;
    for (const { size } of await Promise.all(looks)) assert.equal(size, written.length, `round ${round}`);
  }
  assert.equal(readFileSync(other.at("log"), "latin1"), written);
});

test("a size that the home's store refuses is reported: to who syncs next, and in the log", { skip }, async () => {
  await using parts = await failingHome();
  const { cluster, fail, mend } = parts;
  const [one, other] = cluster.mounts;
  one.isQuiet = false;
  await using user = await PlainUser.start();
  await user.call("edit", { path: one.at("log") });
  await user.call("fill", { at: 0, length: 4096, value: 65 });
  await user.call("fsync", {});
  fail("setSize");
  await user.call("fill", { at: 4096, length: 8192, value: 66 });
  const lost = (from: number, to: number) => `log, bytes ${from}..${to}, are lost: the home cannot make it so long`;
  await until("its loss is in the log", () => {
    const { errors } = one.program;
    // The kernel may have written it in two pieces.
    return (
      errors.includes(lost(4096, 12288)) || (errors.includes(lost(4096, 8192)) && errors.includes(lost(8192, 12288)))
    );
  });
  assert.equal(statSync(other.at("log")).size, 4096);
  await assert.rejects(user.call("fsync", {}), { code: "EIO" });
  mend("setSize");
  await within("it is written anew", user.call("fill", { at: 4096, length: 8192, value: 66 }));
  await user.call("fsync", {});
  assert.equal(readFileSync(other.at("log"), "latin1"), `${"A".repeat(4096)}${"B".repeat(8192)}`);
});

test("so are bytes behind a refused end in a page that stays", { skip }, async () => {
  await using parts = await failingHome({ mounts: 1 });
  const [one] = parts.cluster.mounts;
  one.isQuiet = false;
  await using user = await PlainUser.start();
  await user.call("edit", { path: one.at("log") });
  await user.call("write", { at: 0, text: "kept" });
  await user.call("fsync", {});
  parts.fail("setSize");
  await user.call("write", { at: 4, text: " and lost" });
  await until("its loss is in the log", () => one.program.errors.includes("log, bytes 0..4096, are lost"));
  await assert.rejects(user.call("fsync", {}), { code: "EIO" });
  assert.equal(readFileSync(one.at("log"), "latin1"), "kept");
});
