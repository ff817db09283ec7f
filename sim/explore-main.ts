import { parseArgs } from "node:util";
import { explore } from "./explore.js";
import { homeWorlds } from "./home-worlds.js";
import { largerWorlds, smallWorlds } from "./small-worlds.js";

const usage = `npm run explore                      every order of events of the small worlds
npm run explore -- --larger          of the larger ones too: many minutes, some gigabytes
npm run explore -- --world PATTERN   of those with such a name, small or large`;

const { values } = parseArgs({
  options: {
    larger: { type: "boolean", default: false },
    world: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const searched = [...smallWorlds, ...homeWorlds];
const all = values.larger || values.world !== undefined ? [...searched, ...largerWorlds] : searched;
const chosen = values.help ? [] : all.filter(({ name }) => new RegExp(values.world ?? "").test(name));
if (values.help) console.log(usage);
else if (chosen.length === 0) {
  console.error(`no such world: ${values.world}`);
  process.exitCode = 1;
}

for (const small of chosen) {
  const started = performance.now();
  try {
    const { states, transitions, ends, depthMax } = explore(small);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `${small.name}: ${states} states, ${transitions} transitions, ${ends} ends, ${depthMax} deep, ${seconds} s`,
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
