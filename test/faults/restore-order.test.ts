import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Welcome } from "../../src/core/wire/control.js";
import { FrameType } from "../../src/core/wire/frame.js";
import { page, RawNode } from "../home/raw-node.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { HomeUnderTest } from "./home-under-test.js";

interface Copy {
  readonly fill: number;
  readonly duty: number;
  readonly version: number;
}

/** A node that is back after a restart of its home, with copies of page 0 that it answers for. */
async function back(home: HomeUnderTest, session: string, copies: readonly Copy[]): Promise<[RawNode, number]> {
  const { node, welcome } = await RawNode.greet(home.port, "back", session);
  assert.equal(welcome.state, "recovering");
  const { file } = await node.request("open", { name: "order.bin" });
  for (const { fill, duty, version } of copies) {
    node.send({ type: FrameType.restore, file, dataStart: 0, dataEnd: 1, epoch: version, extra: duty }, page(fill));
  }
  await node.request("claimed", { file, epoch: 10, duty: Math.max(0, ...copies.map(({ duty }) => duty)) });
  return [node, file];
}

async function firstByte(node: RawNode, file: number): Promise<number> {
  const { payload } = await node.granted(node.acquire(file, 1, 0, 1, { flags: 2 }));
  return payload[0];
}

const oldCopies: readonly Copy[] = [{ fill: 1, duty: 5, version: 1 }];

/** Two nodes, of which the older answers for a copy of page 0, and the younger has written what is there. */
async function overtaken(
  home: HomeUnderTest,
  name = "order.bin",
): Promise<{
  readonly old: { readonly node: RawNode; readonly welcome: Welcome };
  readonly young: { readonly node: RawNode; readonly welcome: Welcome };
  readonly file: number;
}> {
  const old = await RawNode.greet(home.port, "old");
  const young = await RawNode.greet(home.port, "young");
  const { file } = await old.node.request("open", { name, create: true, size: 4096 });
  await young.node.request("open", { name });
  const first = await old.node.granted(old.node.acquire(file, 2, 0, 1));
  await old.node.outcome(old.node.write(file, 0, page(1), { extra: 5 }), FrameType.written);
  old.node.release(file, 0, 0, 1, first.epoch);
  await young.node.granted(young.node.acquire(file, 2, 0, 1));
  await young.node.outcome(young.node.write(file, 0, page(2), { extra: 1 }), FrameType.written);
  return { old, young, file };
}

test("R20: an old copy that was refused after one restart is refused after the next, when the new one is synced", async () => {
  using folder = temporaryFolder();
  await using home = await HomeUnderTest.start({ folder: folder.path, leaseMillis: 60_000 });
  const { old, young } = await overtaken(home);

  await home.restart();
  const [youngNode, number] = await back(home, young.welcome.session, [{ fill: 2, duty: 1, version: 2 }]);
  await youngNode.request("recovered", {});
  let isSynced = false;
  const sync = youngNode.sync(number).then(() => {
    isSynced = true;
  });
  await youngNode.settled();
  const [oldNode] = await back(home, old.welcome.session, oldCopies);
  assert.equal(isSynced, false, "nothing is safe before all are back");
  await oldNode.request("recovered", {});
  await sync;

  await home.restart();
  const [oldAgain] = await back(home, old.welcome.session, oldCopies);
  const [youngAgain, numberAgain] = await back(home, young.welcome.session, []);
  await oldAgain.request("recovered", {});
  await youngAgain.request("recovered", {});
  assert.equal(await firstByte(youngAgain, numberAgain), 2);
});

/** @returns why it cannot be mounted */
function mountOverlay(folder: TemporaryFolder): string {
  const options = `lowerdir=${folder.at("lower")},upperdir=${folder.at("upper")},workdir=${folder.at("work")}`;
  return spawnSync("mount", ["-t", "overlay", "-o", options, "overlay", folder.at("volume")], { encoding: "utf8" })
    .stderr;
}

