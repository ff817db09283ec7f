// The house rules, as a check: `node scripts/check.mjs [FOLDER]`. Prints what it looked at, since a check that looked at
// nothing passes too: no file found is a failure.
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkDocs } from "./rules/docs.mjs";
import { checkLayers } from "./rules/layers.mjs";
import { checkSources } from "./rules/sources.mjs";
import { readTree } from "./rules/tree.mjs";

const here = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns the broken rules, each as one line that begins with a place; empty when the house is in order. */
export function checkHouse(root = here) {
  const tree = readTree(root);
  const results = [checkLayers(tree), checkSources(tree), checkDocs(tree)];
  const counts = results.flatMap((result) => result.counts);
  console.log(`check: ${counts.map(({ what, count }) => `${count} ${what}`).join(", ")}`);
  const unseen = counts.filter(({ count }) => count === 0).map(({ what }) => `nothing was checked: 0 ${what}`);
  return [...unseen, ...results.flatMap((result) => result.problems)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkHouse(process.argv[2] === undefined ? here : resolve(process.argv[2]));
  for (const problem of problems) console.error(`check: ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
