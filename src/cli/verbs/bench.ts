import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { defineCommand, encodeOptions } from "../command.js";

/** The benchmark as seen from the built file. It is no part of the program, and runs as a process of its own. */
const benchmarkPath = "../../../bench/main.js";

export const bench = defineCommand({
  summary: "measure dmmap beside a local file system, sshfs and C programs, on this machine",
  arguments: [
    {
      name: "NAME",
      description: 'only what contains this in its name, "mount:" for mounts',
      optional: true,
      repeats: true,
    },
  ],
  options: {
    quick: { type: "boolean", description: "little work and one round: does it run? No figures to judge by" },
    list: { type: "boolean", description: "names the benchmarks, and measures nothing" },
    rounds: { type: "string", value: "N", description: "rounds for each benchmark (default 7)" },
    "cpu-latency": {
      type: "string",
      value: "MICROS",
      description: "idle processors wake up within so long, whatever is measured; 0: they poll",
    },
    "direct-io": { type: "string", value: "WHEN", description: "of `dmmap mount`, for its mounts (default auto)" },
    json: { type: "boolean", description: "the results as JSON" },
  },
  notes: ["Needs gcc; what else is missing is left out, and named."],
  examples: ["dmmap bench", "dmmap bench --list", "dmmap bench --quick mount:", "dmmap bench --rounds 3 'cold scan'"],
  async run(names, options) {
    const args = [fileURLToPath(new URL(benchmarkPath, import.meta.url)), ...encodeOptions(options), "--", ...names];
    const [code] = (await once(spawn(process.execPath, args, { stdio: "inherit" }), "close")) as [number | null];
    return code ?? 1;
  },
});
