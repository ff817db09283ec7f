import { parseArgs } from "node:util";
import { explore } from "./explore.js";
import { largerWorlds, smallWorlds } from "./small-worlds.js";

const { values } = parseArgs({ options: { larger: { type: "boolean", default: false }, world: { type: "string" } } });
const all = values.larger || values.world !== undefined ? [...smallWorlds, ...largerWorlds] : smallWorlds;

for (const small of all.filter(({ name }) => values.world === undefined || name.includes(values.world))) {
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
