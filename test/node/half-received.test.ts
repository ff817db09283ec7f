import assert from "node:assert/strict";
import { test } from "node:test";
import { Mode } from "../../src/core/units.js";
import { FrameType } from "../../src/core/wire/frame.js";
import { ClusterNode } from "../cluster/cluster-node.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FakeHome, frameBytes, type Peer } from "./fake-home.js";

const skip = lacksUserfaultfd();
const pageBytes = 4096;
const file = 3;
const size = 64 * pageBytes;

test("R9: a revoke that is answered in the middle of a newer grant's pages does not make holes in them", {
  skip,
}, async () => {
  await using home = await FakeHome.speaking();
  home.onRequest = (_peer, { op }) => (op === "open" ? { file, size, policy: "optimal", created: false } : {});
  const rest: { peer: Peer; bytes: Buffer }[] = [];
  const released: number[] = [];
  home.onFrame = (peer, { type, request, mode, dataStart, dataEnd, start }) => {
    const pages = { file, request, mode, dataStart, dataEnd };
    const payload = new Uint8Array((dataEnd - dataStart) * pageBytes).fill(7);
    if (type === FrameType.release) released.push(start);
    if (type === FrameType.fetch) peer.send(FrameType.data, { ...pages, mode: Mode.none, epoch: 3 }, payload);
    if (type !== FrameType.acquire) return;
    if (dataStart === 0) {
      peer.send(FrameType.grant, { ...pages, start: 0, end: 1, epoch: 1, extra: dataEnd }, payload);
    } else {
      const grant = frameBytes(FrameType.grant, { ...pages, start: 4, end: 64, epoch: 3, extra: dataEnd }, payload);
      const half = grant.length - 20 * pageBytes;
      peer.send(FrameType.revoke, { file, mode: Mode.none, start: 0, end: 64, dataEnd: 64, epoch: 2 });
      peer.socket.write(grant.subarray(0, half));
      rest.push({ peer, bytes: grant.subarray(half) });
    }
  };
  await using node = await ClusterNode.start("node");
  await node.call("connect", { url: home.url });
  await node.call("open", { name: "file.bin" });
  await node.call("map", {});
  await node.call("hold", { offset: 0, length: pageBytes, mode: "write" });
  const prefetched = node.call("prefetch", { offset: 4 * pageBytes, length: 40 * pageBytes, mode: "read" });
  await until("half of the pages are on their way", () => rest.length === 1);
  await node.call("release", {});
  await until("the revoke is answered", () => released.length > 0);
  for (const { peer, bytes } of rest) peer.socket.write(bytes);
  await prefetched;
  assert.equal(await node.call("firstUnlike", { at: 4 * pageBytes, length: 40 * pageBytes, value: 7 }), -1);
});
