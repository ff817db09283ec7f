import assert from "node:assert/strict";
import fc from "fast-check";
import { FileTokens } from "../../src/core/token/file-tokens.js";
import type { TokenPort } from "../../src/core/token/token-port.js";
import { Mode, type PageIndex, type Policy, pageEndAt } from "../../src/core/units.js";
import { dataPagesMax } from "../../src/core/wire/frame.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { epoch, mode, page, range, request, sizeBytes } from "./values.js";

const more = fc.boolean();

const input = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constantFrom("load", "store", "touched"), page }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("grant"), request, mode, range, epoch, data: range, page, more }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("data"), request, data: range, more }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("revoke"), mode, range, epoch, page }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("resize"), sizeBytes, epoch }) },
  fc.record({ op: fc.constant("failure"), request }),
  fc.record({ op: fc.constantFrom("hold", "prefetch"), request, mode: fc.constantFrom(Mode.read, Mode.write), range }),
  fc.record({ op: fc.constant("unpin"), request }),
  fc.record({ op: fc.constantFrom("giveBack", "evict"), range }),
  fc.record({ op: fc.constantFrom("full", "room", "kept", "dropped", "later", "reset", "close") }),
  fc.record({ op: fc.constant("reclaimed"), sizeBytes, epoch }),
);
type Input = Record<string, unknown> & { op: string };

/** The node's side: whatever its home says, in whatever order. */
export const tokensTarget: FuzzTarget<Input> = {
  name: "file-tokens",
  input,
  run: (inputs, note) => {
    for (const policy of ["simple", "optimal"] as const) new Run(policy, note).all(inputs);
  },
};

class Run implements TokenPort {
  readonly #note: (what: string) => void;
  readonly #tokens: FileTokens;
  readonly #cached = new Set<PageIndex>();
  #said: string[] = [];
  #isFull = false;
  /** The cache above cannot drop anything yet. */
  #isKeptAbove = false;
  #now = 0;
  #sizeBytes = 40_960;

  constructor(policy: Policy, note: (what: string) => void) {
    this.#note = note;
    this.#tokens = new FileTokens(this, { policy, sizeBytes: this.#sizeBytes });
  }

  acquire = () => this.#said.push("acquire");
  fetch = () => this.#said.push("fetch");
  release = () => this.#said.push("release");
  isCached = (at: PageIndex) => this.#cached.has(at);
  hasRun = () => true;
  recall = () => !this.#isKeptAbove;
  retry = () => this.#said.push("retry");
  pinned = () => this.#said.push("pinned");
  pinFailed = () => this.#said.push("pin failed");
  writeBack = () => !this.#isFull;

  nextCached(from: PageIndex, end: PageIndex): PageIndex {
    return Math.min(end, ...[...this.#cached].filter((at) => at >= from));
  }

  nextUncached(from: PageIndex, end: PageIndex): PageIndex {
    let at = from;
    while (at < end && this.#cached.has(at)) at++;
    return at;
  }

  resolve(at: PageIndex, write: boolean): void {
    assert.ok(this.#cached.has(at), "threads are let on at pages that are cached");
    assert.ok(this.#tokens.modeAt(at) >= (write ? Mode.write : Mode.read), "R1: under the token for it");
    this.#said.push("resolve");
  }

  evict(start: PageIndex, end: PageIndex): void {
    for (const at of [...this.#cached]) if (at >= start && at < end) this.#cached.delete(at);
  }

  all(inputs: readonly Input[]): void {
    for (const one of inputs) {
      this.#said = [];
      this.#take(one);
      this.#note(`${one.op} → ${[...new Set(this.#said)].toSorted().join("+")} ${this.#tokens.isAsked}`);
      for (const at of this.#cached) assert.ok(this.#tokens.modeAt(at) >= Mode.read, `R1: page ${at} under a token`);
      assert.ok(this.#tokens.heldCount <= 3 * inputs.length + 3, "memory is bounded by what was said");
      assert.ok(this.#tokens.describe().length > 0);
    }
  }

  #drop(): void {
    this.#isKeptAbove = false;
    this.#tokens.onTime(this.#now);
  }

  #take(one: Input): void {
    const tokens = this.#tokens;
    const [asked, at, now] = [Number(one.request), Number(one.page), ++this.#now];
    const [start, end] = (one.range ?? [0, 0]) as [PageIndex, PageIndex];
    if (one.op === "load" || one.op === "store") this.#fault(at, one.op === "store");
    else if (one.op === "touched") tokens.touched(at, now);
    else if (one.op === "grant") {
      const [dataStart, dataEnd] = one.data as [PageIndex, PageIndex];
      tokens.onGrant(asked, one.mode as Mode, start, end, Number(one.epoch), dataStart, Math.max(dataEnd, at));
      this.#data(one);
    } else if (one.op === "data") this.#data(one);
    else if (one.op === "revoke") tokens.onRevoke(one.mode as Mode, start, end, Number(one.epoch), at, now);
    else if (one.op === "resize") {
      this.#cut(Number(one.sizeBytes));
      tokens.onResize(this.#sizeBytes, Number(one.epoch), now);
    } else if (one.op === "failure") tokens.onFailed(asked, now);
    else if (one.op === "unpin") tokens.unpin(asked, now, asked % 2 === 0 ? now - 100 : undefined);
    else if (start < end) this.#useRange(one, start, end);
    else this.#end(one);
  }

  #useRange(one: Input, start: PageIndex, end: PageIndex): void {
    const [tokens, now] = [this.#tokens, this.#now];
    if (one.op === "hold") tokens.pin(Number(one.request), one.mode as Mode, start, end, now);
    else if (one.op === "prefetch") tokens.prefetch(Number(one.request), one.mode as Mode, start, end, now);
    else if (one.op === "giveBack") tokens.giveBack(start, end, now);
    else if (!tokens.isPinned(start, end)) {
      this.evict(start, end);
      tokens.evicted(start, end);
    }
  }

  #end({ op, epoch: at, sizeBytes: size }: Input): void {
    const [tokens, now] = [this.#tokens, this.#now];
    if (op === "full") this.#isFull = true;
    else if (op === "kept") this.#isKeptAbove = true;
    else if (op === "dropped") this.#drop();
    else if (op === "later") tokens.onTime((this.#now += 2_000_000));
    else if (op === "close") tokens.unpinAll(now);
    else if (op === "reclaimed") {
      this.#cut(Number(size));
      tokens.onReclaimed(this.#sizeBytes, Number(at), now);
    } else if (op === "reset") {
      this.#cached.clear();
      tokens.reset(this.#sizeBytes);
    } else {
      this.#isFull = false;
      tokens.onTime(now);
    }
  }

  #fault(at: PageIndex, isStore: boolean): void {
    if (at >= pageEndAt(this.#sizeBytes)) return; // The page cache's business.
    if (!this.#cached.has(at)) this.#tokens.noPage(at, isStore, this.#now);
    else if (isStore) this.#tokens.wpPage(at, this.#now);
  }

  #data(one: Input): void {
    const [start, last] = one.data as [PageIndex, PageIndex];
    const end = Math.min(last, start + dataPagesMax); // Of any one frame.
    for (let at = start; at < Math.min(end, pageEndAt(this.#sizeBytes)); at++) {
      if (this.#tokens.mayInstall(Number(one.request), at)) this.#cached.add(at);
    }
    this.#tokens.onData(Number(one.request), end, one.more === true, this.#now);
  }

  #cut(size: number): void {
    this.#sizeBytes = size;
    this.evict(pageEndAt(size), Number.POSITIVE_INFINITY);
  }
}
