import assert from "node:assert/strict";
import { test } from "node:test";
import { endsBy } from "../../src/kernel/dying-thread.js";

const [hangUp, kill, alarm, terminate, child] = [1, 9, 14, 15, 17].map((signal) => 1 << (signal - 1));

function status(masks: Record<string, number>): string {
  const names = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"];
  const lines = names.map((name) => `${name}:\t${(masks[name] ?? 0).toString(16).padStart(16, "0")}`);
  return ["Name:\tprogram", "SigQ:\t6/96365", ...lines, "CapInh:\tffffffffffffffff", ""].join("\n");
}

test("a thread is dying when a signal waits that ends its process, and only then", () => {
  assert.equal(endsBy(status({})), false);
  assert.equal(endsBy(status({ SigPnd: kill })), true, "what the kernel makes of a signal that ends a process");
  assert.equal(endsBy(status({ ShdPnd: alarm, SigCgt: alarm })), false, "one that is handled");
  assert.equal(endsBy(status({ ShdPnd: alarm | terminate, SigCgt: alarm })), true, "one that came behind such a one");
  assert.equal(endsBy(status({ ShdPnd: terminate, SigBlk: terminate })), false, "one that is blocked");
  assert.equal(endsBy(status({ ShdPnd: hangUp, SigIgn: hangUp })), false, "one that is ignored");
  assert.equal(endsBy(status({ ShdPnd: child })), false, "one that ends nobody");
});
