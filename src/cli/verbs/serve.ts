import { mkdir } from "node:fs/promises";
import { defineCommand } from "../command.js";
import { parseSeconds } from "../duration.js";

const defaultFolder = "./volume";
const defaultListen = "127.0.0.1:7400";

export const serve = defineCommand({
  summary: "be the home of a folder's files",
  arguments: [
    {
      name: "FOLDER",
      description: `what to serve; default ${defaultFolder}, which is made if need be`,
      optional: true,
    },
  ],
  options: {
    listen: {
      type: "string",
      short: "l",
      value: "HOST:PORT",
      description: `default ${defaultListen}; port 0: any free one`,
    },
    lease: { type: "string", value: "SECONDS", description: "how long a silent node keeps its tokens" },
    json: { type: "boolean", description: "say where it listens as one line {url, folder, pid}" },
  },
  notes: [
    "Serves the files of the folder in place, byte for byte, until SIGINT or SIGTERM, which end it",
    "cleanly. Whoever reaches the port can read and write the files: there is no authentication.",
  ],
  examples: [
    "dmmap serve",
    "dmmap serve /srv/shared --listen 10.0.0.5:7400",
    "dmmap serve --listen 127.0.0.1:0 --json",
  ],
  async run([folder], options) {
    const leaseMillis = options.lease === undefined ? undefined : parseSeconds(options.lease, "--lease");
    // Only the default is made: a folder that was named and is not there is a slip of the keyboard.
    if (folder === undefined) await mkdir(defaultFolder, { recursive: true });
    const { startHome } = await import("../../home/index.js");
    const stopped = untilStopped();
    const home = await startHome({
      folder: folder ?? defaultFolder,
      listen: options.listen ?? defaultListen,
      ...(leaseMillis === undefined ? {} : { leaseMillis }),
    });
    if (options.json) console.log(JSON.stringify({ url: home.url, folder: home.folder, pid: process.pid }));
    else console.log(`dmmap serves ${home.folder} at ${home.url}; Ctrl-C ends it`);
    const signal = await stopped;
    if (!options.json) console.log(`${signal}: closing`);
    await home.close();
  },
});

/** The second signal ends the process at once, as if nobody had listened. */
function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
}
