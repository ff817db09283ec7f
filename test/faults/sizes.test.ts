import assert from "node:assert/strict";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until, within } from "../support/until.js";
import { Proxy } from "./proxy.js";

const skip = lacksUserfaultfd();

for (const [what, from, size] of [
  ["cut", 8192, 0],
  ["made longer", 0, 4096],
] as const) {
  test(`a file that is ${what} is so once, though the answer is lost: what others have done since stays`, {
    skip,
  }, async () => {
    await using home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
    await using proxy = await Proxy.start(() => home.port);
    await using other = await connect(home.url);
    await using volume = await connect(proxy.url);
    await using here = await volume.open("file", { create: true, size: from });
    await using there = await other.open("file");
    proxy.deafAfter = /"op":"truncate"/;
    const truncated = here.truncate(size);
    await until("the other node hears of it", () => there.size === size);
    const work = async () => {
      await there.truncate(12_288);
      await there.write(8192, Uint8Array.of(7));
    };
    const working = work();
    await other.status(); // Served in order: by now the home has been asked for that size.
    proxy.cut();
    await within("both", Promise.all([truncated, working]));
    assert.deepEqual([there.size, ...(await there.read(8192, 1))], [12_288, 7]);
    assert.deepEqual([...(await here.read(8192, 1))], [7]);
  });
}

test("where the session ended with the answer, whether a file was cut is not known, and it is not cut again", {
  skip,
}, async () => {
  await using home = await startHome({ store: "memory", listen: "127.0.0.1:0", leaseMillis: 500 });
  await using proxy = await Proxy.start(() => home.port);
  await using other = await connect(home.url);
  await using volume = await connect(proxy.url);
  await using here = await volume.open("file", { create: true, size: 4096 });
  await using there = await other.open("file");
  proxy.deafAfter = /"op":"truncate"/;
  const truncated = here.truncate(0);
  await until("the other node hears of it", () => there.size === 0);
  await within("the lease of the first", there.truncate(12_288));
  await there.write(8192, Uint8Array.of(7));
  proxy.cut();
  await assert.rejects(within("the answer", truncated), { code: "DMMAP_LOST" });
  assert.deepEqual([...(await here.read(8192, 1))], [7]);
});
