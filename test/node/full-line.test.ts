import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameType } from "../../src/core/wire/frame.js";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { RawNode } from "../home/raw-node.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until, within } from "../support/until.js";

const skip = lacksUserfaultfd();
/** More than the home takes into the line of one file. */
const crowd = 17_000;

test("who finds the line of a file full waits, and is served when there is room: nothing is wrong", {
  skip,
}, async () => {
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0", leaseMillis: 60_000 });
  const { node: holder } = await RawNode.greet(home.port, "holder");
  const { node: many } = await RawNode.greet(home.port, "many");
  const { file } = await holder.request("open", { name: "file", create: true, size: 4096 });
  const { start, end, epoch } = await holder.granted(holder.acquire(file, 2, 0, 1));
  await many.request("open", { name: "file" });
  for (let count = 0; count < crowd; count++) many.acquire(file, 2, 0, 1);
  await many.settled();

  await using volume = await connect(home.url);
  let disconnects = 0;
  volume.on("disconnect", () => disconnects++);
  const opened = await volume.open("file");
  const map = await opened.map();
  const refused = async () => (await home.status()).counters.requestsFailed;
  const before = await refused();
  const reads = [opened.read(0, 4096), map.prefetch(0, 4096, "write")];
  await until("both are refused", async () => (await refused()) >= before + 2);
  many.send({ type: FrameType.goodbye });
  await many.closed();
  holder.release(file, 0, start, end, epoch);
  await within("both are served", Promise.all(reads));
  assert.equal(disconnects, 0);
  await volume.close();
  await home.close();
});
