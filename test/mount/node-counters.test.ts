import assert from "node:assert/strict";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { type Home, startHome } from "../../src/home/index.js";
import { connect, type FileMap } from "../../src/index.js";
import type { HomeNodeStatus } from "../../src/observe/status.js";
import { Proxy } from "../faults/proxy.js";
import { lacksFuse, lacksUserfaultfd } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

async function find(home: Pick<Home, "status">, name: string): Promise<HomeNodeStatus> {
  const found = (await home.status()).nodes.find((node) => node.name === name);
  assert.ok(found !== undefined, `no node ${name}`);
  return found;
}

/** Not by a touch: the proxy lives on this thread, which would sleep. */
async function store(map: FileMap, value: number): Promise<void> {
  using _hold = await map.hold(0, 4096, "write");
  new Uint8Array(map.buffer)[0] = value;
}

test("a home counts what it does with each node, over lost connections too", { skip: lacksUserfaultfd() }, async () => {
  await using home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  await using proxy = await Proxy.start(() => home.port);
  await using writer = await connect(proxy.url, { name: "writer" });
  await using reader = await connect(home.url, { name: "reader" });
  await using file = await writer.open("file", { create: true, size: 4096 });
  await using same = await reader.open("file");
  await using map = await file.map();
  await using there = await same.map();
  await store(map, 1);
  await there.prefetch(0, 4096, "read");

  const before = await find(home, "writer");
  const { acquires, revokes, recalls, requests, dataBytes, writeBytes } = before.counters;
  assert.deepEqual([acquires, revokes, recalls, dataBytes, writeBytes], [1, 1, 0, 0, 4096]);
  assert.ok(requests > 0);
  const { counters } = await find(home, "reader");
  assert.deepEqual([counters.acquires, counters.revokes, counters.dataBytes, counters.writeBytes], [1, 0, 4096, 0]);

  proxy.cut();
  await store(there, 2);
  await map.prefetch(0, 4096, "read");
  const after = await find(home, "writer");
  assert.equal(after.node, before.node, "its session goes on");
  assert.ok(after.counters.acquires > acquires && after.counters.requests >= requests);
  assert.equal(after.counters.dataBytes, 4096);
});

test("and what it has a mount forget", { skip: lacksFuse() }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1, options: ["--name", "one"] });
  const [one] = cluster.mounts;
  const two = await cluster.add(["--name", "two"]);
  writeFileSync(cluster.folder.at("file"), "");
  statSync(two.at("file"));
  const before = (await find(cluster.home, "two")).counters.recalls;
  chmodSync(one.at("file"), 0o600);
  assert.ok((await find(cluster.home, "two")).counters.recalls > before);
});
