import assert from "node:assert/strict";
import { open, unlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { pageBytes } from "../../src/core/units.js";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

const runs = 3000;
const strideBytes = 40 * pageBytes;

test("a file of which the kernel had thousands of places, and that it has forgotten, is given up", {
  skip: lacksFuse(),
}, async () => {
  await using cluster = await MountCluster.start();
  const [reader, writer] = cluster.mounts;
  await using volume = await connect(cluster.home.url);
  // Whole-file tokens: all of it is called back at once.
  const file = await volume.open("scattered", { create: true, size: runs * strideBytes, policy: "simple" });
  await file.close();

  const written = await open(writer.at("scattered"), "r+");
  const read = await open(reader.at("scattered"));
  const buffer = Buffer.alloc(1);
  // Backwards: no order that the kernel reads ahead in.
  for (let run = runs - 1; run >= 0; run--) await read.read(buffer, 0, 1, run * strideBytes);
  await read.close();
  await unlink(reader.at("scattered"));

  await written.write("x", 0); // The reader's token is called back, for pages that its kernel has no more.
  await written.close();
  await writeFile(reader.at("alive"), "still here");
  const alive = await open(writer.at("alive"));
  assert.equal(await alive.readFile("utf8"), "still here");
  await alive.close();
});
