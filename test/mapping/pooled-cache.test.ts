import assert from "node:assert/strict";
import { test } from "node:test";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import { ExtentPool } from "../../src/mapping/extent-pool.js";
import { Pager } from "../../src/mapping/pager.js";
import { PooledMemory } from "../../src/mapping/pooled-memory.js";
import { lacksUserfaultfd } from "../support/requires.js";

test("pages of which some are beyond the end by now: those inside keep their bytes, and are zero behind the end", {
  skip: lacksUserfaultfd(),
}, () => {
  const buffer = new NativeBuffer(2 * pageBytes);
  const memory = new PooledMemory(new ExtentPool(1000));
  const handler = { noPage: () => undefined, wpPage: () => undefined };
  const cache = new Pager().createCache({ name: "pooled", sizeBytes: pageBytes - 10, handler, memory });
  buffer.bytes.fill(7);
  cache.writeBytes(0, buffer.address, 2 * pageBytes);
  cache.install(0, 2, 0, -1);
  assert.deepEqual([cache.isCached(0), cache.isCached(1)], [true, false]);
  buffer.bytes.fill(0);
  cache.readBytes(0, buffer.address, pageBytes);
  assert.deepEqual([buffer.bytes[0], buffer.bytes[pageBytes - 11], buffer.bytes[pageBytes - 10]], [7, 7, 0]);
  cache.close();
});
