import type { NodeState } from "../node-state.js";
import { spinUntil } from "./gate.js";

const pageBytes = 4096;
const headAt = 0;
const tailAt = pageBytes / 4;
const slotsAt = 2 * pageBytes;
const slotBytes = 600;
const slotCount = 50;
/** Length of a ring in a file. */
export const ringBytes = slotsAt + slotBytes * slotCount;

export interface RingArgs {
  readonly map?: string;
  readonly messages: number;
}

/** Messages of varying length from one node to another, in slots that do not respect pages. */
export const ring = {
  sendMessages(node: NodeState, { map, messages }: RingArgs): void {
    const words = node.words(map);
    const bytes = node.bytes(map);
    for (let number = 0; number < messages; number++) {
      spinUntil(`room for message ${number}`, () => number - Atomics.load(words, tailAt) < slotCount);
      const at = slotsAt + (number % slotCount) * slotBytes;
      bytes.set(messageOf(number), at);
      Atomics.store(words, headAt, number + 1);
    }
  },

  receiveMessages(node: NodeState, { map, messages }: RingArgs): number {
    const words = node.words(map);
    const bytes = node.bytes(map);
    for (let number = 0; number < messages; number++) {
      spinUntil(`message ${number}`, () => Atomics.load(words, headAt) > number);
      const at = slotsAt + (number % slotCount) * slotBytes;
      const expected = messageOf(number);
      const wrong = expected.findIndex((byte, index) => bytes[at + index] !== byte);
      if (wrong >= 0)
        throw new Error(`message ${number}: byte ${wrong} is ${bytes[at + wrong]}, not ${expected[wrong]}`);
      Atomics.store(words, tailAt, number + 1);
    }
    return messages;
  },

  /** Waits for its turn and passes it on. @returns the longest wait for a turn, in milliseconds. */
  passBall(
    node: NodeState,
    { map, at, rank, ranks, turns }: { map?: string; at: number; rank: number; ranks: number; turns: number },
  ): number {
    const words = node.words(map);
    let longest = 0;
    for (let turn = 0; turn < turns; turn++) {
      const mine = turn * ranks + rank;
      const start = performance.now();
      spinUntil(`turn ${mine}`, () => Atomics.load(words, at / 4) === mine);
      longest = Math.max(longest, performance.now() - start);
      Atomics.store(words, at / 4, mine + 1);
    }
    return longest;
  },
};

function messageOf(number: number): Uint8Array {
  const message = new Uint8Array(4 + ((number * 37) % (slotBytes - 4))).fill(number % 251);
  new DataView(message.buffer).setUint32(0, number, true);
  return message;
}
