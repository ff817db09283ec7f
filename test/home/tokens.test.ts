import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FrameFlag, FrameType } from "../../src/core/wire/frame.js";
import { type Home, startHome } from "../../src/home/index.js";
import { lockRequest, page, RawNode } from "./raw-node.js";

const everything = { start: 0, end: 2 ** 41 };
let home: Home;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
});
after(() => home.close());

/** Two nodes that have one new file of 1000 pages open. */
async function pair(name: string) {
  const { node: a } = await RawNode.greet(home.port, "a");
  const { node: b } = await RawNode.greet(home.port, "b");
  const { file } = await a.request("open", { name, create: true, size: 1000 * 4096 });
  const opened = await b.request("open", { name });
  assert.equal(opened.file, file, "one open file has one number");
  const close = () => [a, b].forEach((node) => node[Symbol.dispose]());
  return { a, b, file, [Symbol.dispose]: close };
}

test("a lone node is granted all it could use, with the pages it needs", async () => {
  using pairOf = await pair("lone");
  const { a, file } = pairOf;
  const grant = await a.granted(a.acquire(file, 1, 5, 6, { ...everything, extra: 6 }));
  assert.deepEqual([grant.mode, grant.start, grant.end], [1, 0, 2 ** 41]);
  assert.deepEqual([grant.dataStart, grant.dataEnd, grant.flags, grant.payloadBytes], [5, 6, FrameFlag.zero, 0]);
});

test("R1, R2: a revoke goes out, and the grant only when its release is in; then the bytes are seen", async () => {
  using pairOf = await pair("hand-over");
  const { a, b, file } = pairOf;
  const first = await a.granted(a.acquire(file, 2, 3, 4, everything));
  const asked = b.acquire(file, 1, 3, 4, { start: 2, end: 5 });
  const revoke = await a.next(FrameType.revoke);
  assert.deepEqual([revoke.mode, revoke.start, revoke.end], [1, 3, 4]);
  assert.deepEqual([revoke.dataStart, revoke.dataEnd], [2, 5], "what the asker could use");
  await b.settled();
  assert.equal(b.story(), "", "nothing before the release");
  a.write(file, 3, page(77));
  a.release(file, 1, 3, 4, revoke.epoch);
  const grant = await b.granted(asked);
  assert.deepEqual([grant.mode, grant.dataStart, grant.dataEnd], [1, 3, 4]);
  assert.deepEqual(grant.payload, page(77));
  assert.ok(grant.epoch > first.epoch);
  await a.next(FrameType.written);
});

test("R12: an upgrade carries no data; the other reader gives way first", async () => {
  using pairOf = await pair("upgrade");
  const { a, b, file } = pairOf;
  await a.granted(a.acquire(file, 1, 0, 1));
  await b.granted(b.acquire(file, 1, 0, 1));
  const asked = a.acquire(file, 2, 0, 1);
  const revoke = await b.next(FrameType.revoke);
  b.release(file, 0, 0, 1, revoke.epoch);
  const grant = await a.granted(asked);
  assert.deepEqual([grant.mode, grant.dataStart === grant.dataEnd, grant.flags], [2, true, 0]);
});

test("a window behind the page needed comes as data frames, holes as a flag, clipped to the file", async () => {
  using pairOf = await pair("window");
  const { a, b, file } = pairOf;
  await a.granted(a.acquire(file, 2, 0, 1, everything));
  a.write(file, 100, page(1, 200));
  a.write(file, 500, page(2, 1));
  a.release(file, 0, 0, 2 ** 41, Number.MAX_SAFE_INTEGER);
  const asked = b.acquire(file, 1, 100, 101, { ...everything, extra: 5000 });
  const grant = await b.granted(asked);
  assert.deepEqual([grant.dataStart, grant.dataEnd], [100, 101]);
  assert.equal(grant.flags, FrameFlag.more | FrameFlag.unstable, "more follows, and none of it has been synced (R20)");
  const frames = await b.data(asked);
  let next = 101;
  for (const frame of frames) {
    assert.equal(frame.dataStart, next, "in order, without gaps");
    assert.equal(frame.epoch, grant.epoch);
    const isZero = (frame.flags & FrameFlag.zero) !== 0;
    const filled = next < 300 ? 1 : next === 500 ? 2 : 0;
    assert.equal(isZero, filled === 0, `pages ${frame.dataStart}..${frame.dataEnd}`);
    if (!isZero) assert.deepEqual(frame.payload, page(filled, frame.dataEnd - frame.dataStart));
    next = frame.dataEnd;
  }
  assert.equal(next, 1000);
});

