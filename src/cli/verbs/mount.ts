import { openSync } from "node:fs";
import { resolve } from "node:path";
import { asDirectIo, type DirectIo, directIoChoices } from "../../fuse/direct-io.js";
import type { Mount, MountOptions } from "../../fuse/mount.js";
import { say } from "../../kernel/standard-error.js";
import { cacheBytesMin } from "../../node/cache-limits.js";
import { startInBackground } from "../background.js";
import { parseByteSize } from "../byte-size.js";
import { defineCommand, encodeOptions, type OptionValues, UsageError } from "../command.js";
import { compileEarly } from "../compile-early.js";
import { parseSeconds } from "../duration.js";
import { parsePolling, pollingOptions } from "../polling.js";
import { exitOnSignals } from "../volume.js";

const syslog = "syslog";

const mountOptions = {
  "read-only": { type: "boolean", short: "r", description: "nothing can be changed through this mount" },
  "allow-other": { type: "boolean", description: "let other users use it too (always so for root)" },
  foreground: {
    type: "boolean",
    short: "f",
    description: "this process serves the mount (default: one in the background)",
  },
  timeout: {
    type: "string",
    value: "SECONDS",
    description: "fail calls with ETIMEDOUT that wait longer for the home (default: they wait)",
  },
  cache: { type: "string", value: "BYTES", description: "memory for cached pages (default 1G, at least 16M)" },
  name: { type: "string", value: "NAME", description: "what the home calls this node (default: host and process)" },
  ...pollingOptions,
  "direct-io": {
    type: "string",
    value: "WHEN",
    description: "files open for reading and writing bypass the kernel's cache: auto (default), always, never",
  },
  log: {
    type: "string",
    value: "FILE",
    description: "where messages go once mounted (default: syslog, lost without one; with -f standard error)",
  },
  json: { type: "boolean", description: "say when it is mounted as one line {url, mountPoint, pid}" },
} as const;

type MountOptionValues = OptionValues<typeof mountOptions>;

/** What a mount says of itself when it can be used. */
interface Mounted {
  readonly url: string;
  readonly mountPoint: string;
  readonly pid: number;
}

export const mount = defineCommand({
  summary: "mount a home's volume, for any program",
  arguments: [
    { name: "URL", description: "dmmap://HOST:PORT of the home" },
    { name: "MOUNTPOINT", description: "a folder; what is in it is hidden while the volume is mounted" },
  ],
  options: mountOptions,
  notes: [
    "Comes back when it is mounted; a process in the background serves it until it is unmounted, by",
    "`dmmap umount`, umount(8), or SIGINT, SIGTERM or SIGHUP to that process, which write everything back",
    "first. A second signal takes it from under whoever uses it; once nobody does any more, another one",
    "gives up what the home has not taken. A mount whose process has died is",
    "taken away first; on one that is alive nothing is mounted, nor on a folder that a home of this",
    "machine serves, in it or above it.",
  ],
  examples: ["dmmap mount dmmap://10.0.0.5:7400 /mnt/shared", "dmmap mount dmmap://localhost:7400 /mnt/a --read-only"],
  async run([url, mountPoint], options) {
    if (options.foreground) return await serveMount(url, mountPoint, options);
    const args = encodeOptions({ ...options, foreground: true, json: true, log: options.log ?? syslog });
    const outcome = await startInBackground(["mount", ...args, "--", url, mountPoint]);
    if (typeof outcome === "number") return outcome;
    if (options.json) console.log(outcome);
    else console.log(`${url} is mounted on ${(JSON.parse(outcome) as Mounted).mountPoint}`);
    return undefined;
  },
});

async function serveMount(url: string, mountPoint: string, options: MountOptionValues): Promise<void> {
  const settings = settingsOf(options);
  const path = resolve(mountPoint);
  const log = await openLog(options.log);
  const { clearMountPoint, requireNoHome } = await import("../mount-point.js");
  await clearMountPoint(path);
  compileEarly();
  const { mount: mountVolume } = await import("../../fuse/mount.js");
  const endWatch = exitOnSignals(); // Until it is mounted.
  const mounted = await mountVolume(url, path, { ...settings, checkStore: (store) => requireNoHome(path, store) });
  endWatch();
  unmountOnSignals(mounted);
  const facts: Mounted = { url, mountPoint: path, pid: process.pid };
  if (log?.isNowhere) say("no syslog here: what this mount has to say is lost; --log FILE keeps it");
  if (options.json) console.log(JSON.stringify(facts));
  else console.log(`${url} is mounted on ${path}; Ctrl-C unmounts it`);
  if (log !== undefined) await leaveCaller(log);
  const alive = setInterval(() => undefined, 2 ** 30); // The pager's thread alone keeps no process alive.
  await mounted.ended;
  clearInterval(alive);
}

function settingsOf(options: MountOptionValues): MountOptions {
  return {
    readOnly: options["read-only"],
    ...(options["allow-other"] ? { allowOther: true } : {}),
    ...(options.timeout === undefined ? {} : { callTimeout: parseSeconds(options.timeout, "--timeout") }),
    ...(options.cache === undefined ? {} : { cacheBytes: parseCache(options.cache) }),
    ...parsePolling(options),
    ...parseDirectIo(options["direct-io"]),
    ...(options.name === undefined ? {} : { name: options.name }),
  };
}

function parseCache(text: string): number {
  const bytes = parseByteSize(text);
  if (bytes >= cacheBytesMin) return bytes;
  throw new UsageError(`--cache is at least ${cacheBytesMin / 2 ** 20}M, not ${JSON.stringify(text)}`);
}

function parseDirectIo(text: string | undefined): { directIo?: DirectIo } {
  if (text === undefined) return {};
  const directIo = asDirectIo(text);
  if (directIo !== undefined) return { directIo };
  throw new UsageError(`--direct-io is one of ${directIoChoices.join(", ")}, not ${JSON.stringify(text)}`);
}

interface Log {
  readonly fd: number;
  /** Where there is no syslog, as in most containers, and no file was named. */
  readonly isNowhere: boolean;
}

/** Opened before anything is mounted, so that who asked for it hears if that fails. */
async function openLog(log: string | undefined): Promise<Log | undefined> {
  if (log === undefined) return undefined;
  if (log !== syslog) return { fd: openSync(log, "a", 0o640), isNowhere: false };
  const { openSyslog } = await import("../../kernel/log-target.js");
  const fd = openSyslog();
  return { fd: fd ?? openSync("/dev/null", "w"), isNowhere: fd === undefined };
}

/** Whoever asked for the mount waits for this process's output no longer, and its working folder can be unmounted. */
async function leaveCaller({ fd }: Log): Promise<void> {
  const { redirectOutput } = await import("../../kernel/log-target.js");
  redirectOutput(fd);
  process.chdir("/");
}

function unmountOnSignals(mounted: Mount): void {
  let count = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      count++;
      if (count > 1) void mounted.detach();
      else mounted.unmount().catch((error: Error) => say(`${error.message}; once more to take it away`));
    });
  }
}
