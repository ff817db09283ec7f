import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { FrameFlag, FrameType } from "../../src/core/wire/frame.js";
import { policies } from "../cluster/cluster.js";
import { page, RawNode } from "../home/raw-node.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { type Loss, losePower } from "./power-failure.js";
import { type SeededRandom, seededRandom } from "./seeded-random.js";

const skip = lacksUserfaultfd();

interface Powered extends AsyncDisposable {
  readonly cluster: FaultCluster;
  /** No sync comes to its end from here on, until the function is called that it returns. */
  readonly slowDisk: () => () => void;
  readonly random: SeededRandom;
  /** The home's machine loses its power, and comes back. */
  readonly failPower: (loss: Loss) => Promise<void>;
  readonly at: (name: string) => string;
}

async function powered(context: TestContext, nodes: number, leaseMillis = 5000): Promise<Powered> {
  const random = seededRandom(context);
  const folder = temporaryFolder();
  mkdirSync(folder.at("files"));
  const store = new URL("./power-store.js", import.meta.url).href;
  const homeStart = { env: { DMMAP_TEST_FOLDER: folder.path } };
  const cluster = await FaultCluster.start({ nodes, leaseMillis, home: { store }, homeStart });
  let lostSectors = 0;
  return {
    cluster,
    random,
    at: (name) => folder.at("files", name),
    slowDisk: () => {
      writeFileSync(folder.at("slow"), "");
      return () => rmSync(folder.at("slow"));
    },
    failPower: async (loss) => {
      await cluster.home.kill();
      lostSectors += losePower(folder.path, random, loss).lostSectors;
      await cluster.home.start();
    },
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
      context.diagnostic(`${lostSectors} sectors lost`);
    },
  };
}

for (const policy of policies) {
  test(`R20: the home's power fails again and again: survivors restore, counters stay exact (${policy})`, {
    skip,
  }, async (context) => {
    await using parts = await powered(context, 3);
    const { cluster, random, failPower } = parts;
    await cluster.mapEverywhere("counters.bin", { size: 16 * pageBytes, policy });
    const at = Array.from({ length: 12 }, (_, index) => index * pageBytes + 320 * index);
    const done = new AbortController();
    const work = Promise.all(cluster.nodes.map((node) => node.call("addFor", { at, millis: 3500 }))).finally(() =>
      done.abort(),
    );
    for (let failures = 0; failures < 4 && !done.signal.aborted; failures++) {
      await delay(random.between(100, 900));
      await failPower(random.pick(["all", "some"]));
    }
    const added = await work;
    for (const [index, offset] of at.entries()) {
      const total = added.reduce((sum, counts) => sum + counts[index], 0);
      for (const node of cluster.nodes)
        assert.equal(await node.call("load32", { at: offset }), total, `counter ${index}`);
    }
    assert.deepEqual(cluster.home.fenced, []);
    await cluster.end();
  });
}

test("R20: torn and reordered by the power failure, pages are whole again once survivors have restored", {
  skip,
}, async (context) => {
  await using parts = await powered(context, 3);
  const { cluster, random, failPower } = parts;
  await cluster.mapEverywhere("stamps.bin", { size: 8 * pageBytes });
  const [one, two, three] = cluster.nodes;
  const done = new AbortController();
  const work = Promise.all([
    one.call("stampFor", { millis: 3000, pages: 8, stamp: 1 }),
    two.call("stampFor", { millis: 3000, pages: 8, stamp: 2 }),
    three.call("checkStampsFor", { millis: 3000, pages: 8 }),
  ]).finally(() => done.abort());
  for (let failures = 0; failures < 4 && !done.signal.aborted; failures++) {
    await delay(random.between(100, 900));
    await failPower("some");
  }
  await work;
  await three.call("checkStampsFor", { millis: 100, pages: 8 });
  await cluster.end();
});

test("R20: a store that a living node has seen outlives its writer and the home's power together", {
  skip,
}, async (context) => {
  await using parts = await powered(context, 3, 1000);
  const { cluster, failPower } = parts;
  await cluster.mapEverywhere("seen.bin", { size: 40 * pageBytes });
  const [writer, reader, other] = cluster.nodes;
  for (let page = 0; page < 40; page += 2) await writer.call("store32", { at: page * pageBytes, value: page + 1 });
  for (let page = 0; page < 40; page += 2)
    assert.equal(await reader.call("load32", { at: page * pageBytes }), page + 1);
  await writer.kill();
  await failPower("all");
  for (let page = 0; page < 40; page += 2) {
    assert.equal(await other.call("load32", { at: page * pageBytes }), page + 1, `page ${page}, seen by the reader`);
    assert.equal(await reader.call("load32", { at: page * pageBytes }), page + 1);
  }
  await reader.end();
  await other.end();
});

