import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pin, PinList } from "../../src/core/token/pin-list.js";
import { TokenRanges } from "../../src/core/token-ranges.js";
import { Mode, pageMax } from "../../src/core/units.js";

function hold(pin: number, mode: Mode, start: number, end: number): PinListEntry {
  return { pin, mode, start, end, hold: true, data: true, sequence: pin };
}
type PinListEntry = Parameters<PinList["add"]>[0];

function held(...segments: [number, number, Mode][]): TokenRanges {
  const ranges = new TokenRanges();
  for (const [start, end, mode] of segments) ranges.set(start, end, mode, 1);
  return ranges;
}

function first(pins: PinList): Pin {
  const pin = pins.firstWaiting();
  assert.ok(pin !== undefined);
  return pin;
}

const later = Number.POSITIVE_INFINITY;

test("R8: nobody asks for a page that no file can have", () => {
  const pins = new PinList();
  pins.add(hold(1, Mode.write, pageMax - 1, pageMax));
  assert.throws(() => pins.add(hold(2, Mode.write, pageMax, pageMax + 1)), { code: "DMMAP_INVARIANT" });
});

test("a satisfied hold stands against whatever would take its mode", () => {
  const pins = new PinList();
  pins.add(hold(1, Mode.read, 2, 6));
  pins.satisfy(first(pins));
  assert.ok(pins.blocks(Mode.none, 5, 9, held(), later));
  assert.ok(!pins.blocks(Mode.read, 5, 9, held(), later));
  assert.ok(!pins.blocks(Mode.none, 6, 9, held(), later));
  assert.ok(!pins.blocks(Mode.none, 0, 2, held(), later));
  pins.remove(1);
  assert.ok(!pins.blocks(Mode.none, 5, 9, held(), later));
});

test("a hold that has its token and waits for data stands too, one that lacks some of it does not", () => {
  const pins = new PinList();
  pins.add(hold(1, Mode.write, 2, 6));
  assert.ok(pins.blocks(Mode.none, 2, 3, held([0, 9, Mode.write]), later));
  assert.ok(!pins.blocks(Mode.none, 2, 3, held([0, 5, Mode.write]), later));
  assert.ok(!pins.blocks(Mode.none, 2, 3, held([0, 9, Mode.read]), later));
});

test("R10: one that came after the revoke does not stand against it until it is satisfied", () => {
  const pins = new PinList();
  pins.add(hold(7, Mode.write, 2, 6));
  assert.ok(!pins.blocks(Mode.none, 2, 3, held([0, 9, Mode.write]), 6));
  assert.ok(pins.blocks(Mode.none, 2, 3, held([0, 9, Mode.write]), 8));
});

test("a prefetch never stands against a revoke, and is over once satisfied", () => {
  const pins = new PinList();
  pins.add({ ...hold(1, Mode.write, 2, 6), hold: false });
  assert.ok(!pins.blocks(Mode.none, 2, 3, held([0, 9, Mode.write]), later));
  assert.ok(pins.isWaiting);
  pins.satisfy(first(pins));
  assert.ok(!pins.isWaiting);
});

test("a new hold may be let into an older one, never into part of one", () => {
  const pins = new PinList();
  pins.add(hold(1, Mode.write, 2, 6));
  pins.satisfy(first(pins));
  pins.add(hold(5, Mode.read, 3, 6));
  assert.ok(pins.isInsideHold(first(pins), 4));
  assert.ok(!pins.isInsideHold(first(pins), 1), "the hold must be older than the revoke");
  pins.remove(5);
  pins.add(hold(6, Mode.write, 3, 7));
  assert.ok(!pins.isInsideHold(first(pins), 4));
});

test("those that wait are visited in order, also when one goes on the way", () => {
  const pins = new PinList();
  for (const pin of [1, 2, 3, 4]) pins.add({ ...hold(pin, Mode.read, 0, 1), hold: pin !== 2 });
  pins.satisfy(first(pins));
  const visited: number[] = [];
  for (let pin = pins.firstWaiting(); pin !== undefined; pin = pins.nextWaiting(pin)) {
    visited.push(pin.pin);
    pins.satisfy(pin);
  }
  assert.deepEqual(visited, [2, 3, 4]);
});

test("where pins begin", () => {
  const pins = new PinList();
  pins.add(hold(1, Mode.read, 10, 20));
  pins.add(hold(2, Mode.read, 5, 7));
  assert.equal(pins.firstIn(0, 100), 5);
  assert.equal(pins.firstIn(7, 100), 10);
  assert.equal(pins.firstIn(12, 100), 12);
  assert.equal(pins.firstIn(20, 100), 100);
  assert.equal(pins.firstIn(0, 3), 3);
});

test("after a lost session what waited waits again, and a hold that was given has ended", () => {
  const pins = new PinList();
  pins.add(hold(1, Mode.read, 10, 20));
  pins.satisfy(first(pins));
  pins.add(hold(2, Mode.read, 30, 40));
  first(pins).reached = 35;
  pins.restart();
  assert.equal(first(pins).pin, 2);
  assert.equal(first(pins).reached, 30);
  assert.ok(!pins.blocks(Mode.none, 10, 20, held([0, 50, Mode.read]), later));
  pins.clear();
  assert.equal(pins.firstWaiting(), undefined);
});

test("who waits for a page that cannot be read is told, and asks for it again later; the others are not", () => {
  const pins = new PinList();
  for (const pin of [1, 2, 3]) pins.add(hold(pin, Mode.read, 4, 8));
  pins.satisfy(first(pins));
  const [, second, third] = [1, 2, 3].map((pin) => pins.nextWaiting({ ...first(pins), sequence: pin - 1 }));
  assert.ok(second !== undefined && third !== undefined);
  third.reached = 6;
  const told: number[] = [];
  pins.delay(4, 6, 1000, (pin) => told.push(pin));
  assert.deepEqual([told, second.retryAt, third.retryAt], [[2], 1000, 0]);
});
