import { hostname } from "node:os";
import { DmmapError, type ErrorCode } from "../core/error.js";
import { pageBytes } from "../core/units.js";
import { lacksCpuLatency } from "../kernel/cpu-latency.js";
import type { Polling } from "../kernel/polling-epoll.js";
import type { PlainError } from "../mapping/pager-commands.js";
import { PagerThread } from "../mapping/pager-thread.js";
import { checkKeys, checkMicros, checkMillis, checkName, checkNodeName, checkOffset } from "./arguments.js";
import { cacheBytesDefault, cacheBytesMin } from "./cache-limits.js";
import type { NodeSetup } from "./node-commands.js";
import { checkPatience, type Patience, within } from "./patience.js";
import { parseHomeUrl, resolveHome } from "./url.js";
import { Volume } from "./volume.js";

export interface ConnectOptions extends Patience {
  /** Memory for cached pages, over all files of the volume. Default 1 GiB; beyond it, cold pages go back to the home. */
  readonly cacheBytes?: number;
  /** How this node is called in the home's status. Default: host name and process id. */
  readonly name?: string;
  /**
   * For how long the pager polls at most before it sleeps, where that has paid of late: saves waking it up. Default 100 where
   * there is more than one processor; 0 for never.
   */
  readonly spinMicros?: number;
  /**
   * While polling pays: idle processors of this machine are to wake up within so many microseconds, by the kernel's CPU latency
   * QoS; at 0 they poll. Takes root, and power. Default: as the system has it.
   */
  readonly cpuLatencyMicros?: number;
  /**
   * Milliseconds after which a thread that waits in a fault gets SIGBUS instead, which ends a Node process. Default none:
   * it waits until the home is back. Needs Linux 6.6.
   */
  readonly faultDeadline?: number;
}

const connectKeys: readonly (keyof ConnectOptions)[] = [
  "cacheBytes",
  "name",
  "spinMicros",
  "cpuLatencyMicros",
  "faultDeadline",
  "signal",
  "timeout",
];

/**
 * Connects this process to a home as a node. Each connection is a node of its own, with its own pager thread and cache.
 *
 * @param url `dmmap://HOST:PORT`
 * @throws DMMAP_BAD_URL, DMMAP_UNREACHABLE, DMMAP_PROTOCOL, DMMAP_VERSION, DMMAP_TIMEOUT, DMMAP_ABORTED, DMMAP_UNSUPPORTED
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Volume> {
  checkKeys(options, connectKeys, "connect");
  const home = parseHomeUrl(checkName(url, "the home's url"));
  const setup = await nodeSetup(url, options);
  let volume: Volume | undefined;
  const thread = await PagerThread.start(new URL("./pager-main.js", import.meta.url), {
    data: setup,
    name: "dmmap pager",
    reviveError,
    onEvent: (event, value) => volume?.onPagerEvent(event, value),
  });
  try {
    await within(`connecting to ${url}`, options, thread.call("connect"));
  } catch (error) {
    await thread.close();
    throw error;
  }
  volume = new Volume(thread, `dmmap://${home.host.includes(":") ? `[${home.host}]` : home.host}:${home.port}`);
  return volume;
}

/** What starts the pager thread of a node. */
export async function nodeSetup(url: string, options: ConnectOptions): Promise<NodeSetup> {
  const home = parseHomeUrl(checkName(url, "the home's url"));
  checkPatience(options);
  const cacheBytes = checkOffset(options.cacheBytes ?? cacheBytesDefault, "cacheBytes");
  if (cacheBytes < cacheBytesMin)
    throw new RangeError(`cacheBytes must be at least ${cacheBytesMin}, not ${cacheBytes}`);
  return {
    ...(await resolveHome(home)),
    name: checkNodeName(options.name ?? `${hostname()} ${process.pid}`),
    cachePages: Math.floor(cacheBytes / pageBytes),
    polling: pollingOf(options),
    faultDeadlineMicros: checkMillis(options.faultDeadline ?? Number.POSITIVE_INFINITY, "faultDeadline") * 1000,
  };
}

/** @throws DMMAP_UNSUPPORTED where idle processors cannot be kept awake */
function pollingOf({ spinMicros, cpuLatencyMicros }: ConnectOptions): Polling {
  const polling = {
    spinMicros: spinMicros === undefined ? undefined : checkMicros(spinMicros, "spinMicros"),
    cpuLatencyMicros: cpuLatencyMicros === undefined ? undefined : checkMicros(cpuLatencyMicros, "cpuLatencyMicros"),
  };
  const lack = cpuLatencyMicros === undefined ? undefined : lacksCpuLatency();
  if (lack !== undefined) throw new DmmapError("DMMAP_UNSUPPORTED", lack.message, lack);
  return polling;
}

/** An error of the pager thread, as the program is to see it. */
export function reviveError({ name, message, code, errno, remedy }: PlainError): Error {
  if (code?.startsWith("DMMAP_")) return new DmmapError(code as ErrorCode, message, { errno, remedy });
  if (name === "RangeError") return new RangeError(message);
  return name === "TypeError" ? new TypeError(message) : new DmmapError("DMMAP_INTERNAL", message);
}
