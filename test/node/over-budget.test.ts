import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const skip = lacksUserfaultfd();
const pageBytes = 4096;
const cacheBytes = 16 * 1024 ** 2;
const pages = cacheBytes / pageBytes - 100;
const pieceBytes = 1024 ** 2;

test("a cache that is over its budget while the home is away leaves mapped what a program works with", {
  skip,
}, async (context) => {
  using folder = temporaryFolder();
  const options = { folder: folder.path, leaseMillis: 60_000 };
  const home = await startHome({ ...options, listen: "127.0.0.1:0" });
  const volume = await connect(home.url, { cacheBytes });
  const file = await volume.open("file", { create: true, size: 2 * cacheBytes });
  const map = await file.map();
  await map.prefetch(0, pages * pageBytes, "write");
  const words = new Int32Array(map.buffer);
  const touchAll = () => {
    const before = process.resourceUsage().minorPageFault;
    for (let index = 0; index < pages; index++) Atomics.load(words, (((index * 1009) % pages) * pageBytes) / 4);
    return process.resourceUsage().minorPageFault - before;
  };
  for (let page = 0; page < pages; page++) Atomics.store(words, (page * pageBytes) / 4, page);
  const isAway = once(volume, "disconnect");
  await home.close();
  await isAway;
  // Pages that are replaced as a whole come from nobody.
  for (let at = cacheBytes; at < cacheBytes + 4 * pieceBytes; at += pieceBytes) {
    await file.write(at, Buffer.alloc(pieceBytes, 7));
  }
  assert.ok((await volume.metrics()).cachedPages > cacheBytes / pageBytes);
  touchAll();
  const faults = touchAll();
  context.diagnostic(`${faults} faults`);
  assert.ok(faults < 100, `${faults} faults`); // One for each touch, where all is unmapped again and again.
  await using _again = await startHome({ ...options, listen: `127.0.0.1:${home.port}` });
  assert.equal((await file.read(cacheBytes, 1))[0], 7);
  await volume.close();
});
