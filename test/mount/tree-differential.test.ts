import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { DifferentialStage } from "./differential-stage.js";

/** These found something once. */
const found = [
  206_088_361, // A mode change on one mount, and a chown(2) on the other that went by the mode of before.
  211_008_661, // A folder that was moved on one mount, and renamed on the other without a look.
  233_676_202, // A mode that came with a size, and access(2), which went by the mode of before.
];
const randomCount = 8;
const seeds = [1, 2, ...found, ...Array.from({ length: randomCount }, () => Math.floor(Math.random() * 1e9))];

test("whatever programs do on two mounts in turn, they are answered as by a local filesystem", {
  skip: lacksFuse(),
}, async () => {
  await using stage = await DifferentialStage.start();
  for (const seed of seeds) assert.equal(await stage.run(seed), "");
});
