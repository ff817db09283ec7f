import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameFlag, FrameType } from "../../src/core/wire/frame.js";
import { claimedLocksMax } from "../../src/core/wire/tree-requests.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until, within } from "../support/until.js";
import { FakeHome, type Peer } from "./fake-home.js";

const file = 3;

test("a lock that is released while its node says what it holds is released when the file is closed", {
  skip: lacksUserfaultfd(),
}, async () => {
  await using home = await FakeHome.speaking();
  const peers = new Set<Peer>();
  const asked: string[] = [];
  home.onRequest = (peer, { op }) => {
    peers.add(peer);
    asked.push(op);
    if (op === "open") return { file, size: 4096, policy: "optimal", created: false };
    return op === "claimLocks" ? undefined : {}; // The first part is not answered.
  };
  home.onFrame = (peer, { type, request }) => {
    if (type === FrameType.lock) peer.send(FrameType.locked, { request, flags: FrameFlag.delegated });
  };
  await using volume = await connect(home.url);
  const open = await volume.open("file");
  const locks = [];
  for (let at = 0; at <= claimedLocksMax; at++) locks.push(await open.lock(2 * at, 1, "exclusive"));
  for (const peer of peers) peer.send(FrameType.recallLocks, { file });
  await until("the node says what it holds", () => asked.includes("claimLocks"));
  const released = locks[0].release();
  await within("the close", open.close());
  await within("the release", released);
  assert.equal(asked.filter((op) => op === "claimLocks").length, 1);
});
