import { isAsyncFunction } from "node:util/types";
import type { CacheView, ViewOptions } from "./cache-view.js";
import { HookedMapping, type HookedMappingOptions } from "./hooked-mapping.js";
import type { Hooks } from "./hooks.js";
import { Pager } from "./pager.js";
import { type Emit, type Method, type PagerProgram, type Reply, runPagerThread } from "./pager-commands.js";

/** The pager thread of all mappings that share a hooks module. */
export interface EntryData {
  readonly hooks: string;
  readonly spinMicros: number | undefined;
}

/** What the calls carry: the mapping's number, and a range or a view. */
export interface CreateCall extends HookedMappingOptions {
  readonly mapping: number;
}
export interface RangeCall {
  readonly mapping: number;
  readonly start: number;
  readonly length: number;
}
export interface OpenViewCall extends ViewOptions {
  readonly mapping: number;
}
export interface CloseViewCall {
  readonly mapping: number;
  readonly view: CacheView["id"];
}
export interface TruncateCall {
  readonly mapping: number;
  readonly size: number;
}
export interface MessageCall {
  readonly mapping: number;
  readonly message: unknown;
}

const hookNames = ["start", "noPage", "wpPage", "writePages", "onMessage", "stop"] as const satisfies (keyof Hooks)[];

await runPagerThread(async (data, emit) => {
  const { hooks, spinMicros } = data as EntryData;
  return serve(await importHooks(hooks), new Pager({ spinMicros }), emit);
});

async function importHooks(url: string): Promise<Hooks> {
  const hooks = (await import(url)) as Partial<Hooks>;
  if (typeof hooks.noPage !== "function") throw new TypeError(`the hooks module ${url} exports no function noPage`);
  const asynchronous = hookNames.find((name) => isAsyncFunction(hooks[name]));
  // It would never go on behind its first await, and a thread sleep for ever.
  if (asynchronous !== undefined)
    throw new TypeError(
      `the hooks module ${url}: ${asynchronous} is async, and no promise is settled on the pager thread`,
    );
  return hooks as Hooks;
}

function serve(hooks: Hooks, pager: Pager, emit: Emit): PagerProgram {
  const mappings = new Map<number, HookedMapping>();
  const find = (call: { mapping: number }) => {
    const found = mappings.get(call.mapping);
    if (found === undefined) throw Object.assign(new Error("this mapping is closed"), { code: "DMMAP_CLOSED" });
    return found;
  };
  const settle = (reply: Reply) => (error?: unknown) => (error === undefined ? reply() : reply.fail(error));
  const methods: Record<string, Method> = {
    create: (call: CreateCall, reply) => {
      const post = (message: unknown) => emit("message", { mapping: call.mapping, message });
      mappings.set(call.mapping, new HookedMapping(pager, hooks, call, post));
      reply(pager.uffdAccess);
    },
    openView: (call: OpenViewCall, reply) => reply(find(call).cache.openView(call)),
    closeView: (call: CloseViewCall, reply) => {
      mappings.get(call.mapping)?.cache.closeView(call.view);
      reply();
    },
    unmap: (call: RangeCall, reply) => reply(find(call).unmapMappingRange(call.start, call.length)),
    write: (call: RangeCall, reply) => find(call).writeMappingRange(call.start, call.length, settle(reply)),
    evict: (call: RangeCall, reply) => find(call).evictMappingRange(call.start, call.length, settle(reply)),
    truncate: (call: TruncateCall, reply) => reply(find(call).truncate(call.size)),
    message: (call: MessageCall, reply) => reply(find(call).onMessage(call.message)),
    close: (call: { mapping: number }, reply) => {
      find(call).close();
      mappings.delete(call.mapping);
      reply();
    },
  };
  return { pager, methods, onStop: (done) => writeAll([...mappings.values()], done) };
}

/** A process that ends leaves its stores behind, as with any mapped file. */
function writeAll(mappings: readonly HookedMapping[], done: () => void): void {
  let left = mappings.length + 1;
  const finish = () => {
    if (--left === 0) done();
  };
  for (const mapping of mappings) mapping.writeMappingRange(0, 0, finish);
  finish();
}
