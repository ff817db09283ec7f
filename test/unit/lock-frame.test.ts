import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DmmapError } from "../../src/core/error.js";
import { Mode, pageMax } from "../../src/core/units.js";
import {
  decodeLock,
  encodeLock,
  lockPayloadMax,
  wantedPagesMax,
  wantedRunsMax,
} from "../../src/core/wire/lock-frame.js";
import type { SetLock } from "../../src/core/wire/tree-requests.js";

const offset = fc.oneof(fc.nat(100), fc.maxSafeNat());
const word = fc.nat(0xffff_ffff);
const run = fc
  .record({
    request: word,
    mode: fc.constantFrom(Mode.read, Mode.write),
    start: fc.oneof(fc.nat(9), fc.constant(pageMax - wantedPagesMax)),
    count: fc.integer({ min: 1, max: wantedPagesMax }),
  })
  .map(({ request, mode, start, count }) => ({ request, mode, start, end: start + count }));
const lock: fc.Arbitrary<SetLock> = fc.record({
  file: word,
  owner: fc.string({ maxLength: 16, unit: "grapheme-ascii" }),
  kind: fc.constantFrom("posix", "flock"),
  start: offset,
  end: fc.option(offset),
  type: fc.constantFrom("none", "shared", "exclusive"),
  pid: word,
  wait: fc.boolean(),
  inLine: fc.boolean(),
  pages: fc.array(run, { maxLength: wantedRunsMax }),
});

function encoded(sent: SetLock): Uint8Array {
  const payload = new Uint8Array(lockPayloadMax).fill(0xff);
  return payload.subarray(0, encodeLock(sent, payload));
}

test("a lock arrives as it was sent", () => {
  fc.assert(fc.property(lock, (sent) => assert.deepEqual(decodeLock(sent.file, encoded(sent)), { ...sent })));
});

test("bytes that are no lock are refused with a reason, and never throw anything else", () => {
  const cut = fc.tuple(lock, fc.nat(lockPayloadMax), fc.nat(lockPayloadMax), fc.nat(255));
  fc.assert(
    fc.property(cut, ([sent, length, at, byte]) => {
      const bytes = encoded(sent).slice(0, length);
      if (at < bytes.length) bytes[at] = byte;
      try {
        const got = decodeLock(1, bytes);
        assert.ok(got.pages.every(({ start, end, mode }) => start < end && end <= pageMax && mode !== Mode.none));
      } catch (error) {
        assert.ok(
          error instanceof DmmapError && ["DMMAP_PROTOCOL", "DMMAP_BAD_RANGE"].includes(error.code),
          String(error),
        );
      }
    }),
  );
});
