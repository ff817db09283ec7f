import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";

const skip = lacksUserfaultfd();

const mebibyte = 2 ** 20;
const rounds = 20;

/** Of what is mapped to be written to, without a file: what an allocator only reserves does not count. */
function mappedBytes(): number {
  let bytes = 0;
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const [, start, end] = line.match(/^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0\s*$/) ?? [];
    if (start !== undefined) bytes += Number.parseInt(end, 16) - Number.parseInt(start, 16);
  }
  return bytes;
}

const descriptors = () => readdirSync("/proc/self/fd").length;

/** koffi keeps 3 MiB of address space, mostly never touched, for each thread that has called it (3.3.4). */
const koffiBytes = 3 * mebibyte;

/** Behind some rounds in which what this process itself keeps gets its size. */
async function assertLevel(round: () => Promise<void>): Promise<void> {
  for (let count = 0; count < 5; count++) await round();
  const before = { descriptors: descriptors(), bytes: mappedBytes() };
  for (let count = 0; count < rounds; count++) await round();
  assert.equal(descriptors() - before.descriptors, 0);
  const bytes = (mappedBytes() - before.bytes) / rounds - koffiBytes;
  assert.ok(bytes < mebibyte / 2, `${bytes} bytes stay mapped for each`);
}

test("of connections that were closed neither descriptors nor memory are left", { skip }, async () => {
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  await assertLevel(async () => {
    const volume = await connect(home.url);
    const file = await volume.open("file", { create: true, size: 4096 });
    await file.write(0, new Uint8Array(4096).fill(1));
    await file.sync();
    await file.close();
    await volume.close();
  });
  await home.close();
});

test("of connections that failed neither descriptors nor memory are left", { skip }, async () => {
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  await home.close();
  await assertLevel(() => assert.rejects(connect(home.url), { code: "DMMAP_UNREACHABLE" }));
});
