import assert from "node:assert/strict";
import { type FileHandle, open } from "node:fs/promises";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();
const pageBytes = 4096;
const record = Buffer.alloc(100, "r");

async function readAll(file: FileHandle, position: number): Promise<string> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(record.length), 0, record.length, position);
  return buffer.toString("latin1", 0, bytesRead);
}

/** 1. Another host appends. 2. A program here appends behind that: while it does, the kernel takes no size from anybody. */
test("what another host has appended is read in full while a program of this host appends too", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using far = await open(one.at("log"), "w+");
  await using writer = await open(other.at("log"), "r+");
  await using reader = await open(other.at("log"), "r");
  for (let round = 0; round < 150; round++) {
    const start = round * 8192;
    await far.write(record, 0, record.length, start + 4000);
    const [read] = await Promise.all([
      readAll(reader, start + 4000),
      writer.write(record, 0, record.length, start + 4100),
      writer.write(record, 0, record.length, start + 8000),
    ]);
    assert.equal(read, record.toString("latin1"), `round ${round}`);
    assert.equal(await readAll(far, start + 8000), record.toString("latin1"), `round ${round}, the other way`);
    assert.equal((await reader.stat()).size, start + 8100);
    assert.equal((await far.stat()).size, start + 8100);
  }
});

test("a change of attributes that crosses with another host's append makes no file shorter", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using far = await open(one.at("log"), "w+");
  await using near = await open(other.at("log"), "r+");
  for (let round = 0; round < 150; round++) {
    const start = round * 5000;
    await Promise.all([far.write(record, 0, record.length, start), near.chmod(round % 2 === 0 ? 0o600 : 0o644)]);
    assert.equal(await readAll(near, start), record.toString("latin1"), `round ${round}`);
  }
});

/** The kernel knows a file that no program has open from before: it hears of its size with the open(2). */
test("R5: who opens a file reaches the end that another host has given it meanwhile, through a map too", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using writer = await PlainUser.start("the writer");
  await using user = await PlainUser.start("the user");
  await writer.call("edit", { path: one.at("grows") });
  for (let round = 0; round < 100; round++) {
    const [page, value] = [2 * round, (round % 255) + 1];
    const write = (at: number) => writer.call("fill", { at: at * pageBytes, length: pageBytes, value });
    const opened = () => user.call("open", { path: other.at("grows"), flags: "r" });
    await write(page);
    // Just while it opens it, or before.
    if (round % 2 === 0) await Promise.all([write(page + 1), opened()]);
    else await write(page + 1).then(opened);
    await user.call("mapRead", { length: (page + 2) * pageBytes });
    assert.equal(await user.call("load", { at: (page + 2) * pageBytes - 1 }), value, `round ${round}`);
    await user.call("unmap", {});
    await user.call("close", {});
  }
});

test("R5: a map whose descriptor is closed reaches as far as other hosts make the file", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  await using writer = await PlainUser.start("the writer");
  await using user = await PlainUser.start("the user");
  await writer.call("edit", { path: one.at("mapped") });
  await writer.call("fill", { at: 0, length: pageBytes, value: 1 });
  await user.call("open", { path: other.at("mapped"), flags: "r" });
  await user.call("mapRead", { length: 100 * pageBytes });
  await user.call("close", {});
  for (let page = 1; page < 100; page++) {
    await writer.call("fill", { at: page * pageBytes, length: pageBytes, value: page });
    assert.equal(await user.call("load", { at: (page + 1) * pageBytes - 1 }), page);
  }
});
