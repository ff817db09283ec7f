import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Home, startHome } from "../../src/home/index.js";
import { connect, type File, type Volume } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { within } from "../support/until.js";

const skip = lacksUserfaultfd();
const MiB = 2 ** 20;
const closed = { code: "DMMAP_CLOSED" };

let home: Home;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
});
after(() => home.close());

/** A new file, open on two nodes: all of it is ones, and held for writing by the first. */
async function opened(name: string, byteLength: number) {
  const [one, two] = [await connect(home.url), await connect(home.url)];
  const file = await one.open(name, { create: true, size: byteLength });
  await file.write(0, new Uint8Array(byteLength).fill(1));
  const dispose = async () => {
    await one.close();
    await two.close();
  };
  return { one, two, file, [Symbol.asyncDispose]: dispose };
}

async function firstBytes(volume: Volume, name: string, offsets: readonly number[]): Promise<number[]> {
  await using file = await volume.open(name);
  return await Promise.all(offsets.map(async (at) => (await file.read(at, 1))[0]));
}

const closes: Record<string, (file: File, volume: Volume) => Promise<void>> = {
  "file.close": (file) => file.close(),
  "volume.close": (_file, volume) => volume.close(),
};

/** Each alone: one that waits for another finds the file closed. */
const writes: Record<string, [at: number, byteLength: number]> = {
  "a page": [0, 4096],
  "a part of one": [5, 9],
  "three pieces": [0, 3 * MiB],
};

for (const [how, close] of Object.entries(closes)) {
  for (const [what, [at, byteLength]] of Object.entries(writes)) {
    test(`a write that is under way when its file is closed is done, or fails: ${what}, ${how}`, { skip }, async () => {
      const name = `${what}, ${how}`;
      await using parts = await opened(name, 3 * MiB);
      const { one, two, file } = parts;
      const [write, closing] = await Promise.allSettled([
        file.write(at, new Uint8Array(byteLength).fill(2)),
        close(file, one),
      ]);
      assert.equal(closing.status, "fulfilled");
      const bytes = await firstBytes(two, name, [at, at + byteLength - 1]);
      if (write.status === "fulfilled") assert.deepEqual(bytes, [2, 2]);
      else assert.equal((write.reason as { code?: string }).code, closed.code);
    });
  }

  test(`a read that is under way then is of the file's bytes, or fails: ${how}`, { skip }, async () => {
    await using parts = await opened(`read, ${how}`, 4096);
    const { one, file } = parts;
    const [read] = await Promise.allSettled([file.read(0, 4), close(file, one)]);
    if (read.status === "fulfilled") assert.deepEqual([...read.value], [1, 1, 1, 1]);
  });
}

test("what waits for another node when its file is closed fails then", { skip }, async () => {
  await using parts = await opened("waits", 4 * 4096);
  const { two, file } = parts;
  const map = await file.map();
  using _hold = await map.hold(0, 4096, "write");
  await using _lock = await file.lock(0, 1, "exclusive");
  const other = await two.open("waits");
  const otherMap = await other.map();
  const waiting: Promise<unknown>[] = [
    other.read(0, 1),
    other.write(0, new Uint8Array(1)),
    other.lock(0, 1, "exclusive"),
    otherMap.hold(0, 4096, "read"),
    otherMap.prefetch(0, 4096, "read"),
  ];
  const settled = Promise.allSettled(waiting);
  await other.sync();
  await within("the close", other.close());
  for (const result of await within("all of them", settled)) {
    assert.equal(result.status, "rejected");
    assert.equal((result.reason as { code?: string }).code, closed.code);
  }
  await assert.rejects(other.read(0, 1), closed);
});

test("a file that is opened while it is being closed is open", { skip }, async () => {
  await using parts = await opened("again", 64 * 4096);
  const { one, file } = parts;
  await file.close();
  await using watcher = await parts.two.open("again");
  const work = async (at: number) => {
    for (let value = 1; value <= 30; value++) {
      const mine = await one.open("again");
      const map = await mine.map();
      new Uint32Array(map.buffer)[at * 1024] = value;
      await map.close();
      await mine.close();
      const bytes = await watcher.read(at * 4096, 4);
      assert.equal(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true), value);
    }
  };
  await Promise.all([1, 2, 3].map(work));
});

test("a map that is asked for right before its file is closed is none", { skip }, async () => {
  await using parts = await opened("map", 4096);
  const mapping = parts.file.map();
  const closing = parts.file.close();
  await assert.rejects(mapping, closed);
  await closing;
});
