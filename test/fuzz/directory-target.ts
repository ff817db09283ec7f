import assert from "node:assert/strict";
import fc from "fast-check";
import { FileDirectory } from "../../src/core/home/file-directory.js";
import { Mode, type Policy, pageMax } from "../../src/core/units.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { epoch, mode, node, page, range, request, sizeBytes } from "./values.js";

/** No home gives out a later one: shells refuse claims of such. */
const epochMax = 2 ** 50;
const honest = 9;

const input = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("open"), node }) },
  fc.record({ op: fc.constantFrom("close", "disconnected", "recovered"), node }),
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("acquire"),
      node,
      request,
      mode,
      need: range,
      want: range,
      windowEnd: page,
      needsData: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constantFrom("release", "claim"), node, mode, range, epoch }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("endClaims", "resized"), node, epoch }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("truncate", "extend", "grown"), node, request, sizeBytes }) },
  fc.record({ op: fc.constant("endRecovery") }),
);
type Input = Record<string, unknown> & { op: string };

export const directoryTarget: FuzzTarget<Input> = {
  name: "file-directory",
  input,
  run: (inputs, note) => {
    for (const policy of ["simple", "optimal"] as const) {
      for (const recovering of [false, true]) new Run(policy, recovering, note).all(inputs);
    }
  },
};

/** A directory with an honest bystander, who is to get what it asks for once the others are gone. */
class Run {
  readonly #note: (what: string) => void;
  readonly #directory: FileDirectory;
  readonly #granted: number[] = [];
  /** Changes of size that the bystander has not answered yet. */
  readonly #sizes: number[] = [];
  #told: string[] = [];
  #acquires = 0;
  #epoch = 0;

  constructor(policy: Policy, recovering: boolean, note: (what: string) => void) {
    this.#note = note;
    this.#directory = new FileDirectory(
      {
        grant: (to, asked, _mode, start, end) => {
          assert.ok(start < end && this.#directory.isOpen(to), "a grant is of something, to somebody");
          this.#granted.push(to * 1000 + asked);
          this.#told.push("grant");
        },
        revoke: (from) => this.#tell(from, "revoke"),
        resize: (to, _size, at) => {
          this.#tell(to, "resize");
          if (to === honest) this.#sizes.push(at);
        },
        setSize: (size) => {
          if (size === 4096) throw new Error("the store is full");
        },
        truncated: (_node, _request, error) => this.#told.push(error === undefined ? "truncated" : "refused"),
      },
      { policy, sizeBytes: 40_960, recovering },
    );
  }

  all(inputs: readonly Input[]): void {
    this.#directory.open(honest);
    this.#directory.endClaims(honest, 0);
    for (const one of inputs) {
      this.#told = [];
      const outcome = this.#take(one) ? [...new Set(this.#told)].toSorted().join("+") : "refused before";
      this.#note(`${one.op} → ${outcome} of ${Math.min(1, this.#directory.waiterCount)}`);
      this.#answerSizes();
      this.#check();
    }
    this.#undisturbed();
  }

  #tell(to: number, what: string): void {
    assert.ok(this.#directory.isOpen(to), `${what} of somebody`);
    this.#told.push(what);
  }

  /** @returns false for what a shell refuses. */
  #take(one: Input): boolean {
    const directory = this.#directory;
    const [who, asked, at] = [Number(one.node), Number(one.request), Number(one.epoch)];
    const [start, end] = (one.range ?? one.need ?? [0, 0]) as [number, number];
    const wanted = one.mode as Mode;
    if (one.op === "endRecovery") directory.endRecovery();
    else if (one.op === "open") directory.open(who);
    else if (one.op === "close") directory.close(who);
    else if (one.op === "disconnected") directory.disconnected(who);
    else if (one.op === "recovered") directory.recovered(who);
    else if (!directory.isOpen(who)) return false;
    else if (one.op === "release") directory.release(who, wanted, start, end, at);
    else if (one.op === "resized") directory.resized(who, at);
    else if (one.op === "truncate") directory.truncate(who, asked, Number(one.sizeBytes));
    else if (one.op === "grown") directory.grown(who, Number(one.sizeBytes));
    else if (one.op === "extend") directory.extend(who, asked, Number(one.sizeBytes));
    else if (one.op === "endClaims") {
      if (at > epochMax) return false;
      directory.endClaims(who, at);
    } else if (wanted === Mode.none || start === end) return false;
    else if (one.op === "claim") return at <= epochMax && directory.claim(who, wanted, start, end, at);
    else {
      this.#acquires++;
      const [wantStart, wantEnd] = one.want as [number, number];
      const windowEnd = Number(one.windowEnd);
      directory.acquire(who, asked, wanted, start, end, wantStart, wantEnd, windowEnd, one.needsData === true);
    }
    return true;
  }

  #check(): void {
    const { epoch: now, waiterCount, segmentCount } = this.#directory;
    assert.ok(now >= this.#epoch && Number.isSafeInteger(now), "epochs only rise");
    this.#epoch = now;
    assert.ok(waiterCount <= this.#acquires, "who waits has asked");
    assert.ok(segmentCount <= 200, "memory is bounded by what was asked");
    const segments = [...this.#directory.segments()];
    for (const one of segments) {
      assert.ok(one.start < one.end && one.mode !== Mode.none);
      for (const other of segments) {
        const meet = one.node !== other.node && one.start < other.end && other.start < one.end;
        assert.ok(!meet || (one.mode === Mode.read && other.mode === Mode.read), "R1: a writer is alone");
      }
    }
    assert.ok(this.#directory.describe().length > 0);
  }

  /** An answer may begin the next change. */
  #answerSizes(): void {
    for (let at = this.#sizes.shift(); at !== undefined; at = this.#sizes.shift()) this.#directory.resized(honest, at);
  }

  #undisturbed(): void {
    for (const hostile of [1, 2, 3]) this.#directory.close(hostile);
    this.#directory.endRecovery();
    this.#answerSizes();
    this.#directory.acquire(honest, 7, Mode.write, 0, pageMax, 0, pageMax, 1, true);
    assert.ok(this.#granted.includes(honest * 1000 + 7), `nobody else is disturbed: ${this.#directory.describe()}`);
  }
}
