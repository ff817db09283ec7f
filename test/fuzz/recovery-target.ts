import assert from "node:assert/strict";
import fc from "fast-check";
import { DmmapError } from "../../src/core/error.js";
import { type HomeRecord, mayBeUnstable, Recovery, type RememberedSessions } from "../../src/core/home/recovery.js";
import type { FuzzTarget } from "./fuzz-target.js";

const session = fc.constantFrom("a", "b", "c", "__proto__", "toString");
const input = fc.oneof(
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("back", "recovered", "forget"), session }) },
  fc.record({ op: fc.constant("remember"), session, file: fc.constantFrom("x", "y", "__proto__") }),
  fc.record({ op: fc.constant("rememberSession"), session }),
  fc.record({ op: fc.constantFrom("park", "settle", "settled") }),
  fc.record({ op: fc.constant("disk"), disk: fc.constantFrom("sound", "refuses", "takes, and says it has not") }),
  fc.record({ op: fc.constant("time"), micros: fc.constantFrom(0, 1000, 1100, 5000) }),
);
type Input = Record<string, unknown> & { op: string };

const lease = 1000;
const remembered: RememberedSessions = { a: { name: "A", files: ["x"] }, b: { name: "B", files: [] } };

export const recoveryTarget: FuzzTarget<Input> = {
  name: "recovery",
  input,
  run: (inputs, note) => {
    const back = new Set<string>();
    /** Who was let in, and has not ended. */
    const live = new Set<string>();
    let disk = "sound";
    let record: HomeRecord = { sessions: remembered, isUnsettled: false };
    const settling: (() => void)[] = [];
    let [ends, lost, parked, served] = [0, 0, 0, 0];
    const port = {
      remember: (next: HomeRecord) => {
        if (disk !== "refuses") record = next;
        return disk === "sound" ? undefined : new DmmapError("DMMAP_IO", disk);
      },
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
        if (recovery.forget(id)) assert.ok(!Object.hasOwn(record.sessions, id), "R15: no home takes its word");
      } else if (one.op === "park") {
        if (!recovery.isOpen) continue; // A shell parks nothing then.
        parked++;
        recovery.park(() => served++);
      } else if (one.op === "settle") {
        if (!mayBeUnstable(record)) continue; // Only who is on record leaves anything behind.
        settling.push(recovery.beginSettling());
      } else if (one.op === "settled") settling.shift()?.();
      else if (one.op === "time") recovery.onTime(Number(one.micros));
      else if (one.op === "disk") disk = String(one.disk);
      else {
        back.add(id); // Whoever opens anything is there.
        const isOpened = one.op === "remember";
        const refusal = isOpened ? recovery.remember(id, id, String(one.file)) : recovery.rememberSession(id, id);
        if (refusal === undefined) live.add(id);
        assert.ok(refusal === undefined || disk !== "sound" || !isOpened, "it is tried again");
      }
      note(`${one.op} → ${before} ${recovery.isOpen} ${lost} ${recovery.expectedCount} ${recovery.isBehind}`);
      assert.equal(ends, recovery.isOpen ? 0 : 1, "it ends once");
      assert.equal(served, recovery.isOpen ? 0 : parked, "what waits is served at its end");
      assert.equal(recovery.deadline === Number.POSITIVE_INFINITY, !recovery.isOpen);
      for (const id of live) assert.ok(Object.hasOwn(record.sessions, id), "a restart waits for who was let in");
      const isUnstable = settling.length > 0 || Object.keys(record.sessions).length > 0;
      assert.ok(mayBeUnstable(record) || !isUnstable, "R20: a restart syncs first if anything may be unstable");
      assert.ok(recovery.isBehind || mayBeUnstable(record) === isUnstable, "and not else");
      for (const expected of ["a", "b"]) {
        const isOnRecord = Object.hasOwn(record.sessions, expected);
        if (recovery.expects(expected)) assert.ok(isOnRecord, "a second restart would wait for it too");
      }
    }
    for (const id of ["a", "b"]) back.delete(id);
    disk = "sound";
    recovery.onTime(lease * 2);
    assert.ok(!recovery.isBehind);
    assert.ok(!recovery.isOpen, "nobody can hold it up");
  },
};
