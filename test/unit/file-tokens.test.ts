import assert from "node:assert/strict";
import { test } from "node:test";
import { FileTokens } from "../../src/core/token/file-tokens.js";
import type { TokenPort } from "../../src/core/token/token-port.js";
import { Mode, type PageIndex, pageBytes } from "../../src/core/units.js";

/** A node below a cache that does not always drop at once what it is asked to. */
class Node implements TokenPort {
  readonly tokens = new FileTokens(this, { policy: "optimal", sizeBytes: 10 * pageBytes });
  readonly cached = new Set<PageIndex>();
  readonly keptAbove = new Set<PageIndex>();
  readonly released: string[] = [];
  readonly asked: string[] = [];
  readonly failed: number[] = [];
  requestLast = 0;

  /** It is granted what it has asked for last, or a part of it, with data. */
  granted(start: PageIndex, end: PageIndex, epoch: number, now: number): void {
    this.tokens.onGrant(this.requestLast, Mode.read, start, end, epoch, start, end);
    for (let page = start; page < end; page++)
      if (this.tokens.mayInstall(this.requestLast, page)) this.cached.add(page);
    this.tokens.onData(this.requestLast, end, false, now);
  }

  acquire: TokenPort["acquire"] = (request, mode, start, end) => {
    this.requestLast = request;
    this.asked.push(`${mode} ${start}..${end}`);
  };
  release = (_mode: Mode, start: PageIndex, end: PageIndex) => this.released.push(`${start}..${end}`);
  recall = (_mode: Mode, start: PageIndex, end: PageIndex) =>
    ![...this.keptAbove].some((page) => page >= start && page < end);
  isCached = (page: PageIndex) => this.cached.has(page);
  hasRun = () => true;
  writeBack = () => true;
  fetch = () => undefined;
  resolve = () => undefined;
  retry = () => undefined;
  pinned: TokenPort["pinned"] = () => undefined;
  pinFailed = (pin: number) => this.failed.push(pin);

  nextCached(page: PageIndex, end: PageIndex): PageIndex {
    return Math.min(end, ...[...this.cached].filter((at) => at >= page));
  }

  nextUncached(page: PageIndex, end: PageIndex): PageIndex {
    let at = page;
    while (at < end && this.cached.has(at)) at++;
    return at;
  }

  evict(start: PageIndex, end: PageIndex): void {
    for (let page = start; page < end; page++) this.cached.delete(page);
  }
}

/**
 * A hold that has its tokens keeps a revoke waiting that came after it, until it is over. If it loses one of them to another
 * revoke, it waits itself, at the home behind whoever the first revoke is for: so that must not wait for it any more.
 */
test("R10: a hold that loses a token to a later revoke does not keep an earlier one waiting for ever", () => {
  const node = new Node();
  const { tokens } = node;
  tokens.pin(1, Mode.read, 1, 2, 0);
  node.granted(1, 2, 1, 0);
  tokens.unpin(1, 0);
  node.keptAbove.add(1);
  tokens.pin(2, Mode.read, 3, 4, 0);
  node.granted(3, 4, 2, 1000);
  tokens.unpin(2, 1000, 0); // It was waited for, and is kept until 1500.
  tokens.pin(3, Mode.read, 1, 4, 1000); // It lacks page 2.
  tokens.onRevoke(Mode.none, 3, 4, 2, 4, 1100);
  assert.equal(tokens.deadline, 1500);
  tokens.onRevoke(Mode.none, 1, 2, 2, 2, 1200); // Which the cache above does not drop at once.
  node.granted(2, 3, 3, 1300); // Now it has all it needs; but for what is being dropped.
  tokens.onTime(1500);
  assert.deepEqual(node.released, [], "that waits for the hold, and for the cache above");
  node.keptAbove.clear();
  tokens.onTime(1600);
  assert.deepEqual(node.released, ["1..2", "3..4"]);
});

test("what the home has no room for in its line is asked again after a second, and no pin is told of it", () => {
  const node = new Node();
  const { tokens } = node;
  const asked = ["1 1..2", "2 3..5"];
  tokens.noPage(1, false, 0);
  const ofThread = node.requestLast;
  tokens.pin(1, Mode.write, 3, 5, 0);
  assert.deepEqual(node.asked, asked);
  tokens.onFailed(node.requestLast, 100);
  tokens.onFailed(ofThread, 200);
  tokens.noPage(1, false, 300);
  assert.deepEqual(node.asked, asked, "nobody asks for it meanwhile");
  assert.equal(tokens.deadline, 1_000_100);
  tokens.onTime(1_000_100);
  assert.deepEqual(node.asked, [...asked, "2 3..5"]);
  assert.equal(tokens.deadline, 1_000_200);
  tokens.onTime(1_000_200);
  assert.deepEqual(node.asked, [...asked, "2 3..5", "1 1..2"]);
  assert.equal(tokens.deadline, Number.POSITIVE_INFINITY);
  assert.deepEqual(node.failed, []);
});

/**
 * 1. A program writes, for which its kernel keeps a page locked until the answer. 2. The page is asked back; the kernel cannot drop
 * it before. 3. What the write needs, this page and another one, it gets all the same: the revoke waits for it.
 */
test("R10: an urgent hold is given what is being given up, and asks for the rest ahead of all others", () => {
  const node = new Node();
  const { tokens } = node;
  const asked: string[] = [];
  node.acquire = (request, mode, start, end, ...rest) => {
    node.requestLast = request;
    asked.push(`${mode} ${start}..${end}${rest.at(-1) ? " urgent" : ""}`);
  };
  const pinned: number[] = [];
  node.pinned = (pin) => void pinned.push(pin);
  tokens.pin(1, Mode.read, 1, 2, 0);
  node.granted(1, 2, 1, 0);
  tokens.unpin(1, 0);
  node.keptAbove.add(1);
  tokens.onRevoke(Mode.none, 1, 2, 1, 2, 100);
  tokens.pin(2, Mode.read, 1, 2, 200);
  tokens.pin(3, Mode.read, 1, 2, 300, true, true);
  assert.deepEqual(pinned.splice(0), [1, 3], "what is not urgent waits until the revoke is answered");
  tokens.pin(4, Mode.read, 1, 3, 400);
  tokens.pin(5, Mode.read, 1, 3, 500, true, true);
  assert.deepEqual(asked, ["1 1..2", "1 1..3", "1 1..3 urgent"], "what is asked for already would come too late");
  node.granted(1, 3, 2, 600);
  assert.deepEqual(pinned, [5]);
  for (const pin of [3, 5]) tokens.unpin(pin, 700);
  assert.deepEqual(node.released, [], "the cache above has not dropped it");
  node.keptAbove.clear();
  tokens.onTime(800);
  assert.deepEqual(node.released, ["1..2"]);
});
