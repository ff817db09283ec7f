import { resolve } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import * as v from "valibot";
import { DmmapError } from "../core/error.js";
import { lacksCpuLatency } from "../kernel/cpu-latency.js";
import { createEventFd } from "../kernel/event-fd.js";
import { close } from "../kernel/libc.js";
import { type EngineThread, Home } from "./home.js";
import type { HomeMessage, HomeThreadData, StoreChoice } from "./home-thread.js";
import { resolveListenAddress } from "./listen-address.js";

export type { FencedEvent, HomeStatus } from "../observe/status.js";
export type { Store, StoreFile } from "../store/store.js";
export { Home, type HomeEvents } from "./home.js";
export { defaultPort } from "./listen-address.js";

export interface HomeOptions {
  /** The folder whose files are served, in place. Made when it is not there. */
  readonly folder?: string;
  /** Instead of a folder: memory, or a module (by URL) whose default export makes a `Store`. */
  readonly store?: "memory" | URL;
  /** "HOST:PORT"; port 0 takes any that is free. Default "127.0.0.1:7400". */
  readonly listen?: string;
  /** How long a node that is not heard from keeps its tokens. Default 10 000. */
  readonly leaseMillis?: number;
  /** How long a new connection may take to say hello. Default 5000. */
  readonly helloMillis?: number;
  /**
   * How long the home polls at most before it sleeps, where that has paid of late: it is waited for meanwhile, and nobody has to
   * wake it. Default 100 where there is more than one processor; 0 for never.
   */
  readonly spinMicros?: number;
  /**
   * While polling pays: idle processors of this machine are to wake up within so many microseconds, by the kernel's CPU latency
   * QoS; at 0 they poll. Takes root, and power. Default: as the system has it.
   */
  readonly cpuLatencyMicros?: number;
}

const millis = v.pipe(v.number(), v.integer(), v.minValue(20), v.maxValue(86_400_000));
const micros = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000));
const optionsSchema = v.pipe(
  v.strictObject({
    folder: v.optional(v.pipe(v.string(), v.nonEmpty())),
    store: v.optional(v.union([v.literal("memory"), v.instance(URL)])),
    listen: v.optional(v.string(), "127.0.0.1"),
    leaseMillis: v.optional(millis, 10_000),
    helloMillis: v.optional(millis, 5000),
    spinMicros: v.optional(micros),
    cpuLatencyMicros: v.optional(micros),
  }),
  v.check(({ folder, store }) => (folder === undefined) !== (store === undefined), "either a folder or a store"),
);

/**
 * Starts a home: serves files to nodes until `close()`. Rejects with DMMAP_BAD_FOLDER, DMMAP_PORT_IN_USE,
 * DMMAP_UNREACHABLE (an address this machine does not have), DMMAP_UNSUPPORTED (no `cpuLatencyMicros` here); throws
 * TypeError for options that make no sense.
 */
export async function startHome(options: HomeOptions): Promise<Home> {
  const parsed = v.safeParse(optionsSchema, options);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new TypeError(`startHome: ${v.getDotPath(issue) ?? "options"}: ${issue.message}`);
  }
  const { listen, leaseMillis, helloMillis, spinMicros, cpuLatencyMicros } = parsed.output;
  const lack = cpuLatencyMicros === undefined ? undefined : lacksCpuLatency();
  if (lack !== undefined) throw new DmmapError("DMMAP_UNSUPPORTED", lack.message, lack);
  const address = await resolveListenAddress(listen);
  const { port1, port2 } = new MessageChannel();
  const commandFd = createEventFd();
  const ended = new Int32Array(new SharedArrayBuffer(4));
  const workerData: HomeThreadData = {
    port: port2,
    commandFd,
    ended,
    address,
    store: storeChoice(parsed.output),
    leaseMillis,
    helloMillis,
    polling: { spinMicros, cpuLatencyMicros },
  };
  const worker = new Worker(new URL("./engine-thread.js", import.meta.url), {
    workerData,
    transferList: [port2],
    execArgv: [],
    name: "dmmap-home",
  });
  worker.once("exit", () => close(commandFd));
  return await started({ worker, port: port1, commandFd, ended });
}

function storeChoice({
  folder,
  store,
}: {
  folder?: string | undefined;
  store?: "memory" | URL | undefined;
}): StoreChoice {
  if (folder !== undefined) return { kind: "folder", path: resolve(folder) };
  return store instanceof URL ? { kind: "module", url: store.href } : { kind: "memory" };
}

function started(thread: EngineThread): Promise<Home> {
  const { worker, port } = thread;
  return new Promise((resolve, reject) => {
    worker.once("error", (error) => reject(new DmmapError("DMMAP_INTERNAL", String(error), { cause: error })));
    port.once("message", (message: HomeMessage) => {
      if (message.kind === "ready") return resolve(new Home(thread, message.boot, message.address));
      port.close();
      const error = "error" in message ? message.error : undefined;
      const { code = "DMMAP_INTERNAL", message: text = "the home did not start", remedy } = error ?? {};
      reject(new DmmapError(code, text, { remedy }));
    });
  });
}
