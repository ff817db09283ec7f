import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { lacksFuse } from "../support/requires.js";
import { MountCluster, type MountClusterOptions } from "./mount-cluster.js";

const skip = lacksFuse();
const script = new URL("../../../test/mount/programs/features.py", import.meta.url).pathname;

async function run(name: string, options: MountClusterOptions = {}, prepare = (_: MountCluster): void => undefined) {
  await using cluster = await MountCluster.start(options);
  prepare(cluster);
  const paths = cluster.mounts.map(({ path }) => path);
  const { stderr } = await promisify(execFile)("python3", [script, name, ...paths], { timeout: 120_000 });
  assert.equal(stderr, "");
}

const features: Record<string, string> = {
  room: "fallocate gives room, makes holes and zeros",
  copy: "copy_file_range",
  holes: "SEEK_HOLE and SEEK_DATA on both hosts, before anything is synced",
  direct: "O_DIRECT",
  same_map: "a buffer of read and write that is a map of the same file",
  crossed_maps: "buffers that are maps of crossed files, on both hosts at once",
  append: "O_APPEND from two hosts loses and tears no record",
  names: "names of 255 bytes, rename without replacement and as an exchange, hard links",
  attributes: "extended attributes, statfs, times after a store through a map",
  listing: "a listing while names come and go",
};

for (const [name, what] of Object.entries(features)) {
  test(what, { skip }, async () => await run(name));
}

test("100,000 names in a folder", { skip }, async () => {
  await run("many", {}, ({ folder }) => {
    mkdirSync(folder.at("many"));
    for (let number = 0; number < 100_000; number++) {
      closeSync(openSync(folder.at("many", `n${String(number).padStart(5, "0")}`), "w"));
    }
  });
});

test("R8: a file of 2^53 - 1 bytes: its end read, written, mapped", { skip }, async () => {
  await run("far", { home: { store: new URL("./memory-home.js", import.meta.url).href } });
});
