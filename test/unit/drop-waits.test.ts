import assert from "node:assert/strict";
import { test } from "node:test";
import { DropWaits } from "../../src/fuse/drop-waits.js";

function stage() {
  const wakeUps: number[] = [];
  const told: string[] = [];
  return { waits: new DropWaits((at) => wakeUps.push(at)), wakeUps, told };
}

test("who waits for something looks with each drop, and is told once", () => {
  const { waits, told } = stage();
  let drops = 0;
  const isSo = () => drops >= 2;
  waits.until(isSo, 1e9, () => told.push("done"));
  for (; drops < 4; drops++) waits.dropped();
  assert.deepEqual(told, ["done"]);
});

test("what is so already waits for nothing", () => {
  const { waits, wakeUps, told } = stage();
  waits.until(
    () => true,
    1e9,
    () => told.push("done"),
  );
  assert.deepEqual([told, wakeUps], [["done"], []]);
});

test("a wait ends at its time, and hears of no drop after that", () => {
  const { waits, wakeUps, told } = stage();
  let looks = 0;
  const isSo = () => looks++ > 1e9;
  waits.until(isSo, 100, () => told.push("first"));
  waits.until(isSo, 1e9, () => told.push("second"));
  assert.equal(waits.onTime(wakeUps[0] - 1), wakeUps[0]);
  assert.equal(waits.onTime(wakeUps[0]), wakeUps[1]);
  assert.deepEqual(told, ["first"]);
  looks = 0;
  waits.dropped();
  assert.equal(looks, 1, "of the second");
});

test("who waits for the next drop may wait for the one after that, too", () => {
  const { waits, told } = stage();
  const act = () => {
    told.push("dropped");
    waits.add(act);
  };
  waits.add(act);
  waits.dropped();
  waits.dropped();
  assert.deepEqual(told, ["dropped", "dropped"]);
});
