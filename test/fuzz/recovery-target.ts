import assert from "node:assert/strict";
import fc from "fast-check";
import { type HomeRecord, mayBeUnstable, Recovery, type RememberedSessions } from "../../src/core/home/recovery.js";
import type { FuzzTarget } from "./fuzz-target.js";

const session = fc.constantFrom("a", "b", "c", "__proto__", "toString");
const input = fc.oneof(
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("back", "recovered", "forget"), session }) },
  fc.record({ op: fc.constant("remember"), session, file: fc.constantFrom("x", "y", "__proto__") }),
  fc.record({ op: fc.constant("rememberSession"), session }),
  fc.record({ op: fc.constantFrom("park", "settle", "settled") }),
  fc.record({ op: fc.constant("time"), micros: fc.constantFrom(0, 1000, 1100, 5000) }),
);
type Input = Record<string, unknown> & { op: string };

const lease = 1000;
const remembered: RememberedSessions = { a: { name: "A", files: ["x"] }, b: { name: "B", files: [] } };

export const recoveryTarget: FuzzTarget<Input> = {
  name: "recovery",
  input,
  run: (inputs, note) => {
    const [back, live] = [new Set<string>(), new Set<string>()];
    let record: HomeRecord = { sessions: remembered, isUnsettled: false };
    const settling: (() => void)[] = [];
    let [ends, lost, parked, served] = [0, 0, 0, 0];
    const port = {
      remember: (next: HomeRecord) => (record = next),
      isBack: (id: string) => back.has(id),
      onLost: () => lost++,
      onEnd: () => ends++,
    };
    const recovery = new Recovery(port, remembered, lease, 0);
    for (const one of inputs) {
      const [id, before] = [String(one.session), recovery.isOpen];
      if (one.op === "back") back.add(id);
      else if (one.op === "recovered") recovery.recovered(id);
      else if (one.op === "forget") {
        live.delete(id);
        recovery.forget(id);
      } else if (one.op === "park") {
        if (!recovery.isOpen) continue; // A shell parks nothing then.
        parked++;
        recovery.park(() => served++);
      } else if (one.op === "settle") {
        if (!mayBeUnstable(record)) continue; // Only who is on record leaves anything behind.
        settling.push(recovery.beginSettling());
      } else if (one.op === "settled") settling.shift()?.();
      else if (one.op === "time") recovery.onTime(Number(one.micros));
      else {
        live.add(id);
        if (one.op === "remember") recovery.remember(id, id, String(one.file));
        else recovery.rememberSession(id, id);
      }
      note(`${one.op} → ${before} ${recovery.isOpen} ${lost} ${recovery.expectedCount}`);
      assert.equal(ends, recovery.isOpen ? 0 : 1, "it ends once");
      assert.equal(served, recovery.isOpen ? 0 : parked, "what waits is served at its end");
      assert.equal(recovery.deadline === Number.POSITIVE_INFINITY, !recovery.isOpen);
      const isUnstable = settling.length > 0 || Object.keys(record.sessions).length > 0;
      assert.equal(mayBeUnstable(record), isUnstable, "R20: a restart syncs first if anything may be unstable");
      for (const expected of ["a", "b"]) {
        const isOnRecord = Object.hasOwn(record.sessions, expected);
        if (recovery.expects(expected)) assert.ok(isOnRecord, "a second restart would wait for it too");
      }
    }
    for (const id of ["a", "b"]) back.delete(id);
    recovery.onTime(lease * 2);
    assert.ok(!recovery.isOpen, "nobody can hold it up");
  },
};
