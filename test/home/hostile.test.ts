import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { dataPagesMax, FrameType, headerBytes, payloadBytesMax } from "../../src/core/wire/frame.js";
import { type Home, startHome } from "../../src/home/index.js";
import { until } from "../support/until.js";
import { lockRequest, page, RawNode } from "./raw-node.js";

let home: Home;
let bystander: RawNode;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0", helloMillis: 400 });
  bystander = (await RawNode.greet(home.port, "bystander")).node;
});
after(async () => {
  await bystander.settled(); // Nobody else was disturbed.
  await home.close();
});

function header(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt32LE(headerBytes, 0);
  bytes[4] = FrameType.ping;
  bytes[7] = 0xda;
  change(bytes);
  return bytes;
}

async function cutOff(node: RawNode, code: string, message: RegExp): Promise<void> {
  const { json } = await node.next(FrameType.closing);
  assert.equal(json.code, code);
  assert.match(String(json.message), message);
  await node.closed();
}

const greetings: [string, string | Buffer, string, RegExp][] = [
  [
    "another protocol",
    "GET / HTTP/1.1\r\nHost: home\r\nAccept: */*\r\nUser-Agent: something long enough\r\n\r\n",
    "DMMAP_PROTOCOL",
    /not a dmmap frame/,
  ],
  ["a frame that is no hello", header(() => undefined), "DMMAP_PROTOCOL", /first frame/],
  ["a frame shorter than its header", header((bytes) => bytes.writeUInt32LE(10, 0)), "DMMAP_PROTOCOL", /shorter/],
  [
    "a frame that is too long",
    header((bytes) => bytes.writeUInt32LE(payloadBytesMax * 2, 0)),
    "DMMAP_PROTOCOL",
    /longer/,
  ],
  ["a frame of 4 GiB", header((bytes) => bytes.writeUInt32LE(0xffff_ffff, 0)), "DMMAP_PROTOCOL", /longer/],
  [
    "a hello beyond measure",
    header((bytes) => {
      bytes[4] = FrameType.hello;
      bytes.writeUInt32LE(1_000_000, 0);
    }),
    "DMMAP_PROTOCOL",
    /at most/,
  ],
];
for (const [what, bytes, code, message] of greetings) {
  test(`cut off, with a reason: ${what}`, async () => {
    const { counters: before } = await home.status();
    const node = await RawNode.connect(home.port);
    node.socket.write(bytes);
    await cutOff(node, code, message);
    assert.equal((await home.status()).counters.protocolErrors, before.protocolErrors + 1);
  });
}

/** Deeper than what goes through it by calling itself can follow. */
const nested = "[".repeat(100_000) + "]".repeat(100_000);

const hellos: [string, string, string, RegExp][] = [
  ["no JSON", "hello", "DMMAP_PROTOCOL", /no JSON object/],
  ["no UTF-8", "\ud800", "DMMAP_PROTOCOL", /JSON/],
  ["another protocol", '{"protocol":"nfs","version":1,"name":"x"}', "DMMAP_PROTOCOL", /"nfs"/],
  ["another version", '{"protocol":"dmmap","version":2,"name":"x"}', "DMMAP_VERSION", /version 1, the node 2/],
  ["no name", '{"protocol":"dmmap","version":1}', "DMMAP_PROTOCOL", /name/],
  ["a protocol without a bottom", `{"protocol":${nested}}`, "DMMAP_PROTOCOL", /of type object/],
  ["a version without a bottom", `{"protocol":"dmmap","version":${nested}}`, "DMMAP_VERSION", /of type object/],
  ["a name without a bottom", `{"protocol":"dmmap","version":1,"name":${nested}}`, "DMMAP_PROTOCOL", /name/],
  ["a protocol of any length", `{"protocol":"${"x".repeat(200_000)}"}`, "DMMAP_PROTOCOL", /^.{90,200}$/],
];
for (const [what, text, code, message] of hellos) {
  test(`a hello refused: ${what}`, async () => {
    const node = await RawNode.connect(home.port);
    node.send({ type: FrameType.hello }, text);
    await cutOff(node, code, message);
  });
}

test("who says nothing, or half a hello, is cut off", async () => {
  const silent = await RawNode.connect(home.port);
  const half = await RawNode.connect(home.port);
  half.socket.write(
    header((bytes) => {
      bytes[4] = FrameType.hello;
      bytes.writeUInt32LE(200, 0);
    }).subarray(0, 40),
  );
  await cutOff(silent, "DMMAP_PROTOCOL", /no hello/);
  await cutOff(half, "DMMAP_PROTOCOL", /no hello/);
});

