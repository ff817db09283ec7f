import { once } from "node:events";
import { mkdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { DmmapError } from "../../core/error.js";
import type { Home, HomeOptions } from "../../home/index.js";
import { say } from "../../kernel/standard-error.js";
import type { FencedEvent } from "../../observe/status.js";
import { defineCommand, UsageError } from "../command.js";
import { compileEarly } from "../compile-early.js";
import { parseSeconds } from "../duration.js";
import { type Page, pageOptions, startPage } from "../page.js";
import { parsePolling, pollingOptions } from "../polling.js";

const defaultFolder = "./volume";
const defaultListen = "127.0.0.1:7400";
const signals = ["SIGINT", "SIGTERM"] as const;
/** What a home takes. */
const leaseSeconds = { min: 0.02, max: 86_400 };

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
      description: `default ${defaultListen}; port 0: any free one; PORT alone: this machine only`,
    },
    lease: {
      type: "string",
      value: "SECONDS",
      description: `how long a silent node keeps its tokens: ${leaseSeconds.min} to ${leaseSeconds.max} (default 10)`,
    },
    ...pageOptions,
    ...pollingOptions,
    json: { type: "boolean", description: "say where it listens as one line {url, http, folder, pid}" },
  },
  notes: [
    "Serves the files of the folder in place, byte for byte, until SIGINT or SIGTERM, which end it",
    "cleanly; a second one ends it at once. Whoever reaches the port can read and write the files:",
    "there is no authentication.",
    "Its page shows who is connected and who holds what, now and over the last minutes; below it",
    "are /status (JSON), /events (the same every second) and /metrics (for Prometheus).",
  ],
  examples: [
    "dmmap serve",
    "dmmap serve /srv/shared --listen 10.0.0.5:7400",
    "dmmap serve --listen 127.0.0.1:0 --http none --json",
  ],
  async run([folder], options) {
    const leaseMillis = options.lease === undefined ? undefined : parseSeconds(options.lease, "--lease", leaseSeconds);
    const path = await folderPath(folder);
    const stopped = untilStopped();
    compileEarly();
    const home = await start({
      folder: path,
      listen: options.listen ?? defaultListen,
      ...(leaseMillis === undefined ? {} : { leaseMillis }),
      ...parsePolling(options),
    });
    report(home);
    const page = await pageOf(home, options.http);
    if (options.json) console.log(JSON.stringify({ url: home.url, http: page.url, folder: path, pid: process.pid }));
    else announce(home, path, page);

    const signal = await Promise.race([stopped, brokenHome(home)]);
    if (!options.json) console.log(`${signal}: closing`);
    await home.close();
  },
});

/**
 * Only the default is made. A folder that was named and is not there is a slip of the keyboard, or a disk that is not
 * mounted: to serve an empty one in its place would hide that.
 */
async function folderPath(folder: string | undefined): Promise<string> {
  if (folder === undefined) await mkdir(defaultFolder, { recursive: true });
  const path = resolve(folder ?? defaultFolder);
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true) return path;
  if (stats !== undefined)
    throw new DmmapError("DMMAP_BAD_FOLDER", `${path} is no folder`, { remedy: "name a folder" });
  const remedy = `mkdir -p ${path}, or mount its disk`;
  throw new DmmapError("DMMAP_BAD_FOLDER", `there is no folder ${path}`, { remedy });
}

/** What the library calls a caller's mistake came from the command line here. */
async function start(options: HomeOptions): Promise<Home> {
  const { startHome } = await import("../../home/index.js");
  try {
    return await startHome(options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

async function pageOf(home: Home, place: string | undefined): Promise<Page> {
  try {
    return await startPage(home, place);
  } catch (error) {
    await home.close();
    throw error;
  }
}

function announce(home: Home, path: string, page: Page): void {
  console.log(`dmmap serves ${path} at ${home.url}; Ctrl-C ends it`);
  if (page.url !== null) console.log(`its page: ${page.url}`);
  else if (page.why !== "") console.log(`it has no page: ${page.why}`);
}

function report(home: Home): void {
  home.on("warning", (message) => say(message));
  home.on("fenced", (event) => say(describeFenced(event)));
}

function describeFenced({ node, name, reason, files }: FencedEvent): string {
  const ranges = files.flatMap((file) =>
    file.ranges.map(([start, end]) => `${file.name} pages ${start} to ${end - 1}`),
  );
  const lost = ranges.length === 0 ? "it held nothing for writing" : `unsent stores are lost in ${ranges.join(", ")}`;
  return `node ${node} (${name}) is fenced, ${reason}: ${lost}`;
}

async function brokenHome(home: Home): Promise<never> {
  const [error] = (await once(home, "error")) as [Error];
  throw error;
}

/** The second signal ends the process at once, as if nobody had listened. */
function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((done) => {
    const onSignal = (signal: NodeJS.Signals) => {
      for (const each of signals) process.off(each, onSignal);
      done(signal);
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}
