import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { Frame, FrameFlag, FrameType, frameTypeMax } from "../../src/core/wire/frame.js";
import { encodeLock, lockPayloadMax } from "../../src/core/wire/lock-frame.js";
import { lockRequest, page, RawNode } from "../home/raw-node.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until, within } from "../support/until.js";
import { HomeUnderTest } from "./home-under-test.js";

const leaseMillis = 60_000;
/** How long others are looked at while a flood comes in, and how long they may wait, on a loaded machine too. */
const floodMillis = 2000;
const waitMillisMax = 5000;
const folder = temporaryFolder();
let home: HomeUnderTest;
let witness: RawNode;
let witnessFile: number;

before(async () => {
  home = await HomeUnderTest.start({ folder: folder.path, leaseMillis });
  ({ node: witness } = await RawNode.greet(home.port, "witness"));
  ({ file: witnessFile } = await witness.request("open", { name: "own.bin", create: true, size: 64 * 4096 }));
});
after(async () => {
  witness.socket.destroy();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** An honest node that has nothing to do with the hostile one still gets a token, writes, syncs and reads back. */
async function assertUndisturbed(fill: number): Promise<void> {
  const grant = await within("a grant", witness.granted(witness.acquire(witnessFile, 2, 3, 4)));
  await witness.outcome(witness.write(witnessFile, 3, page(fill)), FrameType.written);
  const data = await witness.data(witness.fetch(witnessFile, 3, 4, grant.epoch));
  assert.equal(Buffer.concat(data.map(({ payload }) => payload))[0], fill);
  witness.release(witnessFile, 0, 3, 4, grant.epoch);
  assert.ok(home.isAlive);
}

/** A node and a file that an honest holder has written, with the hostile one looking on. */
async function stage(name: string) {
  const { node: holder } = await RawNode.greet(home.port, `${name} holder`);
  const { file } = await holder.request("open", { name, create: true, size: 16 * 4096 });
  const grant = await holder.granted(holder.acquire(file, 2, 0, 4));
  await holder.outcome(holder.write(file, 0, page(7, 4)), FrameType.written);
  const { node: hostile } = await RawNode.greet(home.port, `${name} hostile`);
  await hostile.request("open", { name });
  return { holder, hostile, file, epoch: grant.epoch };
}

async function firstByte(node: RawNode, file: number, epoch: number): Promise<number> {
  const data = await node.data(node.fetch(file, 0, 1, epoch));
  return data[0].payload[0];
}

test("a claim on a range that was never granted is refused, and gives nothing", async () => {
  const { holder, hostile, file, epoch } = await stage("claims");
  hostile.send({ type: FrameType.claim, file, mode: 2, start: 0, end: 4, epoch });
  const { refused } = await hostile.request("claimed", { file, epoch, duty: 0 });
  assert.deepEqual(refused, [[0, 4]]);
  await assert.rejects(hostile.outcome(hostile.write(file, 0, page(9)), FrameType.written), { code: "DMMAP_FENCED" });
  assert.equal(await firstByte(holder, file, epoch), 7);
  for (const node of [holder, hostile]) node.socket.destroy();
});

test("R1: what was given up between its claim and the end of the claims stays with who has it by then", async () => {
  const { holder, hostile, file } = await stage("given up");
  const own = await hostile.granted(hostile.acquire(file, 2, 8, 9));
  hostile.send({ type: FrameType.claim, file, mode: 2, start: 8, end: 9, epoch: own.epoch });
  hostile.release(file, 0, 8, 9, own.epoch);
  const grant = await holder.granted(holder.acquire(file, 2, 8, 9));
  await hostile.request("claimed", { file, epoch: own.epoch, duty: 0 });
  await assert.rejects(hostile.outcome(hostile.write(file, 8, page(9)), FrameType.written), { code: "DMMAP_FENCED" });
  await holder.outcome(holder.write(file, 8, page(7)), FrameType.written);
  const again = await holder.granted(holder.acquire(file, 2, 8, 9));
  assert.ok(again.epoch > grant.epoch);
  await assertUndisturbed(6);
  for (const node of [holder, hostile]) node.socket.destroy();
});

test("who claims without end what others hold is cut off, with a reason", async () => {
  const { holder, hostile, file, epoch } = await stage("endless");
  for (let count = 0; count < 70_000; count++) {
    hostile.send({ type: FrameType.claim, file, mode: 2, start: 0, end: 4, epoch });
  }
  const { json } = await within("the end", hostile.next(FrameType.closing));
  assert.equal(json.code, "DMMAP_PROTOCOL");
  assert.match(String(json.message), /without end/);
  assert.equal(await firstByte(holder, file, epoch), 7);
  await assertUndisturbed(8);
  holder.socket.destroy();
});

test("a restore without a right to it is dropped, and counted", async () => {
  const { holder, hostile, file, epoch } = await stage("restores");
  const { counters: before } = await home.status();
  const restore = { type: FrameType.restore, file, dataStart: 0, dataEnd: 1, epoch: epoch + 1000, extra: 1000 };
  hostile.send(restore, page(9));
  await hostile.settled();
  assert.equal(await firstByte(holder, file, epoch), 7);
  assert.ok((await home.status()).counters.framesIgnored > before.framesIgnored);
  for (const node of [holder, hostile]) node.socket.destroy();
});

test("epochs from the future move nothing: not in claims, releases, answers to a resize, or restores", async () => {
  const { holder, hostile, file, epoch } = await stage("future");
  const future = 2 ** 49;
  hostile.send({ type: FrameType.release, file, mode: 0, start: 0, end: 16, epoch: future });
  hostile.send({ type: FrameType.resized, file, epoch: future });
  hostile.send({ type: FrameType.claim, file, mode: 1, start: 8, end: 9, epoch: future });
  await hostile.request("claimed", { file, epoch: future, duty: future });
  const grant = await holder.granted(holder.acquire(file, 2, 8, 9));
  assert.ok(grant.epoch < 1000, `the epoch is ${grant.epoch}`);
  assert.equal(await firstByte(holder, file, epoch), 7);
  hostile.send({ type: FrameType.claim, file, mode: 1, start: 8, end: 9, epoch: 2 ** 52 });
  assert.equal((await hostile.next(FrameType.closing)).json.code, "DMMAP_PROTOCOL");
  holder.socket.destroy();
});

test("a flood of acquires is answered with DMMAP_BUSY, and the others go on", async () => {
  const { holder, hostile, file } = await stage("flood");
  for (let count = 0; count < 20_000; count++) hostile.acquire(file, 2, 0, 4);
  await assertUndisturbed(5);
  const busy = await hostile.take(
    "a refusal",
    ({ type, json }) => type === FrameType.failure && json.code === "DMMAP_BUSY",
  );
  assert.equal(busy.json.code, "DMMAP_BUSY");
  for (const node of [holder, hostile]) node.socket.destroy();
});

type Flood = (hostile: RawNode, file: number, index: number) => unknown;
const floods: Record<string, Flood> = {
  "locks that wait": (hostile, file, index) =>
    hostile.ask("setLock", lockRequest({ file, owner: `owner ${index}`, wait: true })),
  "locks of bytes": (hostile, file, index) =>
    hostile.ask("setLock", lockRequest({ file, start: 2 * index, end: 2 * index + 1 })),
  opens: (hostile, _file, index) => hostile.ask("open", { name: `flood-${index % 100}`, create: true }),
  lists: (hostile) => hostile.ask("list", {}),
  "requests for the status": (hostile) => hostile.ask("status", {}),
};

for (const [what, ask] of Object.entries(floods)) {
  test(`a flood of ${what}: the others go on, and the home's memory is bounded`, async (context) => {
    const { node: hostile } = await RawNode.greet(home.port, "flood");
    const { file } = await hostile.request("open", { name: "flood", create: true, size: 4096 });
    const before = (await home.status()).memory.residentBytes;
    for (let index = 0; index < 20_000; index++) ask(hostile, file, index);
    const start = performance.now();
    let slowest = 0;
    for (let round = 0; performance.now() - start < floodMillis; round++) {
      const asked = performance.now();
      await assertUndisturbed((round % 250) + 1);
      slowest = Math.max(slowest, performance.now() - asked);
    }
    context.diagnostic(`the slowest of the others' rounds took ${Math.round(slowest)} ms`);
    assert.ok(slowest < waitMillisMax, `${slowest} ms`);
    const grown = (await home.status()).memory.residentBytes - before;
    assert.ok(grown < 150 * 2 ** 20, `${grown} bytes more`);
    hostile.socket.destroy();
    await assertUndisturbed(1);
  });
}

const number = fc.oneof(
  fc.nat(20),
  fc.constantFrom(-1, 0.5, 2 ** 31, 2 ** 41, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, -(2 ** 60)),
);
const json = fc.oneof(
  fc.constantFrom("", "{", "[]", "null", '{"op":"claimed"}', '{"op":"open","name":"../up"}', '{"op":"nothing"}'),
  fc
    .record({
      op: fc.constantFrom(
        "open",
        "close",
        "stat",
        "truncate",
        "testLock",
        "claimed",
        "claimLocks",
        "recovered",
        "tokens",
        "cancelLock",
        "status",
      ),
      name: fc.constantFrom("fuzz.bin", "fuzz-2.bin", ""),
      create: fc.boolean(),
      file: number,
      size: fc.nat(100_000),
      start: number,
      length: number,
      end: fc.oneof(number, fc.constant(null)),
      type: fc.constantFrom("shared", "exclusive", "none", "both"),
      kind: fc.constantFrom("posix", "flock", "both"),
      owner: fc.constantFrom("one", "other"),
      pid: number,
      inLine: fc.boolean(),
      wait: fc.boolean(),
      lock: number,
      locks: fc.constant([]),
      more: fc.boolean(),
      request: number,
      epoch: number,
    })
    .map((body) => JSON.stringify(body)),
);
const frame = fc.record({
  type: fc.integer({ min: 0, max: frameTypeMax + 1 }),
  mode: fc.constantFrom(0, 1, 2, 3),
  flags: fc.constantFrom(0, FrameFlag.zero, FrameFlag.needsData, FrameFlag.more, 255),
  // The first files of this session, the witness's, and none.
  file: fc.nat(6),
  request: fc.nat(50),
  start: number,
  end: number,
  dataStart: number,
  dataEnd: number,
  epoch: number,
  extra: number,
});
const step = fc.record({
  frame,
  payload: fc.oneof(
    json,
    fc.nat(3).map((pages) => page(9, pages)),
    fc.uint8Array({ maxLength: 100 }),
  ),
});

const nodeTypes = [
  FrameType.ping,
  FrameType.request,
  FrameType.acquire,
  FrameType.fetch,
  FrameType.write,
  FrameType.release,
  FrameType.sync,
  FrameType.resized,
  FrameType.claim,
  FrameType.restore,
  FrameType.lock,
  FrameType.grow,
  FrameType.growthEnded,
  FrameType.writingEnded,
  FrameType.stored,
] as const;
const lock = fc
  .record({
    owner: fc.constantFrom("one", "other"),
    kind: fc.constantFrom("posix" as const, "flock" as const),
    start: fc.nat(3),
    end: fc.constantFrom(4, 5, null),
    type: fc.constantFrom("shared" as const, "exclusive" as const, "none" as const),
    wait: fc.boolean(),
    inLine: fc.boolean(),
    pages: fc.array(
      fc.record({
        mode: fc.constantFrom(1 as const, 2 as const),
        start: fc.nat(9),
        count: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ pages, ...rest }) => {
    const wanted = pages.map(({ mode, start, count }) => ({ request: 60, mode, start, end: start + count }));
    const payload = new Uint8Array(lockPayloadMax);
    return payload.slice(0, encodeLock({ file: 0, pid: 1, ...rest, pages: wanted }, new DataView(payload.buffer), 0));
  });
/** Each frame could come from an honest node; not in this order, nor with these tokens. */
const soundStep = fc
  .record({
    type: fc.constantFrom(...nodeTypes),
    mode: fc.constantFrom(1, 2),
    file: fc.nat(3),
    request: fc.nat(50),
    start: fc.nat(10),
    count: fc.integer({ min: 1, max: 3 }),
    epoch: fc.nat(30),
    extra: fc.nat(30),
    body: json,
    lock,
  })
  .map(({ type, mode, file, request, start, count, epoch, extra, body, lock }) => {
    const pages = type === FrameType.restore ? 1 : count;
    const range = { start, end: start + pages, dataStart: start, dataEnd: start + pages };
    const carries = type === FrameType.write || type === FrameType.restore;
    const texts: Record<number, string | Uint8Array> = { [FrameType.request]: body, [FrameType.lock]: lock };
    const payload = carries ? page(9, pages) : (texts[type] ?? "");
    const kept = type === FrameType.release ? mode - 1 : mode;
    return { frame: { type, mode: kept, flags: 0, file, request, ...range, epoch, extra }, payload };
  });
const anySteps = fc.oneof(
  fc.array(step, { minLength: 1, maxLength: 25 }),
  fc.array(soundStep, { minLength: 5, maxLength: 40 }),
);

test("valid frames in every wrong order, and invalid ones: the home lives, and nobody else notices", async (context) => {
  const { counters: before } = await home.status();
  let fill = 1;
  const property = fc.asyncProperty(
    anySteps,
    fc.integer({ min: 0, max: 9 }).map((drawn) => drawn > 0),
    async (steps, greets) => {
      const node = greets ? (await RawNode.greet(home.port, "fuzz")).node : await RawNode.connect(home.port);
      if (greets) await node.request("open", { name: "fuzz.bin", create: true, size: 8 * 4096 });
      for (const { frame, payload } of steps) node.send(Object.assign(new Frame(), frame), payload);
      node.send({ type: FrameType.ping });
      await until("it is answered, or sent away with a reason", () => {
        const answered = node.heard.some(({ type }) => type === FrameType.pong || type === FrameType.closing);
        return answered || node.isClosed;
      });
      const closing = node.heard.find(({ type }) => type === FrameType.closing);
      if (closing !== undefined) assert.match(String(closing.json.code), /^DMMAP_/);
      node.send({ type: FrameType.goodbye });
      node.socket.destroy();
      fill = (fill % 250) + 1;
      await assertUndisturbed(fill);
    },
  );
  await fc.assert(property, {
    numRuns: 300,
    ...(process.env.DMMAP_SEED ? { seed: Number(process.env.DMMAP_SEED) } : {}),
  });
  const { counters } = await home.status();
  context.diagnostic(`${counters.protocolErrors - before.protocolErrors} connections refused with a reason`);
  assert.ok(counters.protocolErrors > before.protocolErrors, "refusals are counted");
});
