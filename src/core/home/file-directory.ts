import { assert } from "../assert.js";
import { TokenRanges } from "../token-ranges.js";
import { type ByteOffset, type Epoch, Mode, type NodeId, type PageIndex, type Policy, pageMax } from "../units.js";
import type { WantedPages } from "../wire/lock-frame.js";
import { type DirectoryPort, noRequest } from "./directory-port.js";
import { GrantRange } from "./grant-range.js";
import {
  assertAlone,
  type DirectorySegment,
  describeHolder,
  forgetAnswered,
  forgetCrossed,
  forgetNewClaims,
  type Holder,
  isUnclaimed,
  mayBeOffered,
  newHolder,
  nextWritten,
  segmentCountOf,
  segmentsOf,
} from "./holder.js";
import { ResizeQueue } from "./resize-queue.js";
import { asked, describeWaiter, needsConflict, offered, type Waiter } from "./waiter.js";

/**
 * One file's directory: who holds which token, who waits, and how large the file is. Pure: it acts through its port.
 *
 * Every input only changes state; then `#pump` looks at the line and does what is now legal. The line is first come,
 * first served per range: a waiter is passed only by waiters that do not conflict with it, so nobody starves (R10).
 */
export class FileDirectory {
  readonly #port: DirectoryPort;
  readonly #policy: Policy;
  readonly #holders = new Map<NodeId, Holder>();
  readonly #resizes: ResizeQueue;
  /** Of the grant being made. */
  readonly #range = new GrantRange();
  /** The home has restarted and forgotten who holds what: nothing is granted until the nodes have said so. */
  #isRecovering: boolean;
  #line: Waiter[] = [];
  #epoch: Epoch = 0;

  constructor(port: DirectoryPort, options: { policy: Policy; sizeBytes: ByteOffset; recovering?: boolean }) {
    this.#port = port;
    this.#policy = options.policy;
    this.#isRecovering = options.recovering ?? false;
    this.#resizes = new ResizeQueue(port, options.sizeBytes);
  }

