import { setTimeout as pause } from "node:timers/promises";
import type { FileMap, Volume } from "dmmap";
import { type Job, shared } from "../job.js";

const messageCount = 2_000;
const slotBytes = 64;
const slotCount = 256;
/** The two indexes have a page each, so that the two nodes do not take one page from each other for both. */
const sentAt = 0;
const takenAt = 4096;
const slotsAt = 8192;
const spinsMax = 200;

/** A ring buffer in the shared file: one node writes messages, another reads them, nobody sends anything. */
export async function tellRing({ story, crew }: Job): Promise<void> {
  const [writer, reader] = crew.members;
  story.chapter(`A ring buffer: messages from ${writer.name} to ${reader.name}`);
  story.say(`${messageCount} messages through ${slotCount} slots; the only thing they share is the map`);
  const [, received] = await Promise.all([writer.ask("send", {}), reader.ask("receive", {})]);
  story.check("messages that arrived whole and in order", received.inOrder, messageCount);
  story.say(`the last one: "${received.last}"`);
}

/** On a node: fills the slots, and waits while the ring is full. */
export async function send(volume: Volume, _: object): Promise<void> {
  await using file = await volume.open(shared.name);
  await using map = await file.map(shared.ring);
  const { sent, taken, slots } = ringIn(map);
  for (let index = 0; index < messageCount; index++) {
    await until(() => index - Atomics.load(taken, 0) < slotCount);
    const at = (index % slotCount) * slotBytes;
    slots[at] = Buffer.from(slots.buffer, slots.byteOffset + at + 1, slotBytes - 1).write(textOf(index));
    Atomics.store(sent, 0, index + 1);
  }
}

/** On another node: takes what is there, and waits while there is nothing. */
export async function receive(volume: Volume, _: object): Promise<{ inOrder: number; last: string }> {
  await using file = await volume.open(shared.name);
  await using map = await file.map(shared.ring);
  const { sent, taken, slots } = ringIn(map);
  let inOrder = 0;
  let last = "";
  for (let index = 0; index < messageCount; index++) {
    await until(() => Atomics.load(sent, 0) > index);
    const at = (index % slotCount) * slotBytes;
    last = Buffer.from(slots.buffer, slots.byteOffset + at + 1, slots[at]).toString();
    if (last === textOf(index)) inOrder++;
    Atomics.store(taken, 0, index + 1);
  }
  return { inOrder, last };
}

function ringIn(map: FileMap): { sent: Int32Array; taken: Int32Array; slots: Uint8Array } {
  return {
    sent: new Int32Array(map.buffer, sentAt, 1),
    taken: new Int32Array(map.buffer, takenAt, 1),
    slots: new Uint8Array(map.buffer, slotsAt, slotCount * slotBytes),
  };
}

function textOf(index: number): string {
  return `message ${index + 1}: ${"abcdefghijklmnopqrstuvwxyz".slice(0, index % 26)}`;
}

/** Atomics.wait knows no memory of other machines: look a few times, then let the processor do something else. */
async function until(condition: () => boolean): Promise<void> {
  for (;;) {
    for (let spin = 0; spin < spinsMax; spin++) if (condition()) return;
    await pause(1);
  }
}
