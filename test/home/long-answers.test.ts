import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answerBytesMax, FrameType } from "../../src/core/wire/frame.js";
import { type Home, startHome } from "../../src/home/index.js";
import { connect, type Volume } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { RawNode } from "./raw-node.js";

const skip = lacksUserfaultfd();
const leaseMillis = 30_000;
let home: Home;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0", leaseMillis });
});
after(() => home.close());

/** A node, that nothing has cut off when it is closed. */
async function withVolume(act: (volume: Volume) => Promise<void>): Promise<void> {
  let disconnects = 0;
  await using volume = await connect(home.url);
  volume.on("disconnect", () => disconnects++);
  await act(volume);
  assert.equal(disconnects, 0);
}

test("a file of 20,000 segments: `tokens` tells as many as fit, and how many there are", { skip }, async () => {
  const { node } = await RawNode.greet(home.port, "a node with many tokens");
  const segments = 20_000;
  const { file } = await node.request("open", { name: "many", create: true, size: 2 * segments * 4096 });
  for (let page = 0; page < segments; page++) node.acquire(file, 2, 2 * page, 2 * page + 1);
  node.send({ type: FrameType.ping });
  await node.next(FrameType.pong);
  await withVolume(async (volume) => {
    const told = await volume.tokens("many", { timeout: 10_000 });
    assert.equal(told.segmentCount, segments);
    assert.ok(told.segments.length > 3000 && told.segments.length < segments, `${told.segments.length} are told`);
    assert.deepEqual([told.segments[0].start, told.segments[0].mode], [0, "write"]);
  });
  assert.equal((await home.tokens("many"))?.segments.length, segments, "in its own process nothing is left out");
  node.socket.destroy();
});

test("the status of a home with very many nodes and long names fits into an answer, and counts all", {
  skip,
}, async () => {
  const nodes: RawNode[] = [];
  const name = "\u0001".repeat(1000);
  for (let count = 0; count < 60; count++) {
    const { node } = await RawNode.greet(home.port, name);
    nodes.push(node);
    for (let each = 0; each < 10; each++) {
      await node.request("open", {
        name: `${"folder".repeat(40)}/${name.slice(0, 240)}${count}-${each}`,
        create: true,
      });
    }
  }
  await withVolume(async (volume) => {
    const status = await volume.status({ timeout: 10_000 });
    assert.ok(JSON.stringify(status).length < answerBytesMax);
    assert.ok(status.nodeCount > 60 && status.nodes.length < 60, `${status.nodes.length} nodes are told`);
    assert.ok(status.openFiles >= 600 && status.files.length < 600, `${status.files.length} files are told`);
  });
  for (const node of nodes) node.send({ type: FrameType.goodbye });
  for (const node of nodes) await node.closed();
});

test("files with very long names are listed, all of them", { skip }, async () => {
  const { node } = await RawNode.greet(home.port, "a node with long names");
  const names = Array.from({ length: 400 }, (_, index) => {
    return `${`${"long".repeat(60)}/`.repeat(15)}${String(index).padStart(4, "0")}`;
  });
  for (const name of names) {
    const { file } = await node.request("open", { name, create: true });
    await node.request("close", { file });
  }
  await withVolume(async (volume) => {
    const files = await volume.list({ prefix: "long", timeout: 10_000 });
    assert.deepEqual(
      files.map(({ name }) => name),
      names,
    );
  });
  node.socket.destroy();
});

test("a name that is longer than any request is an error of who says it alone", { skip }, async () => {
  const name = "long/".repeat(60_000);
  await withVolume(async (volume) => {
    const others = [volume.status(), volume.list()];
    await assert.rejects(volume.stat(name), { code: "DMMAP_BAD_NAME" });
    await assert.rejects(volume.open(name, { create: true }), { code: "DMMAP_BAD_NAME" });
    await assert.rejects(volume.lstat(name.slice(0, 200_000)), { code: "DMMAP_UNSUPPORTED" });
    await Promise.all(others);
  });
});
