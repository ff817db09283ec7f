import assert from "node:assert/strict";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";

const skip = lacksUserfaultfd();
const sleeping = new Int32Array(new SharedArrayBuffer(4));

test("a file whose opening is given up is closed again, wherever the answer is by then", { skip }, async () => {
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  const volume = await connect(home.url);
  for (let millis = 0; millis < 100; millis += 5) {
    const giveUp = new AbortController();
    const opening = volume.open(`file ${millis}`, { create: true, signal: giveUp.signal });
    // Home and pager have threads of their own: after some of these the answer lies here, and nobody has looked.
    Atomics.wait(sleeping, 0, 0, millis);
    giveUp.abort();
    await assert.rejects(opening, { code: "DMMAP_ABORTED" });
  }
  await until("nobody has any file open", async () => (await home.status()).openFiles === 0);
  await using file = await volume.open("file 0", { timeout: 10_000 });
  assert.equal((await home.status()).openFiles, 1);
  await file.close();
  await volume.close();
  await home.close();
});
