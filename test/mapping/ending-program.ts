import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { Mapping } from "../../src/mapping/index.js";

/** A program with a live mapping that ends in the way its argument says: see process.test.ts. */
const say = (line: string) => writeSync(1, `${line}\n`);
const written = new SharedArrayBuffer(4);
let tell: (message: unknown) => void = () => undefined;
const mapping = await Mapping.create({
  size: 16 * 4096,
  hooks: new URL("./ending-hooks.js", import.meta.url),
  data: { written },
  onMessage: (message) => tell(message),
});
const view = mapping.map();
const bytes = new Uint8Array(view.buffer);
bytes[0] = 1;
process.on("exit", () => say(`written ${new Int32Array(written)[0]} on exit`));

/** A thread that sleeps in a fault that nobody answers. */
async function startBlocked(page: number): Promise<Worker> {
  const worker = new Worker(new URL("./program-worker.js", import.meta.url), {
    workerData: { handles: [view.share()] },
  });
  await new Promise((resolve) => worker.once("message", resolve));
  if (page === 0) return worker;
  const asked = new Promise((resolve) => (tell = resolve));
  worker.postMessage({ do: "load", index: page * 4096, value: 0 });
  await asked;
  return worker;
}

const endings: Record<string, () => unknown> = {
  returns: () => undefined,
  exits: () => process.exit(3),
  throws: () =>
    setImmediate(() => {
      throw new Error("an uncaught one");
    }),
  exitsWithThreadInFault: async () => {
    await startBlocked(9);
    process.exit(4);
  },
  exitsWithIdleThread: async () => {
    await startBlocked(0);
    process.exit(5);
  },
  returnsWithUnreferencedThreadInFault: async () => (await startBlocked(9)).unref(),
  hookThrows: () => bytes[10 * 4096],
  awaitsWriteBack: async () => {
    mapping.post("slow");
    const done = mapping.writeMappingRange(0, 0);
    say("writing");
    await done;
    say("done");
  },
};
say(`value ${bytes[0]}`);
await endings[process.argv[2]]();
