import assert from "node:assert/strict";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes } from "./cluster.js";

const skip = lacksUserfaultfd();
const gibibyte = 1024 ** 3;

for (const [name, size] of [
  ["6 GiB", 6 * gibibyte],
  ["1 TiB", 1024 * gibibyte],
] as const) {
  test(`R8: a sparse file of ${name} by windows: offsets are exact beyond 2^32, and it stays sparse`, {
    skip,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    const [one, two] = cluster.nodes;
    for (const node of cluster.nodes) await node.call("open", { name: "large.bin", create: true, size });
    const offsets = [
      0,
      2 ** 31,
      2 ** 32 - pageBytes,
      2 ** 32,
      2 ** 32 + pageBytes,
      size - 2 * pageBytes,
      size - pageBytes,
    ];
    for (const [index, offset] of offsets.entries()) {
      const at = (index * 613) % pageBytes;
      await one.call("map", { as: `at ${offset}`, offset, length: pageBytes });
      await one.call("store", { map: `at ${offset}`, at, value: index + 1 });
      // A window that begins well before, and read(), lead to the same byte.
      const before = Math.max(0, offset - 64 * pageBytes);
      await two.call("map", { as: `at ${offset}`, offset: before, length: offset - before + pageBytes });
      assert.equal(await two.call("load", { map: `at ${offset}`, at: offset - before + at }), index + 1);
      assert.deepEqual([...(await two.call("read", { offset: offset + at, length: 1 }))], [index + 1]);
    }
    await one.call("map", { as: "across", offset: 2 ** 32 - 8 * pageBytes, length: 16 * pageBytes });
    await one.call("fill", { map: "across", at: 7 * pageBytes + 10, length: 4 * pageBytes, value: 99 });
    const across = await two.call("read", { offset: 2 ** 32 - pageBytes, length: 4 * pageBytes });
    assert.equal(
      across.subarray(10).findIndex((byte) => byte !== 99),
      -1,
    );
    assert.equal(
      (await two.call("read", { offset: 2 ** 32 - 2 * pageBytes, length: pageBytes })).every((b) => b === 0),
      true,
    );
    await one.call("write", { offset: size - 3, bytes: new Uint8Array([7, 8, 9]) });
    await two.call("write", { offset: size / 2 + 1, bytes: new Uint8Array(3 * pageBytes).fill(4) });
    for (const node of cluster.nodes) await node.call("sync", {});

    const path = cluster.folder.at("large.bin");
    const { size: onDisk, blocks } = statSync(path);
    assert.equal(onDisk, size);
    assert.ok(blocks * 512 < 2 * 1024 ** 2, `${blocks * 512} bytes are allocated`);
    assert.deepEqual([...readAt(path, size - 3, 3)], [7, 8, 9]);
    assert.equal(
      readAt(path, 2 ** 32 - pageBytes + 10, 3 * pageBytes).every((byte) => byte === 99),
      true,
    );
    assert.deepEqual([...readAt(path, size / 2, 2)], [0, 4]);
    await cluster.end();
  });
}

test("R8: a window of 4 GiB lies anywhere in a file of 1 TiB", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  const [one, two] = cluster.nodes;
  const size = 1024 * gibibyte;
  for (const node of cluster.nodes) await node.call("open", { name: "large.bin", create: true, size });
  await one.call("map", { offset: 6 * gibibyte, length: 4 * gibibyte });
  await one.call("store", { at: 4 * gibibyte - 1, value: 17 });
  await one.call("store", { at: 2 * gibibyte + 5, value: 18 });
  assert.deepEqual([...(await two.call("read", { offset: 10 * gibibyte - 1, length: 2 }))], [17, 0]);
  assert.deepEqual([...(await two.call("read", { offset: 8 * gibibyte + 5, length: 1 }))], [18]);
});

function readAt(path: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const fd = openSync(path, "r");
  readSync(fd, bytes, 0, length, offset);
  closeSync(fd);
  return bytes;
}