test("a hello one byte at a time is a hello", async () => {
  const node = await RawNode.connect(home.port);
  const text = '{"protocol":"dmmap","version":1,"name":"slow"}';
  const bytes = Buffer.concat([
    header((head) => {
      head[4] = FrameType.hello;
      head.writeUInt32LE(headerBytes + text.length, 0);
    }),
    Buffer.from(text),
  ]);
  for (const byte of bytes) await new Promise((resolve) => node.socket.write(Buffer.of(byte), resolve));
  await node.next(FrameType.welcome);
  node.socket.destroy();
});

const wrongFrames: [string, (node: RawNode, file: number) => void, RegExp][] = [
  ["a second hello", (node) => node.send({ type: FrameType.hello }, "{}"), /does not send/],
  ["a grant", (node, file) => node.send({ type: FrameType.grant, file }), /does not send/],
  ["data of no file", (node) => node.send({ type: FrameType.data, file: 99 }), /does not send/],
  ["a ping with a payload", (node) => node.send({ type: FrameType.ping }, "x"), /carries none/],
  ["an acquire of nothing", (node, file) => node.send({ type: FrameType.acquire, file, mode: 1 }), /of nothing/],
  ["an acquire of no mode", (node, file) => node.send({ type: FrameType.acquire, file, dataEnd: 1 }), /of nothing/],
  [
    "a range backwards",
    (node, file) => node.send({ type: FrameType.fetch, file, dataStart: 2, dataEnd: 1 }),
    /bad data range/,
  ],
  ["half a page", (node, file) => node.send({ type: FrameType.fetch, file, dataEnd: 0.5 }), /bad data range/],
  [
    "a page beyond 2^41",
    (node, file) => node.send({ type: FrameType.fetch, file, dataEnd: 2 ** 42 }),
    /bad data range/,
  ],
  ["no number", (node, file) => node.send({ type: FrameType.release, file, epoch: Number.NaN }), /bad epoch/],
  ["a short write", (node, file) => node.send({ type: FrameType.write, file, dataEnd: 2 }, page(1)), /payload of 4096/],
  [
    "a write too long",
    (node, file) => node.send({ type: FrameType.write, file, dataEnd: dataPagesMax + 1 }, page(1)),
    /pages in one frame/,
  ],
  ["a request that is no JSON", (node) => node.send({ type: FrameType.request }, "[1]"), /no JSON object/],
];
for (const [what, send, message] of wrongFrames) {
  test(`a session cut off: ${what}`, async () => {
    const { node } = await RawNode.greet(home.port);
    const { file } = await node.request("open", { name: "hostile", create: true, size: 4096 });
    send(node, file);
    await cutOff(node, "DMMAP_PROTOCOL", message);
  });
}

test("requests that make no sense fail, each with its code, and the session goes on", async () => {
  const { node } = await RawNode.greet(home.port);
  const { file } = await node.request("open", { name: "sense", create: true, size: 4096 });
  const refused: [string, object, string][] = [
    ["conquer", {}, "DMMAP_UNSUPPORTED"],
    ["__proto__", {}, "DMMAP_UNSUPPORTED"],
    ["open", {}, "DMMAP_UNSUPPORTED"],
    ["open", { name: "../x", create: true }, "DMMAP_BAD_NAME"],
    ["open", { name: "/etc/passwd" }, "DMMAP_BAD_NAME"],
    ["open", { name: "none" }, "DMMAP_NOT_FOUND"],
    ["open", { name: "sense", create: true, exclusive: true }, "DMMAP_EXISTS"],
    ["open", { name: "new", create: true, size: -1 }, "DMMAP_BAD_RANGE"],
    ["open", { name: "new", create: true, size: 1.5 }, "DMMAP_BAD_RANGE"],
    ["open", { name: "new", create: true, policy: "best" }, "DMMAP_UNSUPPORTED"],
    ["truncate", { file, size: 2 ** 53 }, "DMMAP_BAD_RANGE"],
    ["truncate", { file, size: 1e300 }, "DMMAP_BAD_RANGE"],
    ["truncate", { file: 12_345, size: 1 }, "DMMAP_CLOSED"],
    ["setLock", lockRequest({ file, start: -1 }), "DMMAP_BAD_RANGE"],
    ["setLock", lockRequest({ file, start: 5, end: 5 }), "DMMAP_BAD_RANGE"],
    ["setLock", lockRequest({ file, end: 2 ** 53 }), "DMMAP_BAD_RANGE"],
    ["setLock", lockRequest({ file: 12_345 }), "DMMAP_CLOSED"],
    ["list", { limit: 0 }, "DMMAP_UNSUPPORTED"],
  ];
  for (const [op, body, code] of refused) {
    await assert.rejects(node.answer(node.ask(op, body)), { code }, `${op} ${JSON.stringify(body)}`);
  }
  for (const [what, body] of [
    ["op", `{"op":${nested}}`],
    ["a name", `{"op":"open","name":${nested}}`],
    ["a part of a list", `{"op":"claimLocks","file":1,"locks":[${nested}]}`],
  ]) {
    const request = 1_000_000;
    node.send({ type: FrameType.request, request }, body);
    await assert.rejects(node.answer(request), { code: "DMMAP_UNSUPPORTED" }, `${what} without a bottom`);
  }
  for (const [request, type] of [
    [node.fetch(77, 0, 1, 1), FrameType.data],
    [node.write(77, 0, page(1)), FrameType.written],
  ]) {
    await assert.rejects(node.outcome(request, type), { code: "DMMAP_CLOSED" });
  }
  await assert.rejects(node.sync(77), { code: "DMMAP_CLOSED" });
  const { counters: before } = await home.status();
  node.release(77, 0, 0, 1, 1);
  node.send({ type: FrameType.resized, file: 77, epoch: 3 });
  await node.settled();
  assert.equal((await home.status()).counters.framesIgnored, before.framesIgnored + 2, "late news is no crime");
  node.socket.destroy();
});

