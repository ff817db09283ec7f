import assert from "node:assert/strict";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { assertLevel } from "../support/level.js";
import { lacksUserfaultfd } from "../support/requires.js";

const skip = lacksUserfaultfd();

test("of connections that were closed neither threads, descriptors nor memory are left", { skip }, async () => {
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  await assertLevel(async () => {
    const volume = await connect(home.url);
    const file = await volume.open("file", { create: true, size: 4096 });
    await file.write(0, new Uint8Array(4096).fill(1));
    await file.sync();
    const map = await file.map();
    new Uint8Array(map.buffer)[0]++;
    await map.close();
    await file.close();
    await volume.close();
  }, 1);
  await home.close();
});

test("of connections that failed neither threads, descriptors nor memory are left", { skip }, async () => {
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  await home.close();
  await assertLevel(() => assert.rejects(connect(home.url), { code: "DMMAP_UNREACHABLE" }), 1);
});

test("of homes that were closed neither threads, descriptors nor memory are left", async () => {
  await assertLevel(async () => {
    const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
    const volume = await connect(home.url);
    await volume.close();
    await home.close();
  }, 2);
});