test("fetch needs a token, and answers with the bytes or a failure", async () => {
  using pairOf = await pair("fetch");
  const { a, b, file } = pairOf;
  const grant = await a.granted(a.acquire(file, 2, 0, 10));
  await a.outcome(a.write(file, 0, page(9, 10)), FrameType.written);
  const frames = await a.data(a.fetch(file, 2, 8, grant.epoch));
  assert.deepEqual(Buffer.concat(frames.map((frame) => frame.payload)), page(9, 6));
  const request = b.fetch(file, 2, 8, grant.epoch);
  const failure = await b.next(FrameType.failure);
  // Its number is the file's, as a node counts: it names that.
  assert.deepEqual([failure.json.code, failure.request, failure.file], ["DMMAP_FENCED", request, file]);
});

test("a write without the token changes nothing, is told and counted", async () => {
  using pairOf = await pair("forbidden");
  const { a, b, file } = pairOf;
  await a.granted(a.acquire(file, 2, 0, 1));
  await a.outcome(a.write(file, 0, page(1)), FrameType.written);
  const { counters: before } = await home.status();
  await assert.rejects(b.outcome(b.write(file, 0, page(2)), FrameType.written), { code: "DMMAP_FENCED" });
  await assert.rejects(a.outcome(a.write(file, 0, page(2, 2)), FrameType.written), { code: "DMMAP_FENCED" });
  const { counters } = await home.status();
  assert.equal(counters.writesRefused, before.writesRefused + 2);
  const frames = await a.data(a.fetch(file, 0, 1, 1));
  assert.deepEqual(frames[0].payload, page(1));
});

test("R5: a truncate is answered when every node lives by it", async () => {
  using pairOf = await pair("truncate");
  const { a, b, file } = pairOf;
  const asked = a.ask("truncate", { file, size: 5000 });
  const [resizeA, resizeB] = [await a.next(FrameType.resize), await b.next(FrameType.resize)];
  assert.deepEqual([resizeA.extra, resizeB.extra], [5000, 5000]);
  a.send({ type: FrameType.resized, file, epoch: resizeA.epoch });
  await a.settled();
  assert.equal(a.story(), "");
  b.send({ type: FrameType.resized, file, epoch: resizeB.epoch });
  assert.deepEqual(await a.answer(asked), { size: 5000 });
  assert.equal((await b.request("stat", { name: "truncate" })).size, 5000);
});

test("the simple policy grants whole files, one node at a time", async () => {
  const { node: a } = await RawNode.greet(home.port, "a");
  const { node: b } = await RawNode.greet(home.port, "b");
  const { file, policy } = await a.request("open", { name: "simple", create: true, size: 8192, policy: "simple" });
  assert.equal((await b.request("open", { name: "simple", policy: "optimal" })).policy, policy);
  const grant = await a.granted(a.acquire(file, 1, 0, 1));
  assert.deepEqual([grant.mode, grant.start, grant.end], [2, 0, 2 ** 41]);
  const asked = b.acquire(file, 1, 1, 2);
  const revoke = await a.next(FrameType.revoke);
  assert.deepEqual([revoke.mode, revoke.start, revoke.end], [0, 0, 2 ** 41]);
  a.send({ type: FrameType.goodbye });
  assert.equal((await b.granted(asked)).mode, 2, "a goodbye gives everything back");
  await a.closed();
  b.socket.destroy();
});

test("R16: locks queue across nodes, and a cancelled wait is answered", async () => {
  using pairOf = await pair("locks");
  const { a, b, file } = pairOf;
  const shared = lockRequest({ file, type: "shared", wait: true });
  await a.request("setLock", lockRequest({ file }));
  await assert.rejects(b.request("setLock", { ...shared, wait: false }), { code: "DMMAP_BUSY" });
  const cancelled = b.ask("setLock", { ...shared, owner: "one" });
  const waiting = b.ask("setLock", { ...shared, owner: "other" });
  await b.request("cancelLock", { request: cancelled });
  await assert.rejects(b.answer(cancelled), { code: "DMMAP_ABORTED" });
  await a.request("setLock", lockRequest({ file, type: "none" }));
  await b.answer(waiting);
  await b.request("cancelLock", { request: waiting }); // Too late: it is there.
  await assert.rejects(a.request("setLock", lockRequest({ file })), { code: "DMMAP_BUSY" });
});

test("R16: a lock brings the pages that its node wants, if they are free when it is given", async () => {
  using pairOf = await pair("lock-pages");
  const { a, b, file } = pairOf;
  const { epoch } = await a.granted(a.acquire(file, 2, 0, 1));
  await a.request("setLock", lockRequest({ file }));
  const pages = [
    { request: 2 ** 31, mode: 2, start: 0, end: 1 },
    { request: 2 ** 31 + 1, mode: 2, start: 1, end: 2 },
  ] as const;
  const waiting = b.ask("setLock", lockRequest({ file, wait: true, pages }));
  await b.settled();
  await a.granted(a.acquire(file, 1, 1, 2));
  a.write(file, 0, page(7));
  a.release(file, 0, 0, 1, epoch);
  await a.request("setLock", lockRequest({ file, type: "none" }));
  await b.answer(waiting);
  const grants = b.heard.filter(({ type }) => type === FrameType.grant);
  assert.deepEqual(
    grants.map(({ request, mode, start, end, payload }) => [request, mode, start, end, payload[0]]),
    [[2 ** 31, 2, 0, 1, 7]],
  );
  await a.settled();
  assert.ok(!a.heard.some(({ type }) => type === FrameType.revoke), "nobody is asked to give way for that");
});

