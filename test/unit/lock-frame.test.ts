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
import { OwnerNames, ownerBytesMax, putOwner } from "../../src/core/wire/owner-names.js";
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

const at = 3;

/** As it lies in a buffer, with others before and behind it. */
function encoded(sent: SetLock): Uint8Array {
  const payload = new Uint8Array(at + lockPayloadMax).fill(0xff);
  return payload.subarray(at, at + encodeLock(sent, new DataView(payload.buffer), at));
}

function decoded(file: number, bytes: Uint8Array): SetLock {
  const payload = new Uint8Array(at + lockPayloadMax).fill(0xff);
  payload.set(bytes, at);
  return decodeLock(file, new DataView(payload.buffer), at, bytes.length);
}

test("a lock arrives as it was sent", () => {
  fc.assert(fc.property(lock, (sent) => assert.deepEqual(decoded(sent.file, encoded(sent)), { ...sent })));
});

test("the same bytes are the same owner, and others another, however many there are", () => {
  const name = fc.string({ maxLength: ownerBytesMax, unit: "grapheme-ascii" });
  const view = new DataView(new ArrayBuffer(ownerBytesMax + 1));
  const names = new OwnerNames();
  const read = (sent: string) => names.read(view, 1, putOwner(sent, view, 1));
  fc.assert(
    fc.property(fc.array(name), (sent) => {
      for (const each of sent) assert.equal(read(each), each);
    }),
  );
  for (let number = 0; number < 3000; number++) assert.equal(read(`owner ${number}`), `owner ${number}`);
  assert.equal(read("x".repeat(ownerBytesMax + 1)), "x".repeat(ownerBytesMax));
  view.setUint8(1, 0x80);
  assert.throws(() => names.read(view, 1, 1), { code: "DMMAP_PROTOCOL" });
});

test("bytes that are no lock are refused with a reason, and never throw anything else", () => {
  const cut = fc.tuple(lock, fc.nat(lockPayloadMax), fc.nat(lockPayloadMax), fc.nat(255));
  fc.assert(
    fc.property(cut, ([sent, length, changed, byte]) => {
      const bytes = encoded(sent).slice(0, length);
      if (changed < bytes.length) bytes[changed] = byte;
      try {
        const got = decoded(1, bytes);
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
