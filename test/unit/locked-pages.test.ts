import assert from "node:assert/strict";
import { test } from "node:test";
import { LockedPages } from "../../src/core/token/locked-pages.js";
import { Mode } from "../../src/core/units.js";

/** One page, its token here or elsewhere; what is brought comes at once. */
class Stage {
  readonly done: string[] = [];
  isHere = false;
  epoch = 0;
  readonly pages = new LockedPages({
    epoch: () => this.epoch,
    allows: () => this.isHere,
    bring: (_mode, start, end) => {
      this.done.push(`bring ${start}..${end}`);
      this.pages.acquired(Mode.write, start, end);
      this.grant();
    },
    giveBack: (start, end) => {
      this.done.push(`give ${start}..${end}`);
      this.isHere = false;
    },
  });

  /** A program locks, touches the page, and unlocks. */
  section(touches = true): void {
    this.pages.locked();
    if (touches) this.touch();
    this.pages.unlocked(true);
  }

  touch(): void {
    this.pages.used(7, 8);
    if (this.isHere) return;
    this.pages.acquired(Mode.write, 7, 8);
    this.grant();
  }

  /** Another node has the page for a while. */
  take(): void {
    this.isHere = false;
    this.epoch++;
  }

  wanted(): string[] {
    return this.pages.wanted().map(({ mode, start, end }) => `${mode} ${start}..${end}`);
  }

  said(): string[] {
    return this.done.splice(0);
  }

  grant(): void {
    this.epoch++;
    this.isHere = true;
    this.pages.granted(7, 8, this.epoch);
  }
}

/** The page is taken after each lock. */
function contended(): Stage {
  const stage = new Stage();
  for (let count = 0; count < 3; count++) {
    stage.section();
    stage.take();
  }
  stage.said();
  return stage;
}

test("pages that others take between two locks come with the lock, and soon go with the unlock", () => {
  const stage = new Stage();
  stage.section();
  assert.deepEqual(stage.said(), [], "nothing is known yet");
  stage.take();
  stage.section();
  assert.deepEqual(stage.said(), ["bring 7..8"]);
  stage.take();
  stage.section();
  assert.deepEqual(stage.said(), ["bring 7..8", "give 7..8"]);
  stage.take();
  stage.section();
  assert.deepEqual(stage.said(), ["bring 7..8", "give 7..8"]);
});

test("what was given back in vain is kept the next time", () => {
  const stage = contended();
  stage.section();
  assert.deepEqual(stage.said(), ["bring 7..8", "give 7..8"]);
  stage.section(); // Nobody has had it meanwhile.
  assert.deepEqual(stage.said(), ["bring 7..8"]);
  stage.section();
  assert.deepEqual(stage.said(), []);
});

test("what a program needs again without another lock is kept the next time", () => {
  const stage = contended();
  stage.pages.locked();
  stage.pages.locked();
  stage.touch();
  stage.pages.unlocked(false);
  assert.deepEqual(stage.said(), ["bring 7..8", "give 7..8"]);
  stage.touch();
  stage.pages.unlocked(true);
  assert.deepEqual(stage.said(), []);
});

test("what nobody wants any more stays where it is", () => {
  const stage = contended();
  stage.section();
  stage.take();
  for (let count = 0; count < 4; count++) stage.section();
  stage.said();
  stage.section();
  assert.deepEqual(stage.said(), []);
});

test("what programs do not touch under the lock any more is neither brought nor given", () => {
  const stage = contended();
  for (let count = 0; count < 8; count++) {
    stage.section(false);
    stage.take();
  }
  stage.said();
  stage.section(false);
  assert.deepEqual(stage.said(), []);
});

test("what is touched without a lock, and long stretches, are not remembered", () => {
  const stage = new Stage();
  stage.touch();
  stage.take();
  stage.pages.locked();
  assert.deepEqual(stage.said(), []);
  stage.pages.acquired(Mode.write, 0, 100);
  stage.pages.unlocked(true);
  stage.pages.locked();
  assert.deepEqual(stage.said(), []);
});

test("pages that were taken once, and then no more, have to be taken anew before they are given", () => {
  const stage = new Stage();
  stage.section();
  stage.take();
  for (let count = 0; count < 4; count++) stage.section();
  stage.take();
  stage.said();
  stage.section();
  assert.deepEqual(stage.said(), ["bring 7..8"]);
});

test("what is needed again under a lock that goes on is kept the next time, though others had it meanwhile", () => {
  const stage = contended();
  stage.pages.locked();
  stage.touch();
  stage.pages.unlocked(false);
  assert.deepEqual(stage.said(), ["bring 7..8", "give 7..8"]);
  stage.take();
  stage.touch();
  stage.pages.unlocked(true);
  assert.deepEqual(stage.said(), []);
});

test("of many runs of pages the last ones are remembered", () => {
  const brought: number[] = [];
  const bring = (_mode: Mode, start: number) => brought.push(start);
  const pages = new LockedPages({ epoch: () => 0, allows: () => false, bring, giveBack: () => undefined });
  pages.locked();
  for (let page = 100; page < 120; page += 2) pages.acquired(Mode.write, page, page + 1);
  pages.unlocked(true);
  pages.locked();
  assert.deepEqual(brought, [104, 106, 108, 110, 112, 114, 116, 118]);
});

test("what was brought in vain is not given back with the unlock: it is kept, should it be touched yet", () => {
  const stage = contended();
  stage.section(false);
  assert.deepEqual(stage.said(), ["bring 7..8"]);
});

test("what is not here is asked for with the lock; what goes with the unlock is told before", () => {
  const stage = contended();
  assert.deepEqual(stage.wanted(), ["2 7..8"]);
  stage.grant();
  stage.pages.locked();
  assert.deepEqual(stage.said(), [], "it came with the lock");
  assert.deepEqual([...stage.pages.leaving()], [], "not touched yet");
  stage.touch();
  assert.deepEqual(stage.wanted(), [], "it is here");
  assert.equal([...stage.pages.leaving()].length, 1);
  stage.pages.unlocked(true);
  assert.deepEqual(stage.said(), ["give 7..8"]);
  assert.deepEqual([...stage.pages.leaving()], []);
});

test("each question has a number of its own, apart from those of the token machine", () => {
  const stage = contended();
  const numbers = new Set(Array.from({ length: 5 }, () => stage.pages.wanted()[0].request));
  assert.equal(numbers.size, 5);
  assert.ok([...numbers].every((number) => number > 2 ** 31 && number < 2 ** 32));
});
