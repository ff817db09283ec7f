import type { NodeMetrics, Volume } from "dmmap";
import { emptyFile, type Job } from "../job.js";

const pageCount = 64;
const pageWords = 1024;
const rounds = 400;
const readsPerRound = 8;
const roundsPerAdd = 10;

/** The same work on two files, one of each policy of the RFC. */
export async function tellPolicies({ story, crew, volume }: Job): Promise<void> {
  story.chapter("The RFC's two systems side by side");
  story.say(
    `each node reads ${rounds * readsPerRound} words all over ${pageCount} pages, and adds to every ${roundsPerAdd * readsPerRound}th`,
  );
  const rows = [["policy", "ms", "faults", "KiB received", "upgrades", "revokes"]];
  const totals: [string, number][] = [];
  for (const policy of ["simple", "optimal"] as const) {
    const name = `${policy}.bin`;
    await emptyFile(volume, name, pageCount * 4096, policy);
    const before = await crew.metrics();
    const millis = await crew.all("mixReadsAndAdds", (index) => ({ name, seed: index + 1 }));
    const used = difference(before, await crew.metrics());
    rows.push(
      [policy, Math.round(Math.max(...millis)), used.faults, used.dataPages * 4, used.upgrades, used.revokes].map(
        String,
      ),
    );
    totals.push([policy, await totalIn(volume, name)]);
  }
  story.table(rows);
  for (const [policy, total] of totals)
    story.check(`${policy}: adds that are in the file`, total, crew.members.length * (rounds / roundsPerAdd));
}

/** On a node. Which pages it touches follows from the seed alone. @returns milliseconds. */
export async function mixReadsAndAdds(volume: Volume, { name, seed }: { name: string; seed: number }): Promise<number> {
  await using file = await volume.open(name);
  await using map = await file.map();
  const words = new Int32Array(map.buffer);
  const started = performance.now();
  let random = seed;
  const nextPage = () => {
    random = (random * 48_271) % 2_147_483_647;
    return random % pageCount;
  };
  for (let round = 0; round < rounds; round++) {
    for (let read = 0; read < readsPerRound; read++) Atomics.load(words, nextPage() * pageWords);
    if (round % roundsPerAdd === 0) Atomics.add(words, nextPage() * pageWords, 1);
  }
  return performance.now() - started;
}

async function totalIn(volume: Volume, name: string): Promise<number> {
  await using file = await volume.open(name);
  await using map = await file.map({ access: "read" });
  const words = new Int32Array(map.buffer);
  let total = 0;
  for (let page = 0; page < pageCount; page++) total += words[page * pageWords];
  return total;
}

function difference(before: NodeMetrics[], after: NodeMetrics[]) {
  const sum = (of: (metrics: NodeMetrics) => number) =>
    after.reduce((total, metrics, index) => total + of(metrics) - of(before[index]), 0);
  return {
    faults: sum(({ faults }) => faults),
    dataPages: sum(({ dataPages }) => dataPages),
    upgrades: sum(({ upgrades }) => upgrades),
    revokes: sum(({ revokes }) => revokes),
  };
}
