import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { FarNetwork, lacksNamespaces } from "../faults/network.js";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import type { MountUnderTest } from "./mount-under-test.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse() || lacksNamespaces();
const pageBytes = 4096;
const leaseMillis = 2000;
const limitMillis = 30_000;
const directions = ["both", "toFar", "fromFar"] as const;

interface Divided extends AsyncDisposable {
  readonly network: FarNetwork;
  readonly cluster: MountCluster;
  readonly farMount: MountUnderTest;
  readonly near: PlainUser;
  readonly far: PlainUser;
}

/** A home and a mount here, and a mount at the far end of a cable; a program on each, with one file open and mapped. */
async function divided(leaseMillis: number, options: string[] = []): Promise<Divided> {
  const network = new FarNetwork();
  const cluster = await MountCluster.start({ mounts: 1, options, home: { leaseMillis, host: network.host } });
  // Not `ip netns exec`: that has mounts of its own, which nobody else would see.
  const farMount = await cluster.add(options, { prefix: ["nsenter", `--net=/run/netns/${network.netns}`] });
  writeFileSync(cluster.mounts[0].at("file"), Buffer.alloc(4 * pageBytes));
  const users: PlainUser[] = [];
  for (const mount of cluster.mounts) {
    const user = await PlainUser.start(mount.path);
    await user.call("edit", { path: mount.at("file") });
    await user.call("map", { length: 4 * pageBytes });
    users.push(user);
  }
  const [near, far] = users;
  const end = async () => {
    network.heal();
    for (const user of users) await user[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
    network[Symbol.dispose]();
  };
  return { network, cluster, farMount, near, far, [Symbol.asyncDispose]: end };
}

for (const direction of directions) {
  test(`R15: a cut (${direction}) that outlasts the lease: one host goes on, the other waits, and logs what it lost`, {
    skip,
  }, async () => {
    await using parts = await divided(leaseMillis);
    const { network, cluster, farMount, near, far } = parts;
    farMount.isQuiet = false;
    await far.call("store", { at: 0, value: 1 });
    await far.call("fsync", {});
    await far.call("lock", { start: 0, length: 1, type: "exclusive", wait: true });
    network.cut(direction);
    await far.call("store", { at: pageBytes, value: 7 });

    assert.equal(await near.call("load", { at: 0 }, limitMillis), 1, "synced before the cut");
    await near.call("lock", { start: 0, length: 1, type: "exclusive", wait: true }, limitMillis);
    await near.call("store", { at: 0, value: 2 }, limitMillis);
    await near.call("write", { at: pageBytes, text: "\x05" }, limitMillis);
    await cluster.home.untilFenced("mount 1");
    // Both sides live. The far one must not see what is old: its mount has taken it out of its kernel.
    const load = far.call("load", { at: 0 }, limitMillis);
    assert.equal(await Promise.race([load, delay(300)]), undefined, "it waits");
    network.heal();
    assert.equal(await load, 2);
    assert.equal(
      await far.call("read", { at: pageBytes, length: 1 }, limitMillis),
      "\x05",
      "what it alone had is lost",
    );
    await until("it is logged", () => /stores to file, bytes \d+\.\.\d+, are lost/.test(farMount.program.errors));
    await assert.rejects(far.call("fsync", {}, limitMillis), { code: "EIO" });
    await far.call("store", { at: 2 * pageBytes, value: 9 }, limitMillis);
    assert.equal(await near.call("load", { at: 2 * pageBytes }, limitMillis), 9);
    assert.equal(cluster.home.fenced.length, 1);
  });
}

for (const directIo of ["auto", "always"]) {
  test(`a cut that heals within the lease: both hosts go on, nothing is lost (--direct-io ${directIo})`, {
    skip,
  }, async () => {
    await using parts = await divided(20_000, ["--direct-io", directIo]);
    const { network, cluster, near, far } = parts;
    await far.call("fill", { at: 0, length: 3 * pageBytes, value: 1 });
    network.cut();
    await far.call("store", { at: 0, value: 2 });
    const load = near.call("load", { at: 0 }, limitMillis);
    assert.equal(await Promise.race([load, delay(500)]), undefined, "it waits for the far host's page");
    network.heal();
    assert.equal(await load, 2);
    assert.equal(await near.call("load", { at: 2 * pageBytes }, limitMillis), 1);
    assert.deepEqual(cluster.home.fenced, []);
  });
}
