import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Mode, pageMax } from "../../src/core/units.js";
import { type Frame, FrameFlag, FrameType } from "../../src/core/wire/frame.js";
import { connect } from "../../src/index.js";
import { ClusterNode } from "../cluster/cluster-node.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FakeHome, frameBytes, type Peer } from "./fake-home.js";

const skip = lacksUserfaultfd();
const pageBytes = 4096;
const page = new Uint8Array(pageBytes).fill(7);
const file = 3;

/** A home that serves one file of 16 pages, sevens at first, as a home does. */
async function soundHome(): Promise<{ home: FakeHome; peer: () => Peer }> {
  const home = await FakeHome.speaking();
  let current: Peer | undefined;
  home.onRequest = (peer, { op }) => {
    current = peer;
    return op === "open" ? { file, size: 16 * pageBytes, policy: "optimal", created: false } : {};
  };
  const bytes = new Uint8Array(16 * pageBytes).fill(7);
  home.onFrame = (peer, frame, payload) => serve(peer, frame, payload, bytes);
  return { home, peer: () => current as Peer };
}

let epoch = 0;
/** What is written back is kept: a revoke may be heard at any time, and its pages are asked for again. */
function serve(peer: Peer, frame: Frame, payload: Uint8Array, bytes: Uint8Array): void {
  const { request, mode, dataStart, dataEnd } = frame;
  if (frame.type === FrameType.acquire) {
    const tokens = { start: dataStart, end: dataEnd, epoch: ++epoch, extra: dataEnd };
    const pages = bytes.subarray(dataStart * pageBytes, dataEnd * pageBytes);
    peer.send(FrameType.grant, { file, request, mode, dataStart, dataEnd, ...tokens }, pages);
  } else if (frame.type === FrameType.sync) {
    peer.send(FrameType.synced, { file, request });
  } else if (frame.type === FrameType.write) {
    bytes.set(payload, dataStart * pageBytes);
    peer.send(FrameType.written, { file, request });
  }
}

type Send = (peer: Peer) => void;
const strange: readonly [string, Send][] = [
  [
    "a grant that nobody asked for",
    (peer) => peer.send(FrameType.grant, { file, request: 999, mode: Mode.read, start: 8, end: 9, epoch: 500 }),
  ],
  [
    "a grant of nothing",
    (peer) => peer.send(FrameType.grant, { file, request: 998, mode: Mode.none, start: 8, end: 9, epoch: 501 }),
  ],
  [
    "an old grant",
    (peer) => peer.send(FrameType.grant, { file, request: 1, mode: Mode.write, start: 0, end: 1, epoch: 0 }),
  ],
  [
    "pages that nobody asked for",
    (peer) => peer.send(FrameType.data, { file, request: 77, dataStart: 3, dataEnd: 4, epoch: 1 }, page),
  ],
  [
    "pages beyond the end",
    (peer) => peer.send(FrameType.data, { file, request: 77, dataStart: 1e6, dataEnd: 1e6 + 1, epoch: 1 }, page),
  ],
  [
    "zero pages at the end of the world",
    (peer) =>
      peer.send(FrameType.data, {
        file,
        request: 78,
        dataStart: pageMax - 9,
        dataEnd: pageMax,
        epoch: 1,
        flags: FrameFlag.zero,
      }),
  ],
  [
    "a revoke of what is not held",
    (peer) => peer.send(FrameType.revoke, { file, mode: Mode.none, start: 10, end: 12, epoch: 1 }),
  ],
  [
    "a revoke of everything, from the future",
    (peer) =>
      peer.send(FrameType.revoke, { file, mode: Mode.none, start: 0, end: pageMax, dataEnd: pageMax, epoch: 2 ** 50 }),
  ],
  ["an empty revoke", (peer) => peer.send(FrameType.revoke, { file, mode: Mode.none, start: 5, end: 5, epoch: 1 })],
  [
    "a failure that nobody waits for",
    (peer) => peer.sendJson(FrameType.failure, 12_345, { code: "DMMAP_IO", message: "x" }),
  ],
  ["a reply that nobody waits for", (peer) => peer.sendJson(FrameType.reply, 12_346, {})],
  [
    "frames for a file that is not open",
    (peer) => peer.send(FrameType.revoke, { file: 99, mode: Mode.none, start: 0, end: 1, epoch: 1 }),
  ],
  [
    "pages for a file that is not open",
    (peer) => peer.send(FrameType.data, { file: 99, request: 1, dataStart: 0, dataEnd: 1 }, page),
  ],
  [
    "a second welcome",
    (peer) =>
      peer.sendJson(FrameType.welcome, 0, {
        version: 1,
        node: 2,
        session: "x",
        boot: "y",
        leaseMillis: 10_000,
        state: "new",
      }),
  ],
  [
    "what only nodes send",
    (peer) => peer.send(FrameType.acquire, { file, dataStart: 0, dataEnd: 1, mode: Mode.write }),
  ],
  ["a resize to what it is", (peer) => peer.send(FrameType.resize, { file, epoch: 600, extra: 16 * pageBytes })],
  ["written, of nothing", (peer) => peer.send(FrameType.written, { file, request: 4242 })],
  ["synced, of nothing", (peer) => peer.send(FrameType.synced, { file, request: 4243 })],
];

