import { connect, type Volume } from "dmmap";
import { checksum } from "./chapters/checksum.js";
import { addToCounters } from "./chapters/counters.js";
import { mixReadsAndAdds } from "./chapters/policies.js";
import { lookAtPrivateMap, storeShared, writePrivateMap } from "./chapters/private-map.js";
import { receive, send } from "./chapters/ring.js";
import { stay, storeOwn } from "./chapters/stay.js";
import type { Answer, Question } from "./crew.js";

const tasks = {
  checksum,
  addToCounters,
  send,
  receive,
  writePrivateMap,
  storeShared,
  lookAtPrivateMap,
  mixReadsAndAdds,
  stay,
  storeOwn,
  metrics: async (volume: Volume, _: object) => await volume.metrics(),
  hello: async (_volume: Volume, _: object) => process.pid,
};

export type Tasks = typeof tasks;
export type TaskName = keyof Tasks;
export type TaskResult<Name extends TaskName> = Awaited<ReturnType<Tasks[Name]>>;

const [url, name] = process.argv.slice(2);
process.on("SIGINT", () => undefined); // Ctrl-C is for the main program, which then ends its nodes.
const volume = await connect(url, { name, timeout: 10_000 });

process.on("message", (question: Question) => {
  const task = tasks[question.task] as (volume: Volume, args: object) => Promise<unknown>;
  task(volume, question.args).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => void volume.close());

function answer(message: Answer): void {
  process.send?.(message);
}
