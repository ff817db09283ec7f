import { Epoll, Ready } from "../kernel/epoll.js";
import { createEventFd, ringEventFd } from "../kernel/event-fd.js";

const headIndex = 0;
const doneIndex = 1;
const stopIndex = 2;
const threadIndex = 3;
const cellsAt = 16;
const capacity = 1024;
const cellNumbers = 4;

/** Counts go round at this number. */
const countsMax = 2 ** 30;

/** What the kernel is to be told: to drop what it has of an inode from `offset` on. */
export interface Notice {
  /** FUSE's number for the inode. */
  node: number;
  /** Bytes; negative: only the attributes. */
  offset: number;
  /** Bytes; 0: to the end. */
  byteLength: number;
}

/** What the reader's thread needs, to make a ring of its own of it. */
export interface NoticeRingParts {
  readonly memory: SharedArrayBuffer;
  /** An eventfd, rung when there is something in the ring. */
  readonly door: number;
}

/** Only bounds how long a thread that is terminated from outside stays in the kernel. */
const sleepMicrosMax = 1e6;

/**
 * Notices from the mount's thread to the one that tells the kernel, and how many of them have been told: a ring in shared
 * memory, one writer and one reader. What does not fit waits with the writer. The reader sleeps in epoll: to wake it so is one
 * system call, where `Atomics.notify` makes three, and may have both threads wait for a mutex.
 */
export class NoticeRing {
  readonly parts: NoticeRingParts;
  readonly #control: Int32Array;
  readonly #cells: Float64Array;
  #taken = 0;
  #epoll: Epoll | undefined;

  constructor(parts = newParts()) {
    const { memory } = parts;
    this.parts = parts;
    this.#control = new Int32Array(memory, 0, cellsAt / 4);
    this.#cells = new Float64Array(memory, cellsAt);
  }

  /** The Linux id of the reader, once it has said so. */
  get thread(): number {
    return Atomics.load(this.#control, threadIndex);
  }

  set thread(id: number) {
    Atomics.store(this.#control, threadIndex, id);
  }

  /** For the writer: calls `each` with the outcome of every notice that has been told since it asked last, in order. */
  takeDone(each: (outcome: number) => void): void {
    const done = Atomics.load(this.#control, doneIndex);
    while (this.#taken !== done) {
      const outcome = this.#cells[(this.#taken % capacity) * cellNumbers + 3];
      this.#taken = (this.#taken + 1) % countsMax;
      each(outcome);
    }
  }

  /** @returns false when the ring is full. */
  push({ node, offset, byteLength }: Notice): boolean {
    const head = Atomics.load(this.#control, headIndex);
    const waiting = (head - this.#taken + countsMax) % countsMax;
    if (waiting >= capacity) return false;
    const at = (head % capacity) * cellNumbers;
    this.#cells[at] = node;
    this.#cells[at + 1] = offset;
    this.#cells[at + 2] = byteLength;
    Atomics.store(this.#control, headIndex, (head + 1) % countsMax);
    ringEventFd(this.parts.door);
    return true;
  }

  /** For the reader: sleeps until there is a notice. @returns false when it is to end. */
  next(into: Notice): boolean {
    const done = Atomics.load(this.#control, doneIndex);
    while (Atomics.load(this.#control, headIndex) === done) {
      if (Atomics.load(this.#control, stopIndex) === 1) {
        this.#epoll?.close();
        return false;
      }
      this.#sleep();
    }
    const at = (done % capacity) * cellNumbers;
    into.node = this.#cells[at];
    into.offset = this.#cells[at + 1];
    into.byteLength = this.#cells[at + 2];
    return true;
  }

  /** For the reader: the notice has been told, with this outcome. */
  finish(outcome: number): void {
    const done = Atomics.load(this.#control, doneIndex);
    this.#cells[(done % capacity) * cellNumbers + 3] = outcome;
    Atomics.store(this.#control, doneIndex, (done + 1) % countsMax);
  }

  stop(): void {
    Atomics.store(this.#control, stopIndex, 1);
    ringEventFd(this.parts.door);
  }

  /** Until the door is rung, or has been since the last time. */
  #sleep(): void {
    if (this.#epoll === undefined) {
      this.#epoll = new Epoll();
      this.#epoll.add(this.parts.door, Ready.in + Ready.edge, 0);
    }
    this.#epoll.wait(sleepMicrosMax);
  }
}

function newParts(): NoticeRingParts {
  return { memory: new SharedArrayBuffer(cellsAt + capacity * cellNumbers * 8), door: createEventFd() };
}
