import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pageBytes } from "../../src/core/units.js";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import { ExtentPool, extentPages } from "../../src/mapping/extent-pool.js";
import { PooledMemory } from "../../src/mapping/pooled-memory.js";

const cachePages = 262_144;
const buffer = new NativeBuffer(16 * pageBytes);

function put(memory: PooledMemory, page: number, value: number, pageCount = 1): void {
  buffer.bytes.fill(value, 0, pageCount * pageBytes);
  memory.write(page, buffer.address, pageCount * pageBytes);
  memory.filled(page, page + pageCount);
}

/** The first and last byte of each page, which are one. */
function get(memory: PooledMemory, page: number, pageCount = 1): number[] {
  buffer.bytes.fill(0xee);
  memory.read(page, buffer.address, pageCount * pageBytes);
  return Array.from({ length: pageCount }, (_, index) => {
    const at = index * pageBytes;
    assert.equal(buffer.bytes[at], buffer.bytes[at + pageBytes - 1]);
    return buffer.bytes[at];
  });
}

describe("pooled memory", () => {
  it("keeps pages wherever in a file they are, also across extents", () => {
    const memory = new PooledMemory(new ExtentPool(cachePages));
    put(memory, 2 ** 40, 7);
    put(memory, extentPages - 2, 3, 4);
    assert.deepEqual(get(memory, 2 ** 40), [7]);
    assert.deepEqual(get(memory, extentPages - 2, 4), [3, 3, 3, 3]);
    assert.equal(memory.contiguousEnd(5), extentPages);
    assert.equal(memory.aliasAddress(5) + pageBytes, memory.aliasAddress(6));
  });

  it("gives memory back with the last page of an extent, and to others", () => {
    const pool = new ExtentPool(cachePages);
    const first = new PooledMemory(pool);
    put(first, 0, 1, 16);
    const address = first.aliasAddress(0);
    first.punch(0, 8);
    assert.deepEqual(get(first, 8, 8), Array(8).fill(1), "the others stay");
    first.punch(8, 2 ** 41);
    assert.equal(pool.slackPages > 0, true);
    const second = new PooledMemory(pool);
    assert.equal(second.aliasAddress(77 * extentPages), address);
  });

  it("counts memory that is here and holds no page, and bounds it", () => {
    const pool = new ExtentPool(32 * extentPages);
    const [slack, warm] = [2 * extentPages, 8 * extentPages];
    const files = Array.from({ length: 8 }, () => new PooledMemory(pool));
    for (const file of files) put(file, 0, 1, 16);
    assert.equal(pool.slackPages <= slack, true, `${pool.slackPages} in use`);
    for (const file of files) file.close();
    assert.equal(pool.slackPages <= warm, true, `${pool.slackPages} idle`);
    const before = pool.slackPages;
    put(files[0], 0, 1, 16);
    assert.equal(pool.slackPages <= before, true, "what is used again is not new");
    files[0].close();
    assert.equal(pool.slackPages, before);
  });

  it("gives memory back that nobody has wanted for a while, little by little", () => {
    const pool = new ExtentPool(cachePages);
    const memory = new PooledMemory(pool);
    for (let extent = 0; extent < 20; extent++) put(memory, extent * extentPages, 1, 16);
    assert.equal(pool.onTime(0), Number.POSITIVE_INFINITY, "all is used");
    memory.close();
    const kept = pool.slackPages;
    const at = pool.onTime(1);
    assert.equal(pool.onTime(at - 1), at);
    assert.equal(pool.slackPages, kept);
    let steps = 0;
    for (let now = at; now < Number.POSITIVE_INFINITY; now = pool.onTime(now)) steps++;
    assert.equal(pool.slackPages, 0);
    assert.equal(steps, 3, "eight, eight, and the rest");
  });

  it("keeps the place of a page that is being received while all others are dropped", () => {
    const memory = new PooledMemory(new ExtentPool(cachePages));
    put(memory, 0, 1);
    const address = memory.receiveAddress(3, 1);
    memory.punch(0, 1);
    assert.equal(memory.aliasAddress(3), address);
    memory.filled(3, 4);
    memory.punch(3, 4);
    put(memory, 4, 9);
    assert.deepEqual(get(memory, 4), [9]);
  });

  it("lends to nobody what is being received into", () => {
    const pool = new ExtentPool(cachePages);
    const first = new PooledMemory(pool);
    const address = first.receiveAddress(3, 1) - 3 * pageBytes;
    first.close();
    const second = new PooledMemory(pool);
    assert.notEqual(second.aliasAddress(0), address);
    assert.notEqual(second.receiveAddress(extentPages, 1), address);
    assert.equal(second.aliasAddress(2 * extentPages), address, "nothing is received there any more");
  });

  it("keeps the memory of pages that are dropped, as they may come back, within limits", () => {
    const pool = new ExtentPool(64 * extentPages);
    const memory = new PooledMemory(pool);
    put(memory, 0, 1, 16);
    put(memory, 100, 2);
    const before = pool.slackPages;
    memory.punch(100, 101);
    assert.equal(pool.slackPages, before + 1);
    put(memory, 100, 3);
    assert.equal(pool.slackPages, before);
    assert.deepEqual(get(memory, 100), [3]);
    for (let index = 1; index <= 4 * extentPages; index++) {
      put(memory, index * extentPages, 1);
      put(memory, index * extentPages + 1, 1);
      memory.punch(index * extentPages, index * extentPages + 1);
    }
    const idle = pool.slackPages - before;
    assert.equal(idle >= extentPages && idle <= 2 * extentPages, true, `${idle} of ${64 * extentPages} lie idle`);
  });

  it("keeps less of many at once, so that there is room for a few", () => {
    const pool = new ExtentPool(64 * extentPages);
    const memory = new PooledMemory(pool);
    const halves = 8;
    for (let index = 0; index < halves; index++) {
      const start = index * extentPages;
      for (let page = start; page < start + extentPages; page += 16) put(memory, page, 1, 16);
      const before = pool.slackPages;
      memory.punch(start, start + extentPages / 2);
      assert.equal(pool.slackPages, before + (index < 2 ? extentPages / 2 : 0), `half of extent ${index}`);
    }
    const before = pool.slackPages;
    memory.punch(extentPages - 16, extentPages);
    assert.equal(pool.slackPages, before + 16);
  });

  it("keeps the memory behind the end of a file that grows piece by piece", () => {
    const pool = new ExtentPool(64 * extentPages);
    const former = new PooledMemory(pool);
    put(former, 0, 1, 16);
    former.close();
    const idle = pool.slackPages;
    const memory = new PooledMemory(pool);
    for (let end = 0; end < extentPages; end += 16) {
      memory.punch(end, end + 16); // As a cache does that is told of a larger size.
      memory.punch(end + 16, extentPages);
      put(memory, end, 2, 16);
      assert.equal(pool.slackPages, idle - end - 16, `${end + 16} pages are there`);
    }
  });

  it("counts the memory of what was received in vain", () => {
    const pool = new ExtentPool(cachePages);
    const memory = new PooledMemory(pool);
    put(memory, 0, 1);
    const before = pool.slackPages;
    memory.receiveAddress(3, 1);
    memory.punch(3, 4);
    assert.equal(pool.slackPages, before + 1);
  });

  it("does not lend twice what is given back twice", () => {
    const pool = new ExtentPool(cachePages);
    const memory = new PooledMemory(pool);
    put(memory, 0, 1);
    memory.punch(0, 1);
    memory.punch(0, 1);
    memory.close();
    const addresses = new Set(Array.from({ length: 100 }, (_, index) => memory.aliasAddress(index * extentPages)));
    assert.equal(addresses.size, 100);
  });
});
