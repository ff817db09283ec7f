// npm test: lint, format, the build (which is the type check), the house rules, then every test of the built code.
//
//   npm test                                   all of it
//   npm test -- unit kernel                    only these tiers: folders of test/
//   npm test -- test/unit/frame.test.ts        only these files
//   npm test -- --only-tests [...]             no lint, no format, no rules
//
// With CI or DMMAP_REQUIRE_KERNEL set, a skipped test is a failure: the machine was to have all that the tests need.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { run } from "node:test";
import { spec as SpecReporter } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import { checkHouse } from "./check.mjs";
import { setUp } from "./setup.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tests = join(root, "dist/test");
/** Tiers whose files use little but a processor: as many at once as there are. The others start threads and processes. */
const lightTiers = new Set(["unit", "core", "transcript", "fuzz", "model", "simulator", "scripts"]);
/** Ends what hangs. Ten thousand transactions of SQLite on two hosts take two and a half minutes of a machine with two idle processors, and six of one that is three times as slow. */
const fileMillisMax = 900_000;

const options = process.argv.slice(2).filter((argument) => argument.startsWith("--"));
const selection = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const mayNotSkip = Boolean(process.env.CI || process.env.DMMAP_REQUIRE_KERNEL);

process.chdir(root);
const unknown = options.find((option) => option !== "--only-tests");
if (unknown !== undefined) stop(`unknown option ${unknown}; there is --only-tests`);
setUp();
if (!options.includes("--only-tests")) {
  step("lint", "node_modules/oxlint/bin/oxlint", ["--deny-warnings", "."]);
  step("format", "node_modules/@biomejs/biome/bin/biome", ["check", "."]);
  const problems = checkHouse();
  if (problems.length > 0) stop(`the house rules are broken:\n  ${problems.join("\n  ")}`);
}
await runTests(select(selection));

function step(what, script, args) {
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], { stdio: "inherit" });
  if (status !== 0) stop(`${what} failed, see above${what === "format" ? "; `npm run format` mends it" : ""}`);
}

/** Test files by the tiers and paths asked for; all when none is. A name that stands for nothing stops the run. */
function select(names) {
  const all = testFilesUnder(tests);
  if (names.length === 0) return all;
  return names.flatMap((name) => {
    const path = join(root, name.replace(/^(?=test\/)/, "dist/").replace(/\.ts$/, ".js"));
    const found = all.filter((file) => file === path || file.startsWith(`${join(tests, name)}/`));
    if (found.length === 0) stop(`no tests in ${name}; there are the tiers ${tiersOf(all).join(", ")}`);
    return found;
  });
}

function testFilesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".test.js"))
    .toSorted()
    .map((name) => join(folder, name));
}

function tierOf(file) {
  return relative(tests, file).split("/")[0];
}

function tiersOf(files) {
  return [...new Set(files.map(tierOf))];
}

async function runTests(files) {
  const light = files.filter((file) => lightTiers.has(tierOf(file)));
  const heavy = files.filter((file) => !lightTiers.has(tierOf(file)));
  const cpus = availableParallelism();
  /** @type {{ passed: number, failed: Set<string>, skipped: string[] }} */
  const outcome = { passed: 0, failed: new Set(), skipped: [] };
  await runFiles(light, cpus, outcome);
  await runFiles(heavy, Math.max(1, Math.floor(cpus / 2)), outcome);

  const { passed, failed, skipped } = outcome;
  console.log(`\n${passed} passed, ${failed.size} failed, ${skipped.length} skipped`);
  for (const test of skipped) console.log(`  skipped: ${test}`);
  for (const file of failed) console.log(`  failed; again with: npm test -- --only-tests ${sourceOf(file)}`);
  if (passed === 0) stop("no test ran");
  if (failed.size > 0) stop("tests failed");
  if (skipped.length > 0 && mayNotSkip) stop("tests were skipped on a machine that was to have all they need");
  process.exit(0); // Nothing is left to wait for; the runner of Node 20 would keep its pipes open a while.
}

async function runFiles(files, concurrency, outcome) {
  if (files.length === 0) return;
  const events = run({ files, concurrency, timeout: fileMillisMax })
    .on("test:fail", (test) => {
      if (test.todo === undefined) outcome.failed.add(test.file ?? test.name);
    })
    .on("test:pass", (test) => {
      if (test.skip !== undefined || test.todo !== undefined)
        outcome.skipped.push(`${test.name} (${sourceOf(test.file ?? "")})`);
      else if (!files.includes(test.name)) outcome.passed++;
    });
  const report = events.compose(new SpecReporter());
  for await (const text of report) process.stdout.write(text);
}

function sourceOf(file) {
  return relative(root, file)
    .replace(/^dist\//, "")
    .replace(/\.js$/, ".ts");
}

function stop(reason) {
  console.error(`\nnpm test: ${reason}`);
  process.exit(1);
}
