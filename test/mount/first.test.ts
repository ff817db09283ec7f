import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

test("a file written through one mount is there on the other, and in the served folder", {
  skip: lacksFuse(),
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("greeting"), "hello");
  assert.equal(readFileSync(other.at("greeting"), "utf8"), "hello");
  assert.deepEqual(readdirSync(other.path), ["greeting"]);
  await one.unmount();
  assert.equal(readFileSync(cluster.folder.at("greeting"), "utf8"), "hello");
});
