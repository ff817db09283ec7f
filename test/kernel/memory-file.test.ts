import assert from "node:assert/strict";
import { fstatSync } from "node:fs";
import { test } from "node:test";
import { memcmp, memoryView } from "../../src/kernel/libc.js";
import { MemoryFile } from "../../src/kernel/memory-file.js";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import { assertPageSize, pageBytes } from "../../src/kernel/page-size.js";

const buffer = new NativeBuffer(4 * pageBytes);

test("the kernel's pages are as large as the protocol's", () => {
  assertPageSize();
});

test("what is written can be read, and seen through the alias", () => {
  const file = new MemoryFile("dmmap-test", 64);
  buffer.bytes.fill(7);
  file.write(10, buffer.address, 2 * pageBytes);
  assert.equal(memcmp(file.aliasAddress(10), buffer.address, 2 * pageBytes), 0);
  new Uint8Array(memoryView(file.aliasAddress(11), 1))[0] = 8;
  file.read(11, buffer.address, pageBytes);
  assert.deepEqual([...buffer.bytes.subarray(0, 2)], [8, 7]);
  file.close();
});

test("R8: a file of 2^53 bytes: its last page is written, read, aliased and punched", () => {
  const pageCount = 2 ** 41;
  const file = new MemoryFile("dmmap-test", pageCount);
  buffer.bytes.fill(9);
  file.write(pageCount - 1, buffer.address, pageBytes);
  assert.equal(new Uint8Array(memoryView(file.aliasAddress(pageCount - 1), 1))[0], 9);
  assert.equal(allocatedPages(file), 1);
  file.punch(pageCount - 1, pageCount);
  assert.equal(allocatedPages(file), 0);
  file.read(pageCount - 1, buffer.address, pageBytes);
  assert.equal(buffer.bytes[0], 0, "a hole reads as zeros");
  file.punch(0, pageCount);
  file.punch(5, 5);
  file.close();
});

test("alias addresses follow on up to contiguousEnd", () => {
  const file = new MemoryFile("dmmap-test", 2 ** 26);
  const end = file.contiguousEnd(5);
  assert.equal(file.aliasAddress(end - 1), file.aliasAddress(5) + (end - 6) * pageBytes);
  assert.ok(file.contiguousEnd(end) > end);
  buffer.bytes.fill(3);
  file.write(end, buffer.address, pageBytes);
  assert.equal(new Uint8Array(memoryView(file.aliasAddress(end), 1))[0], 3);
  file.close();
});

test("a read past the end says so", () => {
  const file = new MemoryFile("dmmap-test", 2);
  assert.throws(() => file.read(1, buffer.address, 2 * pageBytes), RangeError);
  file.close();
});

function allocatedPages(file: MemoryFile): number {
  return (fstatSync(file.fd).blocks * 512) / pageBytes;
}

test("a path of any length names one", () => {
  new MemoryFile("folder/".repeat(600), 1).close();
  new MemoryFile("\u20ac".repeat(300), 1).close();
});