test("R20: what was handed over outlives the power failure with the one who handed it over", {
  skip,
}, async (context) => {
  await using parts = await powered(context, 3, 1000);
  const { cluster, failPower } = parts;
  await cluster.mapEverywhere("handed.bin", { size: 8 * pageBytes });
  const [first, second, other] = cluster.nodes;
  await first.call("store32", { at: 0, value: 1 });
  assert.equal(await second.call("add32", { at: 0, value: 10 }), 1);
  await second.kill(); // With it dies what it alone had: its ten. What it was given is kept by who gave it.
  await failPower("all");
  assert.equal(await other.call("load32", { at: 0 }), 1);
  await first.end();
  await other.end();
});

test("an acknowledged sync outlives everybody: home, power, and all nodes at once", { skip }, async (context) => {
  await using parts = await powered(context, 3, 500);
  const { cluster, random, failPower, at } = parts;
  await cluster.mapEverywhere("synced.bin", { size: 4 * pageBytes });
  const logs = cluster.nodes.map((_, index) => cluster.folder.at(`log-${index}`));
  const acknowledged = (log: string) => Number(readFileSync(log, "utf8").trim().split("\n").at(-1));
  const work = cluster.nodes.map((node, index) =>
    node.call("syncFor", { at: index * pageBytes, millis: 10_000, log: logs[index] }).catch(() => 0),
  );
  await until("all have synced", () => {
    try {
      return logs.every((log) => acknowledged(log) > 5);
    } catch {
      return false;
    }
  });
  await delay(random.between(0, 500));
  const known = logs.map(acknowledged);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await Promise.all(work);
  await failPower("some");
  const disk = readFileSync(at("synced.bin"));
  for (const [index, least] of known.entries()) {
    const words = new Int32Array(disk.buffer, disk.byteOffset + index * pageBytes, pageBytes / 4);
    assert.ok(
      words.every((word) => word >= least),
      `page ${index}: ${least} was acknowledged, there are ${[...new Set(words)].join(", ")}`,
    );
  }
});

test("R20: an older version never overwrites a newer one that was synced: the writer of the old one restores in vain", {
  skip,
}, async (context) => {
  await using parts = await powered(context, 2);
  const { cluster, failPower } = parts;
  await cluster.mapEverywhere("order.bin", { size: 8 * pageBytes });
  const [old, young] = cluster.nodes;
  for (let round = 0; round < 5; round++) {
    await old.call("store32", { at: 0, value: 100 * round + 1 });
    await young.call("store32", { at: 0, value: 100 * round + 2 });
    await young.call("sync", {});
    await failPower("some");
    assert.equal(await young.call("load32", { at: 0 }), 100 * round + 2);
    assert.equal(await old.call("load32", { at: 0 }), 100 * round + 2);
  }
  await cluster.end();
});

test("R20: a file that its writer has closed outlives the power failure, as others have seen it", {
  skip,
}, async (context) => {
  await using parts = await powered(context, 2);
  const { cluster, failPower } = parts;
  await cluster.mapEverywhere("closed.bin", { size: 8 * pageBytes });
  const [writer, reader] = cluster.nodes;
  await writer.call("store32", { at: 0, value: 1 });
  assert.equal(await reader.call("load32", { at: 0 }), 1);
  await writer.call("closeFile", {});
  await failPower("all");
  assert.equal(await reader.call("load32", { at: 0 }), 1);
  await cluster.end();
});

test("R20: killed while it syncs what those who have left had stored, a home syncs it before it grants it", async (context) => {
  await using parts = await powered(context, 0);
  const { cluster, failPower, slowDisk, at } = parts;
  const { home } = cluster;
  const { node: writer } = await RawNode.greet(home.port, "writer");
  const opened = await writer.request("open", { name: "left.bin", create: true, size: pageBytes });
  const grant = await writer.granted(writer.acquire(opened.file, 2, 0, 1));
  await writer.outcome(writer.write(opened.file, 0, page(7)), FrameType.written);
  writer.release(opened.file, 0, 0, 1, grant.epoch);
  const quicken = slowDisk();
  writer.send({ type: FrameType.goodbye });
  await until("nobody is there", async () => (await home.status()).nodes.every(({ name }) => name !== "writer"));
  await home.restart();
  quicken();
  const { node: reader } = await RawNode.greet(home.port, "reader");
  const { file } = await reader.request("open", { name: "left.bin" });
  const { payload, flags } = await reader.granted(reader.acquire(file, 1, 0, 1));
  assert.deepEqual([payload, flags & FrameFlag.unstable], [page(7), 0], "it is there, and the reader need not keep it");
  await failPower("all");
  assert.deepEqual(readFileSync(at("left.bin")), page(7));
  reader.socket.destroy();
});
