import assert from "node:assert/strict";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";

const skip = lacksUserfaultfd();

/** Nothing that comes from the pagers is taken meanwhile. */
function beBusy(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}

async function stage() {
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  const [volume, other] = await Promise.all([connect(home.url), connect(home.url)]);
  const dispose = async () => {
    await Promise.all([volume.close(), other.close()]);
    await home.close();
  };
  return { volume, other, [Symbol.asyncDispose]: dispose };
}

test("a truncate's answer does not undo a size that another node has set since", { skip }, async () => {
  await using at = await stage();
  const here = await at.volume.open("file", { create: true, size: 4096 });
  const there = await at.other.open("file");
  const map = await here.map();
  const first = here.truncate(10_000);
  beBusy(100);
  const second = there.truncate(20_000);
  beBusy(300);
  const closed = map.close(); // A synchronous call takes all that has come since in one go.
  await Promise.all([first, second, closed]);
  assert.equal((await here.stat()).size, 20_000);
  assert.deepEqual([here.size, there.size], [20_000, 20_000]);
});

test("a size that another node sets right after a file was opened is heard", { skip }, async () => {
  await using at = await stage();
  const there = await at.other.open("file", { create: true, size: 4096 });
  const mapped = await at.volume.open("mapped", { create: true, size: 4096 });
  for (const patience of [{}, { timeout: 60_000 }]) {
    const map = await mapped.map();
    const opening = at.volume.open("file", patience);
    beBusy(100);
    const size = there.size + 4096;
    const change = there.truncate(size);
    beBusy(300);
    const closed = map.close(); // A synchronous call takes the answer and the event in one go.
    const here = await opening;
    await Promise.all([change, closed]);
    await until("the new size", () => here.size === size);
    await here.close();
  }
});

test("truncate has set the size when it resolves, also to what it was", { skip }, async () => {
  await using at = await stage();
  const file = await at.volume.open("file", { create: true, size: 4096 });
  for (const size of [10_000, 10_000, 100, 0, 5000]) {
    await file.truncate(size);
    assert.equal(file.size, size);
  }
});
