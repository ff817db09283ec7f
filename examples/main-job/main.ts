/**
 * The main job, start to end: a home, three node processes that map its files, and every value checked.
 *
 *   npm start                                  stays up until Ctrl-C
 *   npm start -- --once                        ends after the check: 0 only if every value was exact
 *   npm start -- --listen 127.0.0.1:0 --folder /tmp/somewhere
 */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "dmmap";
import { Dashboard } from "dmmap/dashboard";
import { startHome } from "dmmap/home";
import { tellChecksum } from "./chapters/checksum.js";
import { tellCounters } from "./chapters/counters.js";
import { tellPolicies } from "./chapters/policies.js";
import { tellPrivateMap } from "./chapters/private-map.js";
import { tellRing } from "./chapters/ring.js";
import { Crew } from "./crew.js";
import { explain, tellCosts, tellNext } from "./ending.js";
import { Story, within } from "./story.js";

const nodeCount = 3;
const chapters = [tellChecksum, tellCounters, tellRing, tellPrivateMap, tellPolicies];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      once: { type: "boolean", default: false },
      listen: { type: "string", default: "127.0.0.1:7400" },
      folder: { type: "string", default: "./volume" },
    },
  });
  const folder = resolve(values.folder);
  mkdirSync(folder, { recursive: true });
  const stopped = untilStopped();
  const story = new Story();

  const home = await within(20, "the start of the home", startHome({ folder, listen: values.listen }));
  home.on("warning", (message) => console.error(`the home: ${message}`));
  home.on("fenced", ({ name, reason }) => console.error(`the home: ${name} is fenced: ${reason}`));
  console.log(`A home serves ${folder} at ${home.url}.`);
  const crew = new Crew(nodeCount, home.url);
  try {
    const volume = await connect(home.url, { name: "main", timeout: 10_000 });
    const pids = await crew.all("hello", () => ({}));
    console.log(`Three nodes have connected: processes ${pids.join(", ")}.`);
    for (const tell of chapters) await within(120, `the chapter ${tell.name}`, tell({ story, crew, volume, folder }));
    tellCosts(story, await crew.metrics());
    if (!values.once) {
      await crew.all("stay", () => ({}));
      await crew.all("storeOwn", (index) => ({ index }));
      await using page = await Dashboard.start(home, { host: "127.0.0.1", port: 0 });
      tellNext(home.url, page.url);
      await stopped;
    }
    await within(
      20,
      "closing",
      crew.end().then(() => volume.close()),
    );
  } finally {
    crew.kill();
  }
  await within(20, "the end of the home", home.close());
  console.log(story.wrong === 0 ? "\nEvery value was exact." : `\n${story.wrong} values were wrong.`);
  return story.wrong === 0 ? 0 : 1;
}

function untilStopped(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  for (const line of explain(error)) console.error(line);
  process.exit(1); // Whatever still hangs may not keep this process.
}