/** A node that has pages of that home in its map, clean and dirty. */
async function nodeOf(home: FakeHome): Promise<ClusterNode> {
  const node = await ClusterNode.start("node");
  await node.call("connect", { url: home.url });
  await node.call("open", { name: "file.bin" });
  await node.call("map", {});
  assert.equal(await node.call("load", { at: 0 }), 7);
  await node.call("store", { at: pageBytes, value: 8 });
  return node;
}

test("a home that sends what makes no sense kills nobody, and the map goes on", { skip }, async (context) => {
  const { home, peer } = await soundHome();
  await using _home = home;
  await using node = await nodeOf(home);
  for (const [what, send] of strange) {
    await context.test(what, async () => {
      send(peer());
      await node.call("load", { at: 2 * pageBytes }, 5000);
      await node.call("store", { at: 4 * pageBytes, value: 9 }, 5000);
      assert.equal(await node.call("load", { at: 4 * pageBytes }), 9);
    });
  }
});

test("bytes that are no frame end the connection; the node comes back, and its map goes on", {
  skip,
}, async (context) => {
  const { home, peer } = await soundHome();
  await using _home = home;
  await using node = await nodeOf(home);
  for (const [what, bytes] of [
    ["random bytes", randomBytes(10_000)],
    ["a bad range", frameBytes(FrameType.grant, { file, start: 9, end: 3 })],
    ["half a page", frameBytes(FrameType.data, { file, dataStart: 0, dataEnd: 1 }, new Uint8Array(100))],
    ["a fractional page", frameBytes(FrameType.revoke, { file, start: 0.5, end: 3 })],
    ["a negative epoch", frameBytes(FrameType.revoke, { file, start: 0, end: 3, epoch: -1 })],
    ["no number", frameBytes(FrameType.resize, { file, extra: Number.NaN })],
    ["an unknown type", frameBytes(200, { file })],
    ["a reply that is no JSON", frameBytes(FrameType.reply, { request: 1 }, new Uint8Array(100))],
  ] as const) {
    await context.test(what, async () => {
      peer().socket.write(bytes);
      await until("the node is back", async () => (await node.call("events", {})).some((e) => e.event === "reconnect"));
      await node.call("store", { at: 4 * pageBytes, value: 9 }, 5000);
    });
  }
});

