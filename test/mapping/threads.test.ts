import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { ProgramThreads } from "./program-thread.js";
import { at, Stage } from "./stage.js";

const skip = lacksUserfaultfd();
const threadCount = 4;

async function startThreads(stage: Stage): Promise<ProgramThreads> {
  const handles = [stage.mapping.map().share(), stage.mapping.map({ sharing: "private" }).share()];
  return await ProgramThreads.start(threadCount, ...handles);
}

test("many threads that touch one page make one hook call, and one answer wakes them all", { skip }, async () => {
  await using stage = await Stage.open({ keep: true });
  using started = await startThreads(stage);
  const threads = started.all;
  const touches = threads.map((thread, index) => thread.load(at(3), index % 2));
  await stage.reported(1);
  await stage.mapping.writeMappingRange(0, 0);
  stage.order("answer");
  assert.deepEqual(await Promise.all(touches), [4, 4, 4, 4]);
  assert.equal(stage.calls("noPage"), 1);
});

test("R13: the pager serves other pages, calls and messages while faults are kept", { skip }, async () => {
  await using stage = await Stage.open({ keep: true });
  await using other = await Stage.open();
  using started = await startThreads(stage);
  const threads = started.all;
  const touches = threads.map((thread, page) => thread.load(at(page)));
  await stage.reported(threadCount);
  assert.equal(other.view()[at(2)], 3);
  stage.mapping.unmapMappingRange(0, 0);
  await stage.mapping.evictMappingRange(at(6), 0);
  stage.order("answer");
  assert.deepEqual(await Promise.all(touches), [1, 2, 3, 4]);
});

test("a thread that stores while readers wait is served too", { skip }, async () => {
  await using stage = await Stage.open({ keep: true });
  using started = await startThreads(stage);
  const threads = started.all;
  const reads = [threads[0].load(at(2)), threads[1].load(at(2), 1)];
  await stage.reported(1);
  const write = threads[2].store(at(2), 33);
  const privateWrite = threads[3].store(at(2), 44, 1);
  stage.order("answer");
  await stage.reported(2);
  stage.order("answer");
  const answered = Promise.all([...reads, write, privateWrite]);
  // The store's own fault may come as a wpPage after the page was filled for reading.
  const again = setInterval(() => stage.order("answer"), 5);
  const values = await answered;
  clearInterval(again);
  assert.ok([3, 33].includes(values[0]), `${values[0]}`);
  assert.equal(await threads[0].load(at(2)), 33);
  assert.equal(await threads[0].load(at(2), 1), 44);
});

test("races of many threads with evict and unmap stall nobody and show no wrong byte", {
  skip,
  timeout: 60_000,
}, async () => {
  await using stage = await Stage.open({ pages: 16 });
  using started = await startThreads(stage);
  const threads = started.all;
  const end = performance.now() + 2000;
  let rounds = 0;
  const runs = () => rounds < 500 || performance.now() < end;
  const scans = threads.map((thread, index) =>
    thread.repeat({ do: "scan", view: index % 2, index: 0, value: 50 }, runs),
  );
  for (; runs(); rounds++) {
    const page = (rounds * 7) % 16;
    if (rounds % 3 === 0) stage.mapping.unmapMappingRange(at(page), at(2));
    else await stage.mapping.evictMappingRange(at(page), at(4));
  }
  for (const touches of await Promise.all(scans)) assert.ok(touches > 0);
});

test("readers and counting writers on one page, through evictions, in two shared views", {
  skip,
  timeout: 60_000,
}, async () => {
  await using stage = await Stage.open();
  stage.disk.fill(0);
  using one = await ProgramThreads.start(2, stage.mapping.map().share());
  using two = await ProgramThreads.start(2, stage.mapping.map().share());
  const threads = [...one.all, ...two.all];
  const evictions = 300;
  let done = 0;
  const counts = threads.map((thread) =>
    thread.repeat({ do: "count", index: at(2), value: 10_000 }, () => done < evictions),
  );
  for (; done < evictions; done++) await stage.mapping.evictMappingRange(at(2), 1);
  const sum = (await Promise.all(counts)).reduce((total, count) => total + count, 0);
  assert.equal(new Uint32Array(stage.view().buffer)[at(2) / 4], sum);
});

test("R19: the memory of a closed view is given back when its buffers are collected", { skip }, async () => {
  await using stage = await Stage.open();
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const cells = Array.from({ length: 20 }, () => {
    const view = stage.mapping.map({ length: at(1) });
    const { cell } = view.share();
    view.close();
    return new Int32Array(cell);
  });
  await until("the closed views' addresses are free", () => {
    collect();
    return cells.every(([buffers]) => buffers === -1);
  });
});
