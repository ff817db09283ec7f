import assert from "node:assert/strict";
import { closeSync, constants, openSync, readFileSync, statSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const mebibyte = 1024 * 1024;

/** How many requests the home has had since the last call, this one not counted. */
async function counter(cluster: MountCluster): Promise<() => Promise<number>> {
  let last = (await cluster.home.status()).counters.requests;
  return async () => {
    const { requests } = (await cluster.home.status()).counters;
    const count = requests - last - 1;
    last = requests;
    return count;
  };
}

test("to make a file is two questions, to take it away one more, and one that nobody waits for", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  writeFileSync(mount.at("before"), "");
  const asked = await counter(cluster);
  const files = ["one", "two", "three"];
  const open = files.map((name) => openSync(mount.at(name), "wx"));
  assert.equal(await asked(), 2 * files.length, "whether the name is there, and to make and open it");
  for (const file of open) closeSync(file);
  assert.equal(await asked(), 0);
  for (const name of files) unlinkSync(mount.at(name));
  let count = 0;
  await until("the files are closed at the home", async () => {
    count += await asked();
    return count === 2 * files.length;
  });
});

test("a file that is there already is opened with one question more, and written as by anybody", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), "abc");
  const { O_CREAT, O_RDWR } = constants;
  const file = openSync(other.at("file"), O_CREAT | O_RDWR);
  writeSync(file, "x", 1);
  assert.equal(readFileSync(one.at("file"), "utf8"), "axc");
  closeSync(file);
  unlinkSync(one.at("file"));
  writeFileSync(other.at("file"), "another");
  assert.equal(readFileSync(one.at("file"), "utf8"), "another");
});

test("a stream of writes goes to the home before anybody syncs", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const file = openSync(mount.at("stream"), "w");
  const pieces = 6;
  for (let piece = 0; piece < pieces; piece++) writeSync(file, Buffer.alloc(mebibyte, 1 + piece));
  const { writeBytes } = (await cluster.home.status()).counters;
  assert.ok(writeBytes >= (pieces - 1) * mebibyte, `${writeBytes} bytes`);
  const onDisk = readFileSync(cluster.folder.at("stream"));
  for (let piece = 0; piece < pieces - 1; piece++) assert.equal(onDisk[piece * mebibyte], 1 + piece);
  assert.equal(statSync(mount.at("stream")).blksize, mebibyte, "what programs read and write at a time");
  closeSync(file);
});
