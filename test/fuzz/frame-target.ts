import assert from "node:assert/strict";
import fc from "fast-check";
import { fileBytesMax, pageMax } from "../../src/core/units.js";
import {
  decodeHeader,
  encodeHeader,
  Frame,
  FrameType,
  frameTypeMax,
  headerBytes,
  payloadBytesMax,
} from "../../src/core/wire/frame.js";
import type { FuzzTarget } from "./fuzz-target.js";

/** Writes over a sound header: a byte, or a number where one may be. */
const input = fc.oneof(
  { weight: 3, arbitrary: fc.record({ at: fc.nat({ max: headerBytes - 1 }), byte: fc.nat({ max: 255 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      at: fc.constantFrom(16, 24, 32, 40, 48, 56),
      number: fc.oneof(
        fc.nat({ max: 300 }),
        fc.constantFrom(-1, 0.5, pageMax, pageMax + 1, fileBytesMax, 2 ** 53, 1e300),
      ),
    }),
  },
  fc.record({ at: fc.constant(4), byte: fc.nat({ max: frameTypeMax + 1 }) }),
  fc.record({
    at: fc.constant(0),
    bytes: fc.constantFrom(0, 63, 64, 64 + 4096, 64 + payloadBytesMax, 65 + payloadBytesMax),
  }),
);
type Input = { at: number; byte?: number; number?: number; bytes?: number };

export const frameTarget: FuzzTarget<Input> = {
  name: "frame",
  input,
  run: (inputs, note) => {
    const bytes = new DataView(new ArrayBuffer(headerBytes));
    encodeHeader(new Frame().reset(FrameType.ping), bytes, 0);
    for (const { at, byte, number, bytes: length } of inputs) {
      if (byte !== undefined) bytes.setUint8(at, byte);
      else if (number !== undefined) bytes.setFloat64(at, number, true);
      else bytes.setUint32(0, length ?? 0, true);
      const frame = new Frame();
      const reason = decodeHeader(bytes, 0, frame);
      note(reason?.replace(/-?[\d.]+(e\+\d+)?|NaN|Infinity/g, "0") ?? `type ${frame.type}`);
      if (reason === undefined) checkSound(frame, bytes);
    }
  },
};

/** What is taken has fields that can be, and is to the letter what was sent. */
function checkSound(frame: Frame, bytes: DataView): void {
  const again = new DataView(new ArrayBuffer(headerBytes));
  encodeHeader(frame, again, 0);
  assert.deepEqual(new Uint8Array(again.buffer), new Uint8Array(bytes.buffer));
  for (const at of [frame.start, frame.end, frame.dataStart, frame.dataEnd]) {
    assert.ok(Number.isInteger(at) && at >= 0 && at <= pageMax);
  }
  assert.ok(frame.start <= frame.end && frame.dataStart <= frame.dataEnd);
  assert.ok(
    Number.isSafeInteger(frame.epoch) && Number.isSafeInteger(frame.extra) && frame.epoch >= 0 && frame.extra >= 0,
  );
  assert.ok(frame.payloadBytes >= 0 && frame.payloadBytes <= payloadBytesMax);
}
