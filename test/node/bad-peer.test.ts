import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { FrameType, headerBytes, payloadBytesMax } from "../../src/core/wire/frame.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FakeHome, frameBytes, welcome } from "./fake-home.js";

const skip = lacksUserfaultfd();

/** Whoever connects is sent these bytes, and then perhaps the end of the stream. */
async function connectTo(bytes: Uint8Array, end: boolean): Promise<unknown> {
  await using home = await FakeHome.start((socket) => {
    socket.write(bytes);
    if (end) socket.end();
  });
  return await connect(home.url, { timeout: 4000 }).then(
    async (volume) => {
      await volume.close();
      return undefined;
    },
    (error: unknown) => (error as { code?: string }).code ?? error,
  );
}

function json(type: FrameType, body: unknown): Buffer {
  return frameBytes(type, {}, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));
}

/** Deeper than what goes through it by calling itself can follow. */
const nested = "[".repeat(100_000) + "]".repeat(100_000);

for (const [what, bytes] of [
  ["random bytes", randomBytes(4096)],
  ["zeros", new Uint8Array(4096)],
  ["an HTTP answer", Buffer.from(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n${" ".repeat(64)}`)],
  ["a frame that is too long", withLength(payloadBytesMax + headerBytes + 1)],
  ["a frame of 4 GiB", withLength(0xffff_ffff)],
  ["a frame that is shorter than its header", withLength(10)],
  ["a control frame that is too long", json(FrameType.welcome, " ".repeat(2 ** 20))],
  ["the banner of another protocol, and waits", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n")],
  ["a welcome that is no JSON", json(FrameType.welcome, "{nonsense")],
  ["a welcome that is a number", json(FrameType.welcome, "7")],
  ["a welcome that says nothing", json(FrameType.welcome, {})],
  ["a welcome with nonsense in it", json(FrameType.welcome, { ...welcome, leaseMillis: "soon", session: 5 })],
  ["a welcome with an impossible lease", json(FrameType.welcome, { ...welcome, leaseMillis: -1 })],
  ["another frame than a welcome", json(FrameType.reply, {})],
  ["pages instead of a welcome", frameBytes(FrameType.data, { dataStart: 0, dataEnd: 1 }, new Uint8Array(4096))],
  ["a version without a bottom", json(FrameType.welcome, `{"version":${nested}}`)],
  ["a closing with a reason without a bottom", json(FrameType.closing, `{"code":"DMMAP_IO","message":${nested}}`)],
  ["a closing with a reason that is no text", json(FrameType.closing, { message: { toString: 1, valueOf: 1 } })],
  ["a closing without a reason", json(FrameType.closing, {})],
] as const) {
  test(`what sends ${what} is no home`, { skip }, async () => {
    assert.ok(["DMMAP_PROTOCOL", "DMMAP_UNREACHABLE"].includes(String(await connectTo(bytes, true))), "and hangs up");
    const code = await connectTo(bytes, false);
    assert.ok(
      ["DMMAP_PROTOCOL", "DMMAP_TIMEOUT", "DMMAP_UNREACHABLE"].includes(String(code)),
      `and waits: ${String(code)}`,
    );
  });
}

test("random bytes are told from a home at once", { skip }, async () => {
  assert.equal(await connectTo(randomBytes(4096), false), "DMMAP_PROTOCOL");
});

test("an HTTP server is no home", { skip }, async () => {
  const server = createServer((_request, response) => response.end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await assert.rejects(connect(`dmmap://127.0.0.1:${port}`, { timeout: 8000 }), { code: "DMMAP_PROTOCOL" });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a silent server ends the patience of whoever connects, or the node's own", { skip }, async () => {
  await using home = await FakeHome.start(() => undefined);
  await assert.rejects(connect(home.url, { timeout: 100 }), { code: "DMMAP_TIMEOUT" });
  await assert.rejects(connect(home.url, { signal: AbortSignal.timeout(100) }), { code: "DMMAP_ABORTED" });
  await assert.rejects(connect(home.url), { code: "DMMAP_UNREACHABLE" });
  await until("no connection is left behind", () => home.sockets.size === 0);
});

test("a home of another version says so, or is found out", { skip }, async () => {
  const refusal = json(FrameType.closing, { code: "DMMAP_VERSION", message: "this home speaks version 9" });
  assert.equal(await connectTo(refusal, true), "DMMAP_VERSION");
  assert.equal(await connectTo(json(FrameType.welcome, { ...welcome, version: 9 }), false), "DMMAP_VERSION");
});

test("a greeting that is cut short is no greeting, at any byte", { skip }, async () => {
  const whole = json(FrameType.welcome, welcome);
  for (const length of [1, 7, headerBytes - 1, headerBytes, headerBytes + 1, whole.length - 1]) {
    assert.equal(await connectTo(whole.subarray(0, length), true), "DMMAP_UNREACHABLE", `${length} bytes`);
  }
  assert.equal(await connectTo(whole, false), undefined, "the whole of it is one");
});

function withLength(frameLength: number): Buffer {
  const bytes = Buffer.concat([frameBytes(FrameType.welcome, {}), Buffer.alloc(256)]);
  bytes.writeUInt32LE(frameLength, 0);
  return bytes;
}
