import { Worker } from "node:worker_threads";
import { Mapping } from "../../src/mapping/index.js";

/** A node: a process that maps the file, and gives all of it up when the server says so. */
const [, , path, size] = process.argv;
const mapping = await Mapping.create({
  size: Number(size),
  hooks: new URL("./hooks.js", import.meta.url),
  data: path,
  onMessage: (want) => process.send?.(want),
});
const handle = mapping.map().share();
// The program runs in a thread of its own: this one has to be free for the server while a touch waits for a page.
const program = new Worker(new URL("./program.js", import.meta.url), { workerData: handle });

process.on("message", (message: string) => {
  if (message === "grant") mapping.post("grant");
  else if (message === "revoke") void giveUp();
  else if (message === "stop") void stop();
  else program.postMessage(message);
});
program.on("message", (answer) => process.send?.(answer));

/** The RFC's order: nobody touches the pages any more, what was stored is written, and only then they go. */
async function giveUp(): Promise<void> {
  mapping.post("revoke");
  mapping.unmapMappingRange(0, 0);
  await mapping.writeMappingRange(0, 0);
  await mapping.evictMappingRange(0, 0);
  process.send?.("release");
}

async function stop(): Promise<void> {
  await Promise.all([program.terminate(), mapping.close()]);
  process.disconnect();
}