test("R20: an old copy is refused though the disk has another number since its machine started again", async (context) => {
  using folder = temporaryFolder();
  for (const name of ["lower", "upper", "work", "volume", "other"]) mkdirSync(folder.at(name));
  const reason = mountOverlay(folder);
  if (reason !== "") return context.skip(reason);
  try {
    const device = statSync(folder.at("volume")).dev;
    await using home = await HomeUnderTest.start({ folder: folder.at("volume"), leaseMillis: 60_000 });
    const { old, young, file } = await overtaken(home);
    await young.node.sync(file);
    await home.kill();
    spawnSync("umount", [folder.at("volume")]);
    spawnSync("mount", ["-t", "tmpfs", "none", folder.at("other")]); // Takes that number.
    assert.equal(mountOverlay(folder), "");
    assert.notEqual(statSync(folder.at("volume")).dev, device);

    await home.start();
    const [oldAgain] = await back(home, old.welcome.session, oldCopies);
    const [youngAgain, numberAgain] = await back(home, young.welcome.session, []);
    await oldAgain.request("recovered", {});
    await youngAgain.request("recovered", {});
    assert.equal(await firstByte(youngAgain, numberAgain), 2);
    await home.kill();
  } finally {
    for (const name of ["volume", "other"]) spawnSync("umount", ["--lazy", folder.at(name)]);
  }
});

const notesOf = (folder: TemporaryFolder) => readdirSync(folder.at(".dmmap", "stable"));

test("R20: what the home notes of a file is kept for as long as anybody may come back with a copy, and no longer", async () => {
  using folder = temporaryFolder();
  await using home = await HomeUnderTest.start({ folder: folder.path, leaseMillis: 60_000 });
  const { old, young, file } = await overtaken(home);
  await young.node.sync(file);
  await young.node.request("close", { file });
  const others = await overtaken(home, "other.bin");
  await others.young.node.sync(others.file);
  assert.equal(notesOf(folder).length, 2);
  for (const { node } of [others.old, others.young]) {
    await node.sync(others.file);
    await node.request("close", { file: others.file });
    node.send({ type: FrameType.goodbye });
  }
  young.node.send({ type: FrameType.goodbye });
  await until("the note of the other file is gone", () => notesOf(folder).length < 2);

  await home.restart();
  assert.equal(notesOf(folder).length, 1);
  const [oldAgain, number] = await back(home, old.welcome.session, oldCopies);
  await oldAgain.request("recovered", {});
  assert.equal(await firstByte(oldAgain, number), 2);
  await oldAgain.sync(number);
  assert.equal(notesOf(folder).length, 1);
  await oldAgain.request("close", { file: number });
  await until("the note is gone", () => notesOf(folder).length === 0);
});

test("of nodes that do not come back no note is kept", async () => {
  using folder = temporaryFolder();
  await using home = await HomeUnderTest.start({ folder: folder.path, leaseMillis: 300 });
  const { young, file } = await overtaken(home);
  await young.node.sync(file);
  await home.kill();
  assert.equal(notesOf(folder).length, 1);
  await home.start();
  await until("the note is gone", () => notesOf(folder).length === 0);

  writeFileSync(folder.at(".dmmap", "stable", "8-0-15.note"), "of a home that died");
  await home.restart();
  assert.deepEqual(notesOf(folder), []);
});

test("R20: pages of one lost write, and of earlier ones, are restored in any order after a cut", async () => {
  using folder = temporaryFolder();
  await using home = await HomeUnderTest.start({ folder: folder.path, leaseMillis: 60_000 });
  const { node, welcome } = await RawNode.greet(home.port, "cut");
  const { file } = await node.request("open", { name: "order.bin", create: true, size: 3 * 4096 });
  const { epoch } = await node.granted(node.acquire(file, 2, 0, 3));
  node.socket.resetAndDestroy();
  const { node: again, welcome: second } = await RawNode.greet(home.port, "cut", welcome.session);
  assert.equal(second.state, "resumed");
  for (const [index, duty] of [9, 9, 8].entries()) {
    const range = { dataStart: index, dataEnd: index + 1 };
    again.send({ type: FrameType.restore, file, ...range, epoch, extra: duty }, page(index + 1));
  }
  again.send({ type: FrameType.claim, file, mode: 2, start: 0, end: 3, epoch });
  await again.request("claimed", { file, epoch, duty: 9 });
  const data = await again.data(again.fetch(file, 0, 3, epoch));
  const bytes = Buffer.concat(data.map(({ payload }) => payload));
  assert.deepEqual([bytes[0], bytes[4096], bytes[2 * 4096]], [1, 2, 3]);
});
