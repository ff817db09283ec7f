import assert from "node:assert/strict";
import { test } from "node:test";
import { PollGauge } from "../../src/kernel/poll-gauge.js";

test("to poll pays as soon as a wait was short, and no longer once as many were long", () => {
  const gauge = new PollGauge(100);
  assert.equal(gauge.pays, false, "nothing is known yet");
  gauge.came(99);
  assert.equal(gauge.pays, true);
  gauge.came(100);
  assert.equal(gauge.pays, false);
});

test("one of another kind among many turns nothing round; some in a row do, however many were before", () => {
  const gauge = new PollGauge(100);
  for (let count = 0; count < 1000; count++) gauge.came(10);
  gauge.came(Number.POSITIVE_INFINITY);
  assert.equal(gauge.pays, true);
  for (let count = 0; count < 3; count++) gauge.came(5000);
  assert.equal(gauge.pays, false);
  for (let count = 0; count < 1000; count++) gauge.came(5000);
  gauge.came(10);
  assert.equal(gauge.pays, false);
  for (let count = 0; count < 4; count++) gauge.came(10);
  assert.equal(gauge.pays, true);
});
