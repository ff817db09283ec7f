import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { DmmapError } from "../core/error.js";
import { listenError } from "../core/listen-error.js";
import { SystemError } from "../kernel/errno.js";
import { threadBuffers, unmapBuffers } from "../kernel/native-buffer.js";
import { assertPageSize } from "../kernel/page-size.js";
import { listenTcp, localAddress, type SocketAddress } from "../kernel/socket.js";
import type { FileTokensStatus } from "../observe/status.js";
import { FileStore } from "../store/file-store.js";
import { MemoryStore } from "../store/memory-store.js";
import type { Store } from "../store/store.js";
import { Engine } from "./engine.js";
import type { CodedMessage, HomeCommand, HomeMessage, HomeThreadData, StoreChoice } from "./home-thread.js";
import { urlOf } from "./listen-address.js";

// The engine's thread: makes the store and the listener, then loops in the engine until the home is closed.

const data = workerData as HomeThreadData;

try {
  await main();
} catch (error) {
  const stack = error instanceof Error ? error.stack : undefined;
  say({ kind: "broken", error: { code: "DMMAP_INTERNAL", message: String(error) }, stack });
}
unmapBuffers(threadBuffers()); // The store is closed by now.
Atomics.store(data.ended, 0, 1);
Atomics.notify(data.ended, 0);
data.port.close();

async function main(): Promise<void> {
  const started = await start();
  if (started === undefined) return;
  const { engine, address } = started;
  say({ kind: "ready", boot: engine.boot, address });
  const error = engine.run();
  say({ kind: "ended", error: error === undefined ? undefined : coded(error) });
}

/** @returns undefined when the environment does not let it: said to the main thread. */
async function start(): Promise<{ engine: Engine; address: SocketAddress } | undefined> {
  let store: Store | undefined;
  try {
    assertPageSize();
    store = await makeStore(data.store);
    const listener = listen(data.address);
    const address = localAddress(listener);
    return { engine: makeEngine(store, listener, address), address };
  } catch (error) {
    store?.close();
    if (!(error instanceof DmmapError)) throw error;
    say({ kind: "refused", error: coded(error) });
    return undefined;
  }
}

function makeEngine(store: Store, listener: number, address: SocketAddress): Engine {
  const { commandFd, leaseMillis, helloMillis, polling } = data;
  const storeName = data.store.kind === "folder" ? data.store.path : data.store.kind;
  const options = { store, storeName, listener, url: urlOf(address), leaseMillis, helloMillis, polling, commandFd };
  const engine = new Engine(options, {
    onCommand: () => obey(engine),
    onFenced: (event) => say({ kind: "fenced", event }),
    onWarning: (message) => say({ kind: "warning", message }),
  });
  return engine;
}

function obey(engine: Engine): void {
  for (let received = next(); received !== undefined; received = next()) {
    if (received.kind === "status") say({ kind: "answer", call: received.call, answer: engine.status() });
    else if (received.kind === "tokens")
      say({ kind: "answer", call: received.call, answer: tokensOf(engine, received.name) });
    else if (received.kind === "close") engine.close();
    else engine.stop();
  }
}

/** By the name that the status tells: nothing that is asked for here reaches the disk. */
function tokensOf(engine: Engine, name: string): FileTokensStatus | null {
  for (const open of engine.files.all()) if (open.name === name) return engine.tokens(open);
  return null;
}

function next(): HomeCommand | undefined {
  return receiveMessageOnPort(data.port)?.message as HomeCommand | undefined;
}

async function makeStore(choice: StoreChoice): Promise<Store> {
  if (choice.kind === "memory") return new MemoryStore();
  if (choice.kind === "folder") return new FileStore(choice.path);
  return (await storeModule(choice.url))();
}

async function storeModule(url: string): Promise<() => Store> {
  try {
    const { default: makeStore } = (await import(url)) as { default: unknown };
    if (typeof makeStore === "function") return makeStore as () => Store;
  } catch (cause) {
    throw new DmmapError("DMMAP_BAD_FOLDER", `the store ${url} cannot be loaded: ${String(cause)}`, { cause });
  }
  throw new DmmapError("DMMAP_BAD_FOLDER", `the store ${url} has no default export that makes one`);
}

function listen(address: SocketAddress): number {
  try {
    return listenTcp(address);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw listenError(address.host, address.port, error.code, error);
  }
}

function coded({ code, message, remedy }: DmmapError): CodedMessage {
  return { code, message, remedy };
}

function say(message: HomeMessage): void {
  data.port.postMessage(message);
}
