import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { until } from "./until.js";

const mebibyte = 2 ** 20;
const rounds = 20;
/** koffi keeps 3 MiB of address space, mostly never touched, for each thread that has called it (3.3.4). */
const koffiBytes = 3 * mebibyte;

/** And by so much an allocator may have grown its arena of each. */
const arenaBytes = 0.75 * mebibyte;

/** Of what is mapped to be written to, without a file: what an allocator only reserves does not count. */
function mappedBytes(): number {
  let bytes = 0;
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const [, start, end] = line.match(/^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0\s*$/) ?? [];
    if (start !== undefined) bytes += Number.parseInt(end, 16) - Number.parseInt(start, 16);
  }
  return bytes;
}

const descriptorCount = () => readdirSync("/proc/self/fd").length;
export const threadCount = () => readdirSync("/proc/self/task").length;

/** Of processes that this one has started and that have not ended. */
function childCount(): number {
  const children = readdirSync("/proc/self/task").map((thread) => {
    return readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter(Boolean);
  });
  return children.flat().length;
}

/**
 * After any number of rounds this process has the processes, the threads, the descriptors and the memory that it had before. `threads`: that a
 * round starts, and that call the system.
 */
export async function assertLevel(round: () => Promise<void>, threads: number): Promise<void> {
  for (let count = 0; count < 5; count++) await round(); // In which what this process itself keeps gets its size.
  const before = {
    children: childCount(),
    descriptors: descriptorCount(),
    threads: threadCount(),
    bytes: mappedBytes(),
  };
  for (let count = 0; count < rounds; count++) await round();
  await until("no thread is left", () => threadCount() <= before.threads); // The system may still list one that has been joined.
  await until("no process is left", () => childCount() <= before.children);
  assert.ok(descriptorCount() <= before.descriptors, `${descriptorCount() - before.descriptors} descriptors are left`);
  const bytes = (mappedBytes() - before.bytes) / rounds - threads * koffiBytes;
  assert.ok(bytes < threads * arenaBytes, `${bytes} bytes stay mapped for each`);
}
