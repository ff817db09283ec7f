// Breaks the core on purpose, one way at a time, and shows that the tiers notice: who trusts tests must know what they
// catch. A way that nothing catches is either a gap in the tests or a line that the core does not need.
//
//   node sim/mutate.mjs [--only PATTERN] [--build FOLDER] [--seeds COUNT]
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setUp } from "../scripts/setup.mjs";
import { mutations } from "./mutations.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const place = join(root, ".build-mutation");
/** Longer than any tier takes; a core that turns in a circle is caught by it. */
const tierSecondsMax = 120;

const { values } = parseArgs({
  options: { only: { type: "string" }, build: { type: "string" }, seeds: { type: "string", default: "2000" } },
});
if (values.build === undefined) setUp();
const built = join(root, values.build ?? "dist");

/** From the quickest to the slowest: the first that notices counts. */
const tiers = [
  { name: "unit", run: () => runTests("unit") },
  { name: "transcript", run: () => runTests("transcript") },
  { name: "simulator", run: () => run(["sim/main.js", "--seeds", values.seeds]) },
  { name: "exhaustive", run: () => run(["sim/explore-main.js"]) },
];

rmSync(place, { recursive: true, force: true });
mkdirSync(place, { recursive: true });
for (const folder of ["src/core", "sim", "test/unit", "test/transcript"]) {
  cpSync(join(built, folder), join(place, folder), { recursive: true });
}
const survivors = [];
const caught = new Map(tiers.map(({ name }) => [name, 0]));
try {
  requireGreen();
  const chosen = mutations.filter(({ name, file }) => new RegExp(values.only ?? "").test(`${name} ${file}`));
  for (const mutation of chosen) report(mutation, breakAndTest(mutation));
  console.log(
    `\n${chosen.length} ways to break the core: ${[...caught].map(([name, count]) => `${count} ${name}`).join(", ")}`,
  );
  for (const { name, file } of survivors) console.error(`NOT CAUGHT: ${name} (${file})`);
  if (survivors.length > 0 || chosen.length === 0) process.exitCode = 1;
} finally {
  rmSync(place, { recursive: true, force: true });
}

/** What fails without a change proves nothing about one. */
function requireGreen() {
  for (const tier of tiers) {
    if (tier.run()) continue;
    console.error(`the ${tier.name} tier fails as it is: nothing to learn from breaking more`);
    process.exit(1);
  }
}

function report(mutation, tier) {
  console.log(`${(tier ?? "NOT CAUGHT").padEnd(12)} ${mutation.name}`);
  if (tier === undefined) survivors.push(mutation);
  else caught.set(tier, caught.get(tier) + 1);
}

/** @returns the tier that noticed. */
function breakAndTest({ name, file, from, to }) {
  const path = join(place, file);
  const text = readFileSync(path, "utf8");
  const pattern = new RegExp(patternOf(from), "g");
  const found = text.match(pattern)?.length ?? 0;
  if (found !== 1) {
    console.error(`${name}: its text is found ${found} times in ${file}; the core has changed, mend sim/mutations.mjs`);
    process.exit(1);
  }
  writeFileSync(
    path,
    text.replace(pattern, () => to),
  );
  try {
    return tiers.find((tier) => !tier.run())?.name;
  } finally {
    writeFileSync(path, text);
  }
}

/** The compiler breaks lines and adds blanks, parentheses and commas of its own. */
function patternOf(text) {
  return text
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+(?://[^\\n]*\\n\\s*)?");
}

function runTests(tier) {
  const folder = join(place, "test", tier);
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.js") && concernsCore(join(folder, name)));
  return run(["--test", ...files.map((name) => join(folder, name))]);
}

/** Tests of other layers stand in the same folder; what they import is not here. */
function concernsCore(path) {
  return !/from "\.\.\/(\.\.\/src\/(?!core)|support)/.test(readFileSync(path, "utf8"));
}

/** @returns whether it passed. `timeout` ends its children's children too, which may turn in a circle as well. */
function run(args) {
  const command = ["-s", "KILL", String(tierSecondsMax), process.execPath, ...args];
  return spawnSync("timeout", command, { cwd: place, stdio: "ignore" }).status === 0;
}
