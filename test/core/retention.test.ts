import assert from "node:assert/strict";
import { test } from "node:test";
import { DutyNumbers } from "../../src/core/token/duty-numbers.js";
import { Retention, type RetentionPort } from "../../src/core/token/retention.js";
import { pageMax } from "../../src/core/units.js";

const pageBytes = 4096;

/** A node's cache of one byte a page, its attic, and what it sent. */
class Stage implements RetentionPort {
  readonly sent: string[] = [];
  readonly cache = new Map<number, string>();
  readonly dirty = new Set<number>();
  readonly attic = new Map<number, string>();
  readonly retention = new Retention(this);
  takenDuty = 0;
  room = Number.POSITIVE_INFINITY;
  #goOn: (() => void)[] = [];
  #slot = 0;
  #duty = 0;

  isCached = (page: number) => this.cache.has(page);
  nextDirty = (page: number, end: number) => this.#next(page, end, (at) => this.dirty.has(at));
  nextClean = (page: number, end: number) => this.#next(page, end, (at) => !this.dirty.has(at));
  nextDuty = () => ++this.#duty;
  seenDuty = () => ++this.#duty;
  hasRoom = () => this.room > 0;

  markDirty(start: number, end: number): void {
    for (let page = start; page < end; page++) this.dirty.add(page);
  }

  evict(start: number, end: number): void {
    for (const page of [...this.cache.keys()]) {
      if (page < start || page >= end) continue;
      this.cache.delete(page);
      this.dirty.delete(page);
    }
  }

