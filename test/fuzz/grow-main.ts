// Grows the corpora: random inputs, and pieces of those that are kept, for some seconds each; what leads to anything new is
// kept. A failure is kept too, and printed.
//
//   npm run fuzz -- [--seconds N] [--only NAME]
import { parseArgs } from "node:util";
import fc from "fast-check";
import { readCorpus, writeCorpus } from "./corpus.js";
import { type FuzzTarget, inputsMax } from "./fuzz-target.js";
import { targets } from "./targets.js";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "10" }, only: { type: "string" } } });
const batch = 200;
const broken = "breaks";

for (const target of targets) if (values.only === undefined || target.name === values.only) grow(target);

function grow(target: FuzzTarget<unknown>): void {
  const { name, input } = target;
  const until = performance.now() + Number(values.seconds) * 1000;
  const seen = new Set<string>();
  const kept: (readonly unknown[])[] = [];
  let runs = 0;
  const attempt = (inputs: readonly unknown[]) => {
    runs++;
    const added = [...see(target, inputs)].filter((what) => !seen.has(what));
    if (added.length === 0) return;
    const least = trimmed(target, inputs, added);
    for (const what of see(target, least)) seen.add(what);
    kept.push(least);
    const failure = added.find((what) => what.startsWith(broken));
    if (failure === undefined) return;
    console.error(`${name} ${failure}: ${JSON.stringify(least)}`);
    process.exitCode = 1;
  };
  // Short ones first, so that what they lead to is not kept with a long one.
  for (const inputs of readCorpus(name).toSorted((one, other) => one.length - other.length)) attempt(inputs);
  for (let length = 1; performance.now() < until; length = Math.min(inputsMax, length + 1)) {
    const lists = fc.sample(fc.array(input, { minLength: 1, maxLength: length, size: "max" }), batch);
    for (const [index, inputs] of lists.entries()) {
      attempt(inputs);
      const known = kept[index % Math.max(1, kept.length)] ?? [];
      attempt([...known.slice(0, inputsMax / 2), ...inputs.slice(0, inputsMax / 2)]);
    }
  }
  writeCorpus(name, kept);
  console.log(`${name}: ${runs} runs, ${seen.size} things seen, ${kept.length} inputs kept`);
}

/** What these lead to, a failure included. */
function see({ run }: FuzzTarget<unknown>, inputs: readonly unknown[]): Set<string> {
  const seen = new Set<string>();
  try {
    run(JSON.parse(JSON.stringify(inputs)) as unknown[], (what) => seen.add(what));
  } catch (error) {
    seen.add(`${broken}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return seen;
}

/** Without the inputs that are not needed for what is new. */
function trimmed(
  target: FuzzTarget<unknown>,
  inputs: readonly unknown[],
  added: readonly string[],
): readonly unknown[] {
  let least = inputs;
  for (let at = inputs.length - 1; at >= 0; at--) {
    const fewer = least.filter((_, index) => index !== at);
    const seen = see(target, fewer);
    if (added.every((what) => seen.has(what))) least = fewer;
  }
  return least;
}