test("random bytes and mutated frames never stop the home", async () => {
  const mutated = fc.tuple(
    fc.constantFrom(...Object.values(FrameType)),
    fc.uint8Array({ minLength: 57, maxLength: 57 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(mutated, { maxLength: 20 }), fc.uint8Array({ maxLength: 300 }), async (frames, noise) => {
      const { node } = await RawNode.greet(home.port, "fuzz");
      const { file } = await node.request("open", { name: "fuzz", create: true, size: 100_000 });
      for (const [type, bytes] of frames) {
        node.socket.write(
          header((head) => {
            head.set(bytes, 5);
            head[4] = type;
            head[5] = bytes[0] % 3;
            head[7] = 0xda;
            head.writeUInt32LE(file, 8);
          }),
        );
        node.send({
          type,
          file,
          mode: 2,
          request: 1,
          dataStart: bytes[1] % 30,
          dataEnd: 30,
          end: bytes[2],
          epoch: bytes[3],
          extra: bytes[4],
        });
      }
      node.socket.end(noise);
      await node.closed();
    }),
    { numRuns: 60 },
  );
  await bystander.settled();
});

test("a slow reader holds up nobody, and the home's memory does not follow what it asked for", async () => {
  const { node: slow } = await RawNode.greet(home.port, "slow");
  const pages = 65_536;
  const { file } = await slow.request("open", { name: "large", create: true, size: pages * 4096 });
  await slow.granted(slow.acquire(file, 2, 0, 1, { end: pages }));
  for (let start = 0; start < pages; start += 256) {
    slow.write(file, start, page(5, 256));
    if (start % 4096 === 0) await slow.settled();
  }
  await slow.settled();
  const before = await home.status();
  slow.socket.pause();
  for (let count = 0; count < 200; count++) slow.fetch(file, 0, pages, 1); // 50 GiB, were it all made at once.
  await until("it is under way", async () => (await home.status()).nodes.some((node) => node.streamPages > pages));
  const { file: other } = await bystander.request("open", { name: "other", create: true, size: 4096 });
  for (let round = 0; round < 100; round++) {
    const grant = await bystander.granted(bystander.acquire(other, 2, 0, 1));
    bystander.release(other, 0, 0, 1, grant.epoch);
  }
  const after = await home.status();
  const grown = after.memory.residentBytes - before.memory.residentBytes;
  assert.ok(grown < 32 * 1024 * 1024, `resident memory grew by ${grown}`);
  slow.socket.destroy();
});

test("a peer that sends requests and never reads is not read from either: the home's memory is bounded", async () => {
  const { node: flooder } = await RawNode.greet(home.port, "flooder");
  flooder.socket.pause();
  for (let count = 0; count < 20_000; count++) flooder.ask("status", {});
  await bystander.settled();
  const { memory } = await home.status();
  assert.ok(memory.residentBytes < 400 * 1024 * 1024, `resident memory is ${memory.residentBytes}`);
  flooder.socket.destroy();
});