test("an answer to open that makes no sense is an error of that open alone", { skip }, async () => {
  const { home } = await soundHome();
  await using _home = home;
  await using node = await nodeOf(home);
  const sound = home.onRequest;
  const size = 16 * pageBytes;
  for (const answer of [
    {},
    { file: "x", size, policy: "optimal" },
    { file: 9, size: -1, policy: "optimal" },
    { file: 9, size: 0.5, policy: "optimal" },
    { file: 9, size: 2 ** 60, policy: "optimal" },
    { file: 9, size, policy: "none" },
    { file: 2 ** 32, size, policy: "optimal" },
  ]) {
    home.onRequest = (...asked) => (asked[1].op === "open" ? answer : sound(...asked));
    await assert.rejects(node.call("open", { name: "other.bin", as: "other" }), { code: "DMMAP_PROTOCOL" });
  }
  assert.equal(await node.call("load", { at: pageBytes }), 8);
});

test("answers and failures that nest without a bottom are errors of who asked", { skip }, async () => {
  const { home } = await soundHome();
  await using _home = home;
  await using volume = await connect(home.url, { timeout: 4000 });
  const nested = "[".repeat(100_000) + "]".repeat(100_000);
  for (const [type, text] of [
    [FrameType.reply, `{"size":${nested}}`],
    [FrameType.failure, `{"code":"DMMAP_IO","message":${nested}}`],
    [FrameType.failure, `{"code":${nested},"message":"x"}`],
  ] as const) {
    home.onRequest = (peer, { op }, request) => {
      if (op === "stat") peer.send(type, { request }, Buffer.from(text));
      return op === "stat" ? undefined : {};
    };
    await assert.rejects(volume.stat("any", { timeout: 4000 }), { code: "DMMAP_PROTOCOL" });
  }
  const name = "any";
  home.onRequest = () => ({ name });
  assert.equal((await volume.stat(name)).name, name, "its node goes on");
});

test("a page that cannot be read is not taken for the answer to another request of that number", { skip }, async () => {
  const { home, peer } = await soundHome();
  await using _home = home;
  await using node = await ClusterNode.start("node");
  const sound = home.onFrame;
  const fetches: { request: number; dataStart: number; dataEnd: number }[] = [];
  const locks: number[] = [];
  let isStuck = false;
  const answer = (fetch: (typeof fetches)[number]) => {
    const pages = new Uint8Array((fetch.dataEnd - fetch.dataStart) * pageBytes).fill(7);
    peer().send(FrameType.data, { file, epoch, ...fetch }, pages);
  };
  // Tokens come without pages, one at a time: each page is fetched.
  home.onFrame = (to, frame, payload) => {
    const { type, request, mode, dataStart, dataEnd } = frame;
    if (type === FrameType.acquire) {
      to.send(FrameType.grant, { file, request, mode, start: dataStart, end: dataStart + 1, epoch: ++epoch });
    } else if (type === FrameType.fetch && isStuck) fetches.push({ request, dataStart, dataEnd });
    else if (type === FrameType.fetch) answer({ request, dataStart, dataEnd });
    else if (type === FrameType.lock) locks.push(request);
    else sound(to, frame, payload);
  };
  await node.call("connect", { url: home.url });
  await node.call("open", { name: "file.bin" });
  await node.call("map", {});
  const answers = Array.from({ length: 20 }, (_, start) => {
    return node.call("lock", { start, length: 1, mode: "shared", as: `${start}` });
  });
  await until("all are asked", () => locks.length === answers.length);
  for (const at of [15, 3, 12, 6]) assert.equal(await node.call("load", { at: at * pageBytes }), 7);
  isStuck = true;
  const loaded = node.call("load", { at: pageBytes });
  await until("it is fetched", () => fetches.length > 0);
  const [{ request: number }] = fetches;
  assert.ok(locks.includes(number), `locks ${locks.join()}, fetch ${number}`);
  isStuck = false;
  const reason = Buffer.from(JSON.stringify({ code: "DMMAP_IO", message: "a disk that is broken" }));
  peer().send(FrameType.failure, { file, request: number }, reason);
  for (const fetch of fetches.slice(1)) answer(fetch);
  assert.equal(await loaded, 7, "it is fetched again");
  for (const request of locks) peer().send(FrameType.locked, { request });
  await Promise.all(answers);
});
