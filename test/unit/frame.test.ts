import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fileBytesMax, Mode, pageBytes, pageMax } from "../../src/core/units.js";
import {
  carriesPages,
  dataPagesMax,
  decodeHeader,
  encodeHeader,
  Frame,
  FrameFlag,
  FrameType,
  frameTypeMax,
  headerBytes,
  payloadBytesMax,
} from "../../src/core/wire/frame.js";

const page = fc.oneof(fc.nat({ max: 1000 }), fc.integer({ min: 0, max: pageMax }), fc.constant(pageMax));
const range = fc
  .tuple(page, page)
  .map(([one, other]): [number, number] => [Math.min(one, other), Math.max(one, other)]);
const count = fc.oneof(fc.nat(), fc.integer({ min: 0, max: fileBytesMax }), fc.constant(fileBytesMax));

/** Any frame that may be on the wire. */
const frame = fc
  .record({
    type: fc.integer({ min: 1, max: frameTypeMax }),
    mode: fc.constantFrom(Mode.none, Mode.read, Mode.write),
    flags: fc.nat({ max: 255 }),
    file: fc.nat({ max: 0xff_ff_ff_ff }),
    request: fc.nat({ max: 0xff_ff_ff_ff }),
    range,
    dataRange: range,
    pageCount: fc.nat({ max: dataPagesMax }),
    epoch: count,
    extra: count,
    payloadBytes: fc.nat({ max: payloadBytesMax }),
  })
  .map(({ range: [start, end], dataRange: [dataStart, dataEndAny], pageCount, payloadBytes, ...rest }) => {
    const carries = carriesPages(rest.type);
    const dataEnd = carries ? Math.min(pageMax, dataStart + pageCount) : dataEndAny;
    const pagesBytes = (rest.flags & FrameFlag.zero) === 0 ? (dataEnd - dataStart) * pageBytes : 0;
    const payload = carries ? pagesBytes : payloadBytes;
    return Object.assign(new Frame(), rest, { start, end, dataStart, dataEnd, payloadBytes: payload });
  });

function bytesOf(source: Frame): DataView {
  const bytes = new DataView(new ArrayBuffer(headerBytes + 8));
  encodeHeader(source, bytes, 8);
  return bytes;
}

test("every frame that may be sent is read as it was sent", () => {
  fc.assert(
    fc.property(frame, (sent) => {
      const got = new Frame();
      assert.equal(decodeHeader(bytesOf(sent), 8, got), undefined);
      assert.deepEqual(got, sent);
    }),
  );
});

test("one record decodes one header after another: nothing of the last one stays", () => {
  fc.assert(
    fc.property(frame, frame, (first, second) => {
      const got = new Frame();
      decodeHeader(bytesOf(first), 8, got);
      decodeHeader(bytesOf(second), 8, got);
      assert.deepEqual(got, second);
    }),
  );
});

test("random bytes never throw: they are a frame, or there is a reason", () => {
  const bytes = fc.uint8Array({ minLength: headerBytes, maxLength: headerBytes });
  fc.assert(
    fc.property(bytes, fc.boolean(), (header, magic) => {
      if (magic) header[7] = 0xda;
      const reason = decodeHeader(new DataView(header.buffer), 0, new Frame());
      assert.ok(reason === undefined || reason.length > 0);
    }),
    { numRuns: 2000 },
  );
});

test("a frame that was changed in one place decodes or is refused, and never throws", () => {
  fc.assert(
    fc.property(frame, fc.nat({ max: headerBytes - 1 }), fc.nat({ max: 255 }), (sent, at, value) => {
      const bytes = bytesOf(sent);
      bytes.setUint8(8 + at, value);
      const got = new Frame();
      const reason = decodeHeader(bytes, 8, got);
      if (reason !== undefined) return;
      assert.ok(got.payloadBytes >= 0 && got.payloadBytes <= payloadBytesMax);
      assert.ok(got.start <= got.end && got.end <= pageMax);
      assert.ok(got.dataStart <= got.dataEnd && got.dataEnd <= pageMax);
    }),
    { numRuns: 1000 },
  );
});

/** A sound write of two pages, with something about it made unsound. */
function refusal(change: (bytes: DataView) => void): string | undefined {
  const sent = Object.assign(new Frame(), {
    type: FrameType.write,
    dataStart: 4,
    dataEnd: 6,
    payloadBytes: 2 * pageBytes,
  });
  const bytes = new DataView(new ArrayBuffer(headerBytes));
  encodeHeader(sent, bytes, 0);
  change(bytes);
  return decodeHeader(bytes, 0, new Frame());
}

const refusals: readonly (readonly [RegExp, (bytes: DataView) => void])[] = [
  [/not a dmmap frame/, (bytes) => bytes.setUint8(7, 0x47)],
  [/unknown token mode 3/, (bytes) => bytes.setUint8(5, 3)],
  [/unknown frame type 0/, (bytes) => bytes.setUint8(4, 0)],
  [new RegExp(`unknown frame type ${frameTypeMax + 1}`), (bytes) => bytes.setUint8(4, frameTypeMax + 1)],
  [/shorter than its header/, (bytes) => bytes.setUint32(0, headerBytes - 1, true)],
  [/longer than any may be/, (bytes) => bytes.setUint32(0, headerBytes + payloadBytesMax + 1, true)],
  [/bad page range -1/, (bytes) => bytes.setFloat64(16, -1, true)],
  [/bad page range 0.5/, (bytes) => bytes.setFloat64(16, 0.5, true)],
  [/bad page range NaN/, (bytes) => bytes.setFloat64(16, Number.NaN, true)],
  [/bad page range 2..1/, reversed(16)],
  [/bad page range 0..Infinity/, (bytes) => bytes.setFloat64(24, Number.POSITIVE_INFINITY, true)],
  [/bad page range/, (bytes) => bytes.setFloat64(24, pageMax + 1, true)],
  [/bad data range 2..1/, reversed(32)],
  [/bad data range/, (bytes) => bytes.setFloat64(40, pageMax + 1, true)],
  [/bad epoch -1/, (bytes) => bytes.setFloat64(48, -1, true)],
  [/bad epoch/, (bytes) => bytes.setFloat64(48, 2 ** 53, true)],
  [/bad field 1.5/, (bytes) => bytes.setFloat64(56, 1.5, true)],
  [/257 pages in one frame/, (bytes) => bytes.setFloat64(40, 4 + dataPagesMax + 1, true)],
  [/payload of 8192 bytes for 3 pages/, (bytes) => bytes.setFloat64(40, 7, true)],
  [/payload of 8192 bytes for 2 pages, expected 0/, (bytes) => bytes.setUint8(6, FrameFlag.zero)],
];

function reversed(at: number): (bytes: DataView) => void {
  return (bytes) => {
    bytes.setFloat64(at, 2, true);
    bytes.setFloat64(at + 8, 1, true);
  };
}

for (const [reason, change] of refusals) {
  test(`a header is refused: ${reason.source}`, () => {
    assert.equal(
      refusal(() => undefined),
      undefined,
    );
    assert.match(refusal(change) ?? "taken", reason);
  });
}

test("a frame starts from zeros", () => {
  fc.assert(
    fc.property(frame, (used) => {
      const fresh = Object.assign(new Frame(), { type: FrameType.ping });
      assert.deepEqual(used.reset(FrameType.ping), fresh);
    }),
  );
});
