import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { memcpy } from "../../src/kernel/libc.js";
import { MemoryFile } from "../../src/kernel/memory-file.js";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";

const pageBytes = 4096;
const gibibytePages = 2 ** 18;
const bytes = new NativeBuffer(pageBytes);

function put(file: MemoryFile, page: number, value: number): void {
  bytes.bytes.fill(value);
  memcpy(file.aliasAddress(page), bytes.address, pageBytes);
}

function get(file: MemoryFile, page: number): number {
  file.read(page, bytes.address, pageBytes);
  return bytes.bytes[pageBytes - 1];
}

function mapCount(): number {
  return readFileSync("/proc/self/maps", "utf8").split("memfd:test").length - 1;
}

test("a sparse file is reached all over through a bounded number of windows", () => {
  const file = new MemoryFile("test", 2 ** 41);
  const before = mapCount();
  const pages = Array.from({ length: 1000 }, (_, index) => index * 2 ** 31 + index);
  for (const [index, page] of pages.entries()) put(file, page, index % 250);
  assert.ok(mapCount() - before < 300, `${mapCount() - before} mappings`);
  for (const [index, page] of pages.entries()) assert.equal(get(file, page), index % 250);
  put(file, pages[0], 99);
  assert.equal(get(file, pages[0]), 99, "back in a window that had been given up");
  file.close();
  assert.equal(mapCount(), before, "nothing is left");
});

test("neighbours are contiguous up to contiguousEnd, and the window in use stays where it is", () => {
  const file = new MemoryFile("test", 2 ** 41);
  const last = 3 * gibibytePages - 1;
  assert.equal(file.contiguousEnd(last), 3 * gibibytePages);
  assert.equal(file.aliasAddress(last), file.aliasAddress(2 * gibibytePages) + (gibibytePages - 1) * pageBytes);
  const address = file.aliasAddress(last);
  for (let window = 10; window < 200; window++) file.aliasAddress(window * gibibytePages);
  assert.equal(file.aliasAddress(last), address);
  file.close();
});

test("thousands of files have an alias each", () => {
  const files = Array.from({ length: 3000 }, () => new MemoryFile("test", 2 ** 41));
  for (const [index, file] of files.entries()) put(file, 1, index % 250);
  for (const [index, file] of files.entries()) assert.equal(get(file, 1), index % 250);
  for (const file of files) file.close();
});