  get sizeBytes(): ByteOffset {
    return this.#resizes.sizeBytes;
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  get waiterCount(): number {
    return this.#line.length;
  }

  get openCount(): number {
    return this.#holders.size;
  }

  isOpen(node: NodeId): boolean {
    return this.#holders.has(node);
  }

  open(node: NodeId): void {
    if (this.#holders.has(node)) return; // One node has a file open once, however many maps its program made.
    this.#holders.set(node, newHolder());
  }

  /** The node has closed the file, or is fenced: all it held is free, all it waited for is forgotten. */
  close(node: NodeId): void {
    this.#holders.delete(node);
    this.#line = this.#line.filter((waiter) => waiter.node !== node);
    if (this.#resizes.left(node)) this.#startResizes();
    this.#pump();
  }

  acquire(
    node: NodeId,
    request: number,
    mode: Mode,
    needStart: PageIndex,
    needEnd: PageIndex,
    wantStart: PageIndex,
    wantEnd: PageIndex,
    windowEnd: PageIndex,
    needsData: boolean,
    isUrgent = false,
  ): void {
    const holder = this.#holders.get(node);
    assert(holder !== undefined, "only a node that has the file open acquires");
    assert(mode !== Mode.none && needStart < needEnd, "an acquire names a mode and a range");
    if (!holder.isHeard) this.recovered(node); // It has opened the file anew.
    const pages = { needStart, needEnd, wantStart, wantEnd, windowEnd, needsData };
    const waiter = asked(this.#policy, node, request, mode, pages);
    if (isUrgent) this.#line.unshift(waiter);
    else this.#line.push(waiter);
    if (isUrgent) this.#pump();
    else this.#serveLast();
  }

  /**
   * The node is about to want these pages, since it has been given the lock that protects them, or has opened the file: they are
   * granted if nobody stands in the way. Else nothing happens, and it asks when it does want them. Data go only to who holds none
   * of them (R9):
   *
   * 1. A may write page 1, not page 2. It is offered both, and page 1 is read for it. 2. A's store to page 1 is written back,
   * and the page evicted. 3. The offer arrives, with page 1 as it was before.
   */
  offer(node: NodeId, { request, mode, start, end }: WantedPages): void {
    const holder = this.#holders.get(node);
    if (!mayBeOffered(holder) || this.#isRecovering || this.#policy === "simple") return;
    const weakest = holder.tokens.weakest(start, end);
    const holdsNone = holder.tokens.strongest(start, end) === Mode.none;
    if (weakest >= mode || (weakest === Mode.none && !holdsNone)) return;
    const waiter = offered(node, { request, mode, start, end }, holdsNone);
    const last = this.#line.length;
    if (!this.#mustQueue(waiter, last) && !this.#askHolders(waiter, false)) this.#grant(waiter, last, last);
  }

  /** The node keeps at most `mode` on the range. Grants above `epoch` overtook this message and stand (R9). */
  release(node: NodeId, mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch): void {
    const holder = this.#holders.get(node);
    if (holder === undefined) return; // Closed or fenced meanwhile: it holds nothing anyway.
    holder.tokens.restrict(start, end, mode, epoch);
    // Given up between its claim and the end of its claims, by a node that keeps to no order: it is not to have it again.
    holder.claims?.restrict(start, end, mode, Number.POSITIVE_INFINITY);
    forgetAnswered(holder, start, end);
    this.#pump(start, end);
  }

  /** As `truncate`, but never cuts. */
  extend(node: NodeId, request: number, sizeBytes: ByteOffset): void {
    this.truncate(node, request, sizeBytes, true);
  }

  truncate(node: NodeId, request: number, sizeBytes: ByteOffset, onlyGrows = false): void {
    this.#resizes.push(node, request, sizeBytes, onlyGrows);
    this.#startResizes();
  }

  /**
   * A node has made the file longer, where that was left to it, and lives by that size. One that says so when it is back after a
   * restart may not be alone any more: then the others hear of it, at the end of recovery. What the store refuses is undone.
   *
   * @returns what the store has against it
   */
  grown(node: NodeId, sizeBytes: ByteOffset): unknown {
    const mayGrow = this.#isRecovering || this.mayLeaveSizeTo(node);
    const error = mayGrow ? this.#resizes.grow(sizeBytes) : this.extend(node, noRequest, sizeBytes);
    if (this.#isRecovering || error !== undefined) this.#resizes.announce();
    this.#startResizes();
    return error;
  }

  /** Whether nobody but this node has to do with the file's size. */
  mayLeaveSizeTo(node: NodeId): boolean {
    return this.#holders.size === 1 && this.#holders.has(node) && !this.#isRecovering && !this.#resizes.hasWaiting;
  }

  /**
   * The node is back, and has said all that it holds. Of this file, if it has said nothing, it has not heard that it has it open: so it
   * holds nothing of what it was offered with the answer, nor was it asked for that. Nor may it have heard of a change of size.
   */
  recovered(node: NodeId): void {
    const holder = this.#holders.get(node);
    if (holder === undefined) return;
    if (!holder.isHeard) this.#holders.set(node, newHolder());
    this.#pump();
    this.#resizes.remind(node);
  }

  /** The node lives by the size of this epoch. */
  resized(node: NodeId, epoch: Epoch): void {
    if (!this.#resizes.answered(node, epoch)) return;
    this.#startResizes();
    this.#pump();
  }

  /** The connection is lost and the lease still runs: what is held stays held; what was asked will be asked again. */
  disconnected(node: NodeId): void {
    const holder = this.#holders.get(node);
    if (holder === undefined) return;
    holder.isHeard = false;
    holder.claims = undefined;
    this.#line = this.#line.filter((waiter) => waiter.node !== node);
    this.#pump();
  }

  /**
   * A node that is back says what it holds: a part of what this directory knows of it, or, after a restart, whatever does
   * not conflict with what others say. @returns false when that cannot be: the node has lost the range.
   */
  claim(node: NodeId, mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch): boolean {
    const holder = this.#holders.get(node);
    assert(holder !== undefined, "only a node that has the file open claims");
    holder.claims ??= new TokenRanges();
    const sound = this.#isRecovering
      ? isUnclaimed(this.#holders, node, mode, start, end)
      : holder.tokens.weakest(start, end) >= mode && epoch <= this.#epoch;
    if (!sound) return false;
    holder.claims.set(start, end, mode, epoch);
    this.#epoch = Math.max(this.#epoch, epoch);
    return true;
  }

  /**
   * The node has claimed all it holds, and has been told so, with the size of now; what is asked of it from here on comes behind that.
   * Grants and revokes that it never saw are void. It has heard of no later epoch than this. After a restart the epochs go on behind the
   * latest that any survivor has heard of, held or not: a release of a survivor must not reach beyond the grants that it has seen (R9).
   */
  endClaims(node: NodeId, epoch: Epoch): void {
    const holder = this.#holders.get(node);
    assert(holder !== undefined, "only a node that has the file open claims");
    if (this.#isRecovering) this.#epoch = Math.max(this.#epoch, epoch);
    holder.isHeard = true;
    holder.tokens = holder.claims ?? new TokenRanges();
    holder.claims = undefined;
    holder.revokes = [];
    this.#line = this.#line.filter((waiter) => waiter.node !== node);
    this.#resizes.remind(node);
    this.#pump();
  }

  /** Everybody who survived has claimed, or has lost their chance: grants go on. */
  endRecovery(): void {
    this.#isRecovering = false;
    for (const holder of this.#holders.values()) forgetNewClaims(holder);
    this.#startResizes();
    this.#pump();
  }

  mayWrite(node: NodeId, start: PageIndex, end: PageIndex): boolean {
    return this.#holders.get(node)?.tokens.weakest(start, end) === Mode.write;
  }

  /** The first page in [start, end) that another node than this may be storing to; `end` when none is. */
  nextWritten(node: NodeId, start: PageIndex, end: PageIndex): PageIndex {
    return nextWritten(this.#holders, node, start, end);
  }

  mayFetch(node: NodeId, start: PageIndex, end: PageIndex): boolean {
    return (this.#holders.get(node)?.tokens.weakest(start, end) ?? Mode.none) >= Mode.read;
  }

  /**
   * What has been asked of the node longest ago and is not answered, a revoke or a new size; undefined when nothing is. The
   * same object for as long as it is the same question, so that whoever has a clock can tell how long it has been one.
   */
  unanswered(node: NodeId): object | undefined {
    return this.#holders.get(node)?.revokes[0] ?? this.#resizes.unanswered(node);
  }

  /** How many segments the directory has: its memory follows this number. */
  get segmentCount(): number {
    return segmentCountOf(this.#holders);
  }

  segments(): Generator<DirectorySegment> {
    return segmentsOf(this.#holders);
  }

  /** One line for people: who holds what and was asked to give it back, who waits, what size is coming. */
  describe(): string {
    const holders = [...this.#holders].map(describeHolder);
    const line = this.#line.map(describeWaiter);
    return `${holders.join("; ") || "nobody"}; line ${line.join(", ") || "empty"}; ${this.#resizes.describe()} @${this.#epoch}`;
  }

  /**
   * Grants along the line for as long as nobody conflicts; asks the holders who do to give way. Only who needs a page of [start, end),
   * where something has changed, or of what is granted meanwhile: to look at all who wait at each release would take hours.
   */
  #pump(start: PageIndex = 0, end: PageIndex = pageMax): void {
    if (this.#isRecovering) return;
    const line = this.#line;
    let [from, to, kept] = [start, end, 0];
    for (let index = 0; index < line.length; index++) {
      const waiter = line[index];
      const { needStart, needEnd } = waiter;
      if (needEnd <= from || needStart >= to || this.#mustQueue(waiter, kept) || this.#askHolders(waiter)) {
        line[kept++] = waiter;
        continue;
      }
      this.#grant(waiter, index, kept);
      [from, to] = [Math.min(from, needStart), Math.max(to, needEnd)];
    }
    line.length = kept;
  }

  /**
   * As `#pump`, for one who has just come: whoever stood in line before still has to, since nothing was freed. To look at
   * all of them for each that comes would let one node that floods the line keep the home busy for minutes.
   */
  #serveLast(): void {
    if (this.#isRecovering) return;
    const index = this.#line.length - 1;
    const waiter = this.#line[index];
    if (this.#mustQueue(waiter, index) || this.#askHolders(waiter)) return;
    this.#grant(waiter, index, index);
    this.#line.length = index;
  }

  /** Behind an earlier waiter that conflicts, or behind a change of size that is not in force everywhere (R6). */
  #mustQueue(waiter: Waiter, kept: number): boolean {
    if (waiter.needEnd > this.#resizes.firstUnsettledPage) return true;
    for (let index = 0; index < kept; index++) {
      if (needsConflict(this.#line[index], waiter)) return true;
    }
    return false;
  }

  /** Revokes what stands in the way, each once, or only looks (`ask` false). @returns whether anything does. */
  #askHolders(waiter: Waiter, ask = true): boolean {
    const limit = waiter.mode === Mode.write ? Mode.none : Mode.read;
    let conflict = false;
    for (const [node, holder] of this.#holders) {
      if (node === waiter.node || holder.tokens.strongest(waiter.needStart, waiter.needEnd) <= limit) continue;
      conflict = true;
      if (ask) this.#revoke(node, holder, limit, waiter);
    }
    return conflict;
  }

  #revoke(node: NodeId, holder: Holder, mode: Mode, waiter: Waiter): void {
    const { needStart: start, needEnd: end } = waiter;
    const asked = holder.revokes.some((other) => other.mode <= mode && other.start <= start && other.end >= end);
    if (asked) return;
    holder.revokes.push({ mode, start, end });
    this.#port.revoke(node, mode, start, end, this.#epoch, waiter.wantStart, waiter.wantEnd);
  }

  /** `waiter` stood at `index` of the line; those before `kept` and those after `index` still wait. */
  #grant(waiter: Waiter, index: number, kept: number): void {
    const { node, mode, needStart, needEnd } = waiter;
    const holder = this.#holders.get(node);
    assert(holder !== undefined, "a waiter has the file open");
    const upgrade = !waiter.needsData && holder.tokens.weakest(needStart, needEnd) >= Mode.read;
    const range = this.#range;
    range.begin(waiter.wantStart, Math.max(needEnd, Math.min(waiter.wantEnd, this.#resizes.firstUnsettledPage)));
    range.yieldToHolders(waiter, this.#holders);
    range.yieldToLine(waiter, this.#line, index, kept);
    const { start, end } = range;
    this.#epoch++;
    holder.tokens.raise(start, end, mode, this.#epoch);
    forgetCrossed(holder, start, end);
    assertAlone(this.#holders, node, mode, start, end);
    const dataEnd = upgrade ? waiter.dataStart : waiter.dataEnd;
    const windowEnd = upgrade ? dataEnd : Math.min(waiter.windowEnd, end);
    this.#port.grant(node, waiter.request, mode, start, end, this.#epoch, waiter.dataStart, dataEnd, windowEnd);
  }

  /** Begins what sizes change next. Tokens stay; answers from before the change are told by its epoch (R9). */
  #startResizes(): void {
    if (this.#isRecovering) return;
    this.#resizes.start([...this.#holders.keys()], () => ++this.#epoch);
  }
}
