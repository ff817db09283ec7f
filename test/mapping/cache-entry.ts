import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import { type FaultHandler, Pager } from "../../src/mapping/pager.js";
import { type Method, type Reply, runPagerThread } from "../../src/mapping/pager-commands.js";

/** A page cache driven from the test: every verb is a call, every fault an event. */
export type Verb =
  | "allowWrite"
  | "evict"
  | "install"
  | "installZeros"
  | "markClean"
  | "openView"
  | "poison"
  | "protect"
  | "resolve"
  | "retry"
  | "setSize"
  | "sweep"
  | "unmap"
  | "closeView";

await runPagerThread((_data, emit) => {
  const pager = new Pager();
  const handler: FaultHandler = {
    noPage: (_cache, page, write) => emit("noPage", { page, write }),
    wpPage: (_cache, page) => emit("wpPage", { page, write: true }),
  };
  const cache = pager.createCache({ name: "test", sizeBytes: 64 * 4096, handler });
  cache.onTouch = (page) => emit("touch", { page, write: false });
  const bytes = new NativeBuffer(64 * 4096);
  const methods: Record<string, Method> = {
    verb: ({ verb, args }: { verb: Verb; args: number[] }, reply: Reply) => {
      reply((cache[verb] as (...values: number[]) => unknown).apply(cache, args));
    },
    fill: ({ start, end, value }: { start: number; end: number; value: number }, reply) => {
      bytes.bytes.fill(value);
      cache.writeBytes(start, bytes.address, (end - start) * 4096);
      reply();
    },
    state: ({ page }: { page: number }, reply) =>
      reply({
        cached: cache.isCached(page),
        dirty: cache.nextDirty(page, page + 1) === page,
        writable: cache.isWritable(page),
        waiting: cache.waiting(page),
        waitingWrite: cache.waitingWrite(page),
      }),
    counts: (_args: unknown, reply) => {
      const { cachedPages, dirtyPages, sweepStart, sweepEnd } = cache;
      reply({ cachedPages, dirtyPages, sweepStart, sweepEnd, ofPager: pager.cachedPages });
    },
    later: ({ millis }: { millis: number }, reply) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
      emit("later", { page: -1, write: false });
      reply("late");
    },
    fail: (_args: unknown, reply) => {
      reply.fail(Object.assign(new Error("refused"), { code: "DMMAP_BUSY" }));
    },
    throwRange: () => {
      throw new RangeError("out of it");
    },
  };
  return { pager, methods };
});
