import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TokenRanges } from "../../src/core/token-ranges.js";
import { type Epoch, Mode, type PageIndex } from "../../src/core/units.js";

/** More than few segments fit in: those are moved another way. */
const pageCount = 80;

/** The same, one entry a page: too slow to ship, too simple to be wrong. */
class PerPage {
  readonly modes: Mode[] = Array.from({ length: pageCount }, () => Mode.none);
  readonly epochs: Epoch[] = Array.from({ length: pageCount }, () => 0);

  set(start: PageIndex, end: PageIndex, mode: Mode, epoch: Epoch): void {
    for (let page = start; page < end; page++) this.#put(page, mode, epoch);
  }

  raise(start: PageIndex, end: PageIndex, mode: Mode, epoch: Epoch): void {
    for (let page = start; page < end; page++) this.#put(page, Math.max(mode, this.modes[page]) as Mode, epoch);
  }

  restrict(start: PageIndex, end: PageIndex, mode: Mode, epochMax: Epoch): void {
    for (let page = start; page < end; page++) {
      if (this.modes[page] > mode && this.epochs[page] <= epochMax) this.#put(page, mode, this.epochs[page]);
    }
  }

  stamp(start: PageIndex, end: PageIndex, epoch: Epoch): void {
    for (let page = start; page < end; page++) if (this.modes[page] !== Mode.none) this.epochs[page] = epoch;
  }

  clear(): void {
    this.set(0, pageCount, Mode.none, 0);
  }

  #put(page: PageIndex, mode: Mode, epoch: Epoch): void {
    this.modes[page] = mode;
    this.epochs[page] = mode === Mode.none ? 0 : epoch;
  }
}

const range = fc
  .tuple(fc.nat({ max: pageCount }), fc.oneof(fc.nat({ max: pageCount }), fc.nat({ max: 3 })), fc.boolean())
  .map(([one, other, isShort]): [number, number] => {
    if (isShort) return [one, Math.min(pageCount, one + (other % 4))];
    return [Math.min(one, other), Math.max(one, other)];
  });
const mode = fc.constantFrom(Mode.none, Mode.read, Mode.write);
const held = fc.constantFrom(Mode.read, Mode.write);
const epoch = fc.integer({ min: 1, max: 6 });

type Change = (ranges: TokenRanges | PerPage) => void;
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(range, mode, epoch).map(
    ([[start, end], to, at]): Change =>
      (ranges) =>
        ranges.set(start, end, to, at),
  ),
  fc.tuple(range, held, epoch).map(
    ([[start, end], to, at]): Change =>
      (ranges) =>
        ranges.raise(start, end, to, at),
  ),
  fc.tuple(range, mode, epoch).map(
    ([[start, end], to, at]): Change =>
      (ranges) =>
        ranges.restrict(start, end, to, at),
  ),
  fc.tuple(range, epoch).map(
    ([[start, end], at]): Change =>
      (ranges) =>
        ranges.stamp(start, end, at),
  ),
  { weight: 1, arbitrary: fc.constant<Change>((ranges) => ranges.clear()) },
);

function compare(ranges: TokenRanges, twin: PerPage): void {
  for (let page = 0; page < pageCount; page++) {
    assert.equal(ranges.modeAt(page), twin.modes[page], `mode at ${page}`);
    assert.equal(ranges.epochAt(page), twin.epochs[page], `epoch at ${page}`);
  }
  for (let index = 0; index < ranges.count; index++) {
    assert.ok(ranges.start(index) < ranges.end(index), "a segment is never empty");
    assert.notEqual(ranges.mode(index), Mode.none);
    if (index === 0) continue;
    const touches = ranges.end(index - 1) === ranges.start(index);
    assert.ok(touches || ranges.end(index - 1) < ranges.start(index), "segments are sorted and disjoint");
    const same = ranges.mode(index - 1) === ranges.mode(index) && ranges.epoch(index - 1) === ranges.epoch(index);
    assert.ok(!(touches && same), "neighbours that say the same are one");
  }
}

function compareQueries(ranges: TokenRanges, twin: PerPage, start: PageIndex, end: PageIndex): void {
  const modes = twin.modes.slice(start, end);
  const gap = modes.includes(Mode.none);
  assert.equal(ranges.weakest(start, end), Math.min(Mode.write, ...modes));
  assert.equal(ranges.strongest(start, end), Math.max(Mode.none, ...modes));
  const newest = gap ? Number.POSITIVE_INFINITY : Math.max(0, ...twin.epochs.slice(start, end));
  assert.equal(ranges.newest(start, end), newest);
  const after = ranges.firstEndingAfter(start);
  assert.ok(after === ranges.count || ranges.end(after) > start);
  assert.ok(after === 0 || ranges.end(after - 1) <= start);
}

/** No page says what its neighbours do. */
const stripes: readonly Change[] = Array.from({ length: pageCount }, (_, page): Change => {
  return (ranges) => ranges.set(page, page + 1, page % 2 === 0 ? Mode.read : Mode.write, 1 + (page % 5));
});

test("token ranges say what a list of pages says, after any changes, of few segments and of many", () => {
  const begun = fc.constantFrom<readonly Change[]>([], stripes, stripes.slice(pageCount / 2));
  fc.assert(
    fc.property(begun, fc.array(change, { maxLength: 30 }), range, (before, changes, [start, end]) => {
      const [ranges, twin] = [new TokenRanges(), new PerPage()];
      for (const apply of [...before, ...changes]) {
        apply(ranges);
        apply(twin);
        compare(ranges, twin);
        if (start < end) compareQueries(ranges, twin, start, end);
      }
    }),
    { numRuns: 500 },
  );
});

test("token ranges are as many as there are boundaries, not pages", () => {
  const ranges = new TokenRanges();
  ranges.set(0, 2 ** 41, Mode.write, 1);
  assert.equal(ranges.count, 1);
  ranges.restrict(1000, 1001, Mode.none, 1);
  assert.equal(ranges.count, 2);
  assert.equal(ranges.modeAt(2 ** 41 - 1), Mode.write);
  ranges.raise(1000, 1001, Mode.write, 1);
  assert.equal(ranges.count, 1);
});

test("token ranges in words", () => {
  const ranges = new TokenRanges();
  assert.equal(ranges.describe(), "none");
  ranges.set(0, 3, Mode.read, 4);
  ranges.set(3, 5, Mode.write, 7);
  assert.equal(ranges.describe(), "read 0..3 @4, write 3..5 @7");
});

test("an empty range changes nothing, and nothing waits for it to end", () => {
  const ranges = new TokenRanges();
  ranges.set(0, 10, Mode.write, 4);
  ranges.restrict(4, 4, Mode.none, 9);
  ranges.raise(4, 4, Mode.read, 9);
  ranges.stamp(4, 4, 9);
  ranges.set(4, 4, Mode.none, 9);
  assert.equal(ranges.describe(), "write 0..10 @4");
});
