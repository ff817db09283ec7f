// Breaks the core on purpose, one way at a time, and shows that the tiers notice: who trusts tests must know what they
// catch. A way that nothing catches is either a gap in the tests or a line that the core does not need.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { countPlaces, type Mutation } from "./mutation.js";
import { mutations, sampleOf } from "./mutations.js";
import { tierNames, type Verdict, Workshop } from "./workshop.js";

const usage = `npm run mutate                       every way to break the core, and which tier notices
npm run mutate -- --only PATTERN     those with such a name or file
npm run mutate -- --sample COUNT     so many, spread over the list
  --seeds COUNT    of the simulator, for each (default 3000)
  --tiers LIST     only these of ${tierNames.join(",")}
  --jobs COUNT     at once (default: as many as there are processors)
  --trust          do not run the tiers unbroken first: they have just passed
  --list           names them, and does nothing`;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    sample: { type: "string" },
    seeds: { type: "string", default: "3000" },
    jobs: { type: "string", default: String(availableParallelism()) },
    tiers: { type: "string", default: tierNames.join(",") },
    trust: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const built = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const matching = mutations.filter(({ name, file }) => new RegExp(values.only).test(`${name} ${file}`));
const tiers = tierNames.filter((name) => values.tiers.split(",").includes(name));
const chosen = values.sample === undefined ? matching : sampleOf(matching, Number(values.sample));

if (values.help) console.log(usage);
else if (values.list) for (const { name, file } of chosen) console.log(`${file.padEnd(36)} ${name}`);
else if (!reportStale()) await breakAll();

/** All that has to be mended, at once. */
function reportStale(): boolean {
  const stale = mutations.filter(
    (mutation) => countPlaces(readFileSync(join(built, mutation.file), "utf8"), mutation) !== 1,
  );
  for (const { name, file } of stale) console.error(`${name}: its text is not found once in ${file}`);
  if (stale.length > 0) console.error("the core has changed: mend sim/mutation");
  else if (chosen.length === 0) console.error(`no such mutation: ${values.only}`);
  if (stale.length > 0 || chosen.length === 0) process.exitCode = 1;
  return process.exitCode === 1;
}

async function breakAll(): Promise<void> {
  const started = performance.now();
  const jobs = Math.max(1, Math.min(Number(values.jobs), chosen.length));
  const place = join(dirname(built), `.build-mutation-${process.pid}`);
  const workshops = Array.from(
    { length: jobs },
    (_, index) => new Workshop(built, `${place}-${index}`, Number(values.seeds), tiers),
  );
  try {
    if (!values.trust && !(await isGreen(workshops))) return;
    const left = [...chosen];
    const verdicts = new Map<Mutation, Verdict>();
    await Promise.all(workshops.map((workshop) => work(workshop, left, verdicts)));
    summarise(verdicts, (performance.now() - started) / 1000);
  } finally {
    for (const workshop of workshops) workshop.remove();
  }
}

/** What fails without a change proves nothing about one. */
async function isGreen(workshops: readonly Workshop[]): Promise<boolean> {
  const reasons = await Promise.all(tiers.map((tier, index) => workshops[index % workshops.length].run(tier)));
  for (const [index, reason] of reasons.entries()) {
    if (reason === undefined) continue;
    console.error(`the tier "${tiers[index]}" fails as it is (${reason}): nothing to learn from breaking more`);
    process.exitCode = 1;
  }
  return reasons.every((reason) => reason === undefined);
}

async function work(workshop: Workshop, left: Mutation[], verdicts: Map<Mutation, Verdict>): Promise<void> {
  for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift()) {
    const started = performance.now();
    const verdict = await workshop.try(mutation);
    verdicts.set(mutation, verdict);
    const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
    console.log(`${(verdict.tier ?? "NOT CAUGHT").padEnd(10)} ${seconds} s  ${mutation.name}  # ${verdict.reason}`);
  }
}

function summarise(verdicts: ReadonlyMap<Mutation, Verdict>, seconds: number): void {
  const counts = tiers.map((tier) => `${tier} ${[...verdicts.values()].filter((one) => one.tier === tier).length}`);
  console.log(`\n${verdicts.size} ways to break the core, noticed by: ${counts.join(", ")}; ${seconds.toFixed(0)} s`);
  for (const [{ name, file }, { tier, reason }] of verdicts) {
    if (tier !== undefined) continue;
    console.error(`NOT CAUGHT: ${name} (${file}) ${reason}`);
    process.exitCode = 1;
  }
}
