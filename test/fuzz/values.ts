import fc from "fast-check";
import { type ByteOffset, type Epoch, fileBytesMax, Mode, type PageIndex, pageMax } from "../../src/core/units.js";

/** Values that a sound header may have: mostly small, so that they meet, and the ends of what is possible. */
export const page: fc.Arbitrary<PageIndex> = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom(pageMax - 1, pageMax, 1023, 1024, 65_536) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: pageMax }) },
);
/** May be empty. */
export const range: fc.Arbitrary<[PageIndex, PageIndex]> = fc
  .tuple(page, page)
  .map(([one, other]) => [Math.min(one, other), Math.max(one, other)]);
export const epoch: fc.Arbitrary<Epoch> = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 49, 2 ** 50, fileBytesMax) },
);
export const sizeBytes: fc.Arbitrary<ByteOffset> = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 9 * 4096 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 4096, 8192, fileBytesMax) },
);
export const mode: fc.Arbitrary<Mode> = fc.constantFrom(Mode.none, Mode.read, Mode.write);
export const node = fc.integer({ min: 1, max: 3 });
export const request = fc.nat({ max: 6 });