  keep(page: number): number {
    this.attic.set(++this.#slot, this.cache.get(page) ?? "nothing");
    return this.#slot;
  }

  free(slot: number): void {
    assert.ok(this.attic.delete(slot), "a slot is freed once");
  }

  cut(slot: number, keepBytes: number): void {
    this.attic.set(slot, `${this.attic.get(slot)} cut to ${keepBytes}`);
  }

  onRoom(goOn: () => void): void {
    this.#goOn.push(goOn);
  }

  restore(page: number, version: number, duty: number, slot: number): void {
    this.room--;
    this.sent.push(`${page} @${version} !${duty} ${slot < 0 ? this.cache.get(page) : this.attic.get(slot)}`);
  }

  /** The program stores, and it is written back. */
  write(page: number, bytes: string): void {
    this.cache.set(page, bytes);
    this.retention.wrote(page, page + 1);
  }

  receive(page: number, bytes: string, unstable = true): void {
    this.cache.set(page, bytes);
    this.retention.received(page, page + 1, unstable);
  }

  leave(page: number, epoch: number): void {
    this.retention.leaving(page, page + 1, epoch);
    this.evict(page, page + 1);
  }

  makeRoom(pages: number): void {
    this.room = pages;
    for (const goOn of this.#goOn.splice(0)) goOn();
  }

  /** All that is sent again to a home that may have lost it. */
  restored(epoch = 9): string[] {
    this.sent.length = 0;
    let isOver = false;
    this.retention.restore(epoch, () => (isOver = true));
    assert.ok(isOver);
    return this.sent.toSorted();
  }

  drop(start: number, end: number): string[] {
    const lost: string[] = [];
    this.retention.drop(start, end, (from, to) => lost.push(`${from}..${to}`));
    return lost;
  }

  #next(page: number, end: number, is: (page: number) => boolean): number {
    for (let at = page; at < Math.min(end, 100); at++) if (is(at)) return at;
    return end;
  }
}

test("R20: what was handed over is sent again, from the cache, or from the attic once it has left that", () => {
  const stage = new Stage();
  stage.write(1, "one");
  stage.write(2, "two");
  stage.leave(2, 5);
  assert.deepEqual(stage.restored(9), ["1 @9 !1 one", "2 @5 !2 two"]);
  stage.write(2, "two again");
  assert.deepEqual(stage.restored(9), ["1 @9 !1 one", "2 @9 !3 two again"]);
  assert.equal(stage.attic.size, 0, "an older copy is nobody's duty");
});

test("R20: what came unstable is sent again, from the attic when it has left the cache, until it is stable", () => {
  const stage = new Stage();
  stage.receive(1, "theirs");
  assert.deepEqual(stage.restored(9), ["1 @9 !1 theirs"]);
  stage.leave(1, 5);
  assert.deepEqual(stage.restored(9), ["1 @5 !1 theirs"]);
  stage.retention.synced(stage.retention.beginSync());
  assert.deepEqual(stage.restored(9), []);
  assert.equal(stage.attic.size, 0);
});

test("R20: what comes takes the place of what was kept of the page, be it stable or not", () => {
  const stage = new Stage();
  for (const page of [0, 1, 2]) {
    stage.write(page, "own");
    stage.leave(page, 3);
  }
  stage.receive(0, "newer, stable", false);
  stage.receive(1, "newer, unstable");
  assert.deepEqual(stage.restored(9), ["1 @9 !4 newer, unstable", "2 @3 !3 own"]);
  assert.equal(stage.attic.size, 1);
});

test("R20: a sync ends the duty for what came before it, and for nothing else", () => {
  const stage = new Stage();
  stage.write(1, "before");
  stage.leave(1, 3);
  stage.receive(2, "before too");
  const sync = stage.retention.beginSync();
  stage.write(3, "after");
  const later = stage.retention.beginSync();
  stage.write(4, "later");
  stage.retention.synced(sync);
  assert.deepEqual(stage.restored(), ["3 @9 !3 after", "4 @9 !4 later"]);
  assert.equal(stage.attic.size, 0);
  stage.retention.synced(later);
  assert.deepEqual(stage.restored(), ["4 @9 !4 later"]);
  stage.retention.synced(sync);
  assert.deepEqual(stage.restored(), ["4 @9 !4 later"], "an old answer ends nothing");
});

test("R5, R7: what lies beyond the end of the file is nobody's, nor the tail of its last page", () => {
  const stage = new Stage();
  for (const page of [0, 1, 2]) stage.write(page, `page ${page}`);
  stage.leave(1, 3);
  stage.leave(2, 3);
  stage.retention.onResize(1.5 * pageBytes);
  assert.deepEqual(stage.restored(), ["0 @9 !1 page 0", "1 @3 !2 page 1 cut to 2048"]);
});

test("R15: what is lost is reported: dirty pages, and those sent that the home may never have got", () => {
  const stage = new Stage();
  for (const page of [0, 1, 2, 3]) stage.write(page, "sent");
  const losses = stage.retention.losses.listener();
  stage.markDirty(5, 7);
  for (const page of [5, 6]) stage.cache.set(page, "dirty");
  stage.takenDuty = 2;
  assert.deepEqual(stage.drop(0, 6), ["2..4", "5..6"]);
  assert.deepEqual([...stage.cache.keys()], [6]);
  assert.deepEqual(stage.restored(), []);
  assert.equal(losses.take(), true);
  assert.equal(losses.take(), false, "once");
  assert.deepEqual(stage.drop(0, 6), []);
  assert.equal(losses.take(), false);
});

test("R20: a restore goes at the pace of its connection, to its end", () => {
  const stage = new Stage();
  for (const page of [0, 1, 2]) stage.write(page, "bytes");
  stage.room = 1;
  let isOver = false;
  stage.retention.restore(9, () => (isOver = true));
  assert.equal(stage.sent.length, 1);
  stage.makeRoom(1);
  assert.equal(stage.sent.length, 2);
  assert.equal(isOver, false);
  stage.makeRoom(5);
  assert.equal(stage.sent.length, 3);
  assert.equal(isOver, true);
});

test("R20: a restore does not go on over the next connection, least of all in another session", () => {
  const stage = new Stage();
  for (const page of [0, 1, 2]) stage.write(page, "bytes");
  stage.room = 1;
  let ends = 0;
  stage.retention.restore(9, () => ends++);
  stage.drop(0, pageMax);
  stage.retention.clear();
  stage.cache.set(1, "another session's");
  stage.makeRoom(10);
  assert.equal(stage.sent.length, 1);
  assert.equal(ends, 0);
});

test("R20: two restores of one connection after the other do not mix", () => {
  const stage = new Stage();
  for (const page of [0, 1, 2]) stage.write(page, "bytes");
  stage.room = 1;
  const ended: string[] = [];
  stage.retention.restore(8, () => ended.push("first"));
  stage.retention.cancelRestore();
  stage.room = 10;
  stage.retention.restore(9, () => ended.push("second"));
  stage.makeRoom(10);
  assert.deepEqual(ended, ["second"]);
  assert.deepEqual(stage.sent.slice(1), ["0 @9 !1 bytes", "1 @9 !2 bytes", "2 @9 !3 bytes"]);
});

test("R15: own stores that came back with an unstable page are reported; what others stored is not", () => {
  const stage = new Stage();
  for (const page of [1, 2]) stage.write(page, "own");
  stage.leave(1, 3);
  stage.cache.set(0, "theirs").set(1, "own").set(3, "theirs");
  stage.retention.received(0, 4, true);
  assert.deepEqual(stage.drop(0, 10), ["1..3"]);
});

test("R20: a page that leaves the cache while its restore waits for room is sent from the attic", () => {
  const stage = new Stage();
  stage.write(0, "own");
  stage.write(1, "own, too");
  stage.receive(2, "theirs");
  stage.room = 1;
  stage.retention.restore(9, () => undefined);
  stage.leave(1, 6);
  stage.leave(2, 6);
  stage.makeRoom(10);
  assert.deepEqual(stage.sent, ["0 @9 !1 own", "1 @9 !2 own, too", "2 @9 !3 theirs"]);
});

test("what could not be made durable is dirty again where it is still cached and may be written", () => {
  const stage = new Stage();
  for (const page of [0, 1, 2]) stage.write(page, "bytes");
  stage.receive(3, "theirs");
  stage.leave(2, 5);
  stage.retention.sendAgain((page) => page !== 1);
  assert.deepEqual([...stage.dirty], [0]);
});

test("a lost session keeps no copies, neither in the cache nor in the attic", () => {
  const stage = new Stage();
  for (const page of [1, 2]) stage.write(page, "own");
  stage.leave(2, 3);
  stage.retention.clear();
  assert.ok(stage.retention.isEmpty);
  assert.equal(stage.attic.size, 0);
});

test("R20: pages that were seen share a number until the home has been told of it; each write has its own", () => {
  const duties = new DutyNumbers();
  assert.deepEqual([duties.seen(), duties.seen()], [1, 1]);
  assert.equal(duties.tell(), 1);
  assert.deepEqual([duties.seen(), duties.next(), duties.next()], [2, 3, 4]);
  assert.deepEqual([duties.seen(), duties.last, duties.seen()], [5, 5, 5]);
});