test("R16, I25: a node that is alone with a file's locks decides about them, until another one asks", async () => {
  using pairOf = await pair("delegated");
  const { a, b, file } = pairOf;
  const flags: number[] = [];
  for (let count = 0; count < 8; count++) {
    const { flags: told } = await a.outcome(a.ask("setLock", lockRequest({ file, start: count })), FrameType.locked);
    flags.push(told);
  }
  assert.deepEqual(flags, [0, 0, 0, 0, 0, 0, 0, FrameFlag.delegated]);
  const first = b.ask("setLock", lockRequest({ file, owner: "b", wait: true }));
  const second = b.ask("setLock", lockRequest({ file, owner: "c", start: 5, end: 6 }));
  const third = b.ask("testLock", lockRequest({ file, owner: "b" }));
  assert.equal((await a.next(FrameType.recallLocks)).file, file);
  await b.settled();
  assert.ok(!b.heard.some(({ request }) => [first, second, third].includes(request)), "nothing is decided yet");
  // All that it has by now: the first bytes it has given up, without a word.
  await a.request("claimLocks", { file, locks: [lockRequest({ file, start: 5 })], more: false });
  await assert.rejects(b.answer(second), { code: "DMMAP_BUSY" });
  assert.equal(((await b.answer(third)) as { lock: { start: number } }).lock.start, 5);
  await a.request("setLock", lockRequest({ file, type: "none" }));
  await b.answer(first);
  await a.settled();
  assert.equal(a.heard.filter(({ type }) => type === FrameType.recallLocks).length, 0, "it is asked once");
});

test("files are listed, renamed and removed while open; status and tokens tell", async () => {
  using pairOf = await pair("control");
  const { a, b, file } = pairOf;
  await a.granted(a.acquire(file, 2, 0, 7));
  await b.granted(b.acquire(file, 1, 8, 9));
  await a.request("rename", { from: "control", to: "controlled/by" });
  const tokens = (await b.request("tokens", { name: "controlled/by" })) as { segments: object[]; epoch: number };
  assert.deepEqual(tokens.segments.length, 2);
  assert.deepEqual(tokens.segments[0], { ...tokens.segments[0], name: "a", mode: "write", start: 0, end: 7 });
  const status = await home.status();
  const found = status.files.find(({ name }) => name === "controlled/by");
  assert.deepEqual(found && [found.nodes, found.segments, found.readers, found.writers], [2, 2, 1, 1]);
  assert.equal(((await a.request("status", {})) as typeof status).boot, status.boot);
  assert.ok((await a.request("list", { prefix: "control" })).files.some(({ name }) => name === "controlled/by"));
  await a.request("remove", { name: "controlled/by" });
  await assert.rejects(a.request("stat", { name: "controlled/by" }), { code: "DMMAP_NOT_FOUND" });
  await a.outcome(a.write(file, 0, page(1)), FrameType.written);
  await a.request("close", { file });
  await a.request("close", { file });
});

test("R9: an answer under way is cut when its range is revoked, and nothing of it follows the revoke", async () => {
  const name = "cut";
  const pages = 16_384;
  const { node: a } = await RawNode.greet(home.port, "a");
  const { node: b } = await RawNode.greet(home.port, "b");
  const { file } = await a.request("open", { name, create: true, size: pages * 4096 });
  await b.request("open", { name });
  await a.granted(a.acquire(file, 2, 0, 1, everything));
  for (let start = 0; start < pages; start += 256) a.write(file, start, page(3, 256));
  await a.settled();
  a.release(file, 1, 0, 2 ** 41, Number.MAX_SAFE_INTEGER);
  a.socket.pause(); // Reads nothing: the answer stays under way.
  const asked = a.fetch(file, 0, pages, 1);
  let streaming = 0;
  while (streaming === 0) streaming = (await home.status()).nodes.reduce((sum, node) => sum + node.streamPages, 0);
  const wanted = b.acquire(file, 2, 0, pages, everything);
  await b.settled();
  const { counters } = await home.status();
  assert.ok(counters.cutStreams > 0);
  a.socket.resume();
  const revoke = await a.next(FrameType.revoke);
  const after = a.heard.length;
  await a.settled();
  assert.equal(a.heard.slice(after).filter(({ type }) => type === FrameType.data).length, 0);
  const last = a.heard.findLast(({ type, request }) => type === FrameType.data && request === asked);
  assert.deepEqual([last?.flags, last?.dataStart], [0, last?.dataEnd], "ended by an empty frame");
  assert.ok((last?.dataEnd ?? 0) < pages);
  a.release(file, 0, revoke.start, revoke.end, revoke.epoch);
  await b.granted(wanted);
  a.socket.destroy();
  b.socket.destroy();
});
