import { once } from "node:events";
import { connect } from "../src/index.js";
import type { Score } from "./ping-pong.js";

/** One player: adds to a shared counter until its time is over. */
const [url, fileName, millis] = process.argv.slice(2);

async function playOnce(): Promise<Score> {
  await using volume = await connect(url);
  await using file = await volume.open(fileName);
  await using map = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
  const counter = new Int32Array(map.buffer, 0, 1);
  const go = once(process, "message");
  process.send?.("ready");
  await go;
  return countUntil(counter, performance.now() + Number(millis));
}

function countUntil(counter: Int32Array, end: number): Score {
  const start = performance.now();
  let increments = 0;
  let handOvers = 0;
  let longestWaitMillis = 0;
  let last = Atomics.load(counter, 0);
  let now = start;
  while (now < end) {
    const before = Atomics.add(counter, 0, 1);
    const after = performance.now();
    longestWaitMillis = Math.max(longestWaitMillis, after - now);
    if (before !== last) handOvers++;
    last = before + 1;
    increments++;
    now = after;
  }
  const elapsedMicros = (now - start) * 1000;
  return { increments, handOvers, longestWaitMicros: longestWaitMillis * 1000, elapsedMicros, last };
}

const score = await playOnce();
process.send?.(score, () => process.disconnect());
