import type { Volume } from "dmmap";
import { emptyFile, type Job, shared } from "../job.js";

const counterCount = 4;
const addsPerNode = 20_000;
const bytesApart = shared.counters.length / counterCount;

/** All nodes add to the same counters at the same time. */
export async function tellCounters({ story, crew, volume }: Job): Promise<void> {
  story.chapter("Counters that all three add to at once");
  story.say(`Atomics.add on ${counterCount} words of ${shared.name}, ${addsPerNode} times on each node`);
  await emptyFile(volume, shared.name, shared.size);

  const millis = await crew.all("addToCounters", () => ({}));
  story.say(`done after ${millis.map((time) => `${Math.round(time)} ms`).join(", ")}`);

  await using file = await volume.open(shared.name);
  await using map = await file.map({ ...shared.counters, access: "read" });
  const words = countersIn(map.buffer);
  const totals = words.map((word) => Atomics.load(word, 0));
  story.check(
    totals.join(" + "),
    totals.reduce((sum, total) => sum + total, 0),
    crew.members.length * addsPerNode,
  );
}

/** On a node. @returns milliseconds. */
export async function addToCounters(volume: Volume, _: object): Promise<number> {
  await using file = await volume.open(shared.name);
  await using map = await file.map(shared.counters);
  const words = countersIn(map.buffer);
  const started = performance.now();
  for (let add = 0; add < addsPerNode; add++) Atomics.add(words[add % counterCount], 0, 1);
  return performance.now() - started;
}

function countersIn(buffer: ArrayBuffer): Int32Array[] {
  return Array.from({ length: counterCount }, (_, index) => new Int32Array(buffer, index * bytesApart, 1));
}
