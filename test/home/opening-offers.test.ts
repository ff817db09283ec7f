import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Mode, pageMax } from "../../src/core/units.js";
import { openingRequest } from "../../src/core/wire/control.js";
import { FrameType } from "../../src/core/wire/frame.js";
import { type Home, startHome } from "../../src/home/index.js";
import { until } from "../support/until.js";
import { page, RawNode } from "./raw-node.js";

let home: Home;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
});
after(() => home.close());

let key = 0;

/** A node, and what it needs to make a file. */
async function maker(name: string) {
  const { node, welcome } = await RawNode.greet(home.port, "a");
  const { attributes: root } = await node.request("lookup", { parent: 0, name: "" });
  const owner = { mode: 0o644, uid: 0, gid: 0 };
  const file = { parent: root?.inode ?? 0, name, ...owner, exclusive: true, open: "write", key: ++key } as const;
  return { node, session: welcome.session, file, [Symbol.dispose]: () => node[Symbol.dispose]() };
}

/** The same, with a file of so many pages: the first has this byte. */
async function made(name: string, pageCount: number, byte: number) {
  const parts = await maker(name);
  const { node } = parts;
  const { attributes, opened } = await node.request("create", parts.file);
  const file = opened?.file ?? 0;
  const { epoch } = await node.granted(openingRequest);
  node.send({ type: FrameType.grow, file, extra: pageCount * 4096 });
  node.write(file, 0, page(byte));
  return { ...parts, inode: attributes.inode, number: file, epoch };
}

test("who makes a file is given all of it, for stores, behind the answer", async () => {
  using parts = await maker("made");
  const { node } = parts;
  const { opened } = await node.request("create", parts.file);
  const { file, mode, start, end, payloadBytes } = await node.granted(openingRequest);
  assert.deepEqual([file, mode, start, end, payloadBytes], [opened?.file, Mode.write, 0, pageMax, 0]);
});

test("who opens a small file to read it is sent all of it, unless somebody may be storing to it: nobody is asked", async () => {
  using parts = await made("small", 3, 7);
  const { node, inode, number, epoch } = parts;
  node.send({ type: FrameType.growthEnded, file: number });
  const { node: reader } = await RawNode.greet(home.port, "b");
  using _reader = reader;
  await reader.request("openInode", { inode, write: false });
  await reader.settled();
  assert.ok(!reader.heard.some(({ type }) => type === FrameType.grant));
  await node.settled();
  assert.ok(!node.heard.some(({ type }) => type === FrameType.revoke));

  await reader.request("close", { file: number });
  node.release(number, Mode.read, 0, pageMax, epoch);
  await node.settled();
  await reader.request("openInode", { inode, write: false });
  const grant = await reader.granted(openingRequest);
  assert.deepEqual([grant.mode, grant.start, grant.end, grant.payload[0]], [Mode.read, 0, 3, 7]);
});

test("a large file is not sent along, nor any to who opens it to write", async () => {
  using large = await made("large", 17, 7);
  using small = await made("small, to write", 1, 7);
  const { node: other } = await RawNode.greet(home.port, "b");
  using _other = other;
  for (const { node, number, epoch } of [large, small]) {
    node.send({ type: FrameType.growthEnded, file: number });
    node.release(number, Mode.none, 0, pageMax, epoch);
    await node.settled();
  }
  await other.request("openInode", { inode: large.inode, write: false });
  await other.request("openInode", { inode: small.inode, write: true });
  await other.settled();
  assert.ok(!other.heard.some(({ type }) => type === FrameType.grant));
});

test("what a node was given behind an answer that it has not had is nobody's once it is back, and is not given again", async () => {
  using parts = await maker("lost answer");
  const { node, session, file } = parts;
  await node.request("create", file);
  node.socket.destroy();
  const { node: again } = await RawNode.greet(home.port, "a", session);
  using _again = again;
  await again.request("recovered", {});
  const { node: other } = await RawNode.greet(home.port, "b");
  using _other = other;
  const { attributes } = await other.request("lookup", { parent: file.parent, name: file.name });
  const { file: number } = await other.request("openInode", { inode: attributes?.inode ?? 0, write: true });
  await other.granted(other.acquire(number, Mode.write, 0, 1));
  const { opened } = await again.request("create", { ...file, again: true });
  assert.equal(opened?.file, number);
  await again.settled();
  assert.deepEqual(
    again.heard.filter(({ type }) => type === FrameType.grant || type === FrameType.revoke),
    [],
  );
});

test("a node that is not done with its claims is given nothing that it has not asked for", async () => {
  using parts = await maker("claims");
  const { node, session, file } = parts;
  node.socket.destroy();
  const { node: again } = await RawNode.greet(home.port, "a", session);
  using _again = again;
  await again.request("create", file);
  await again.request("recovered", {});
  await again.settled();
  assert.ok(!again.heard.some(({ type }) => type === FrameType.grant));
});

test("who hears late that it has made a file hears what size it has by then", async () => {
  using parts = await maker("late answer");
  const { node, session, file } = parts;
  await node.request("create", file);
  node.socket.destroy();
  const { node: again } = await RawNode.greet(home.port, "a", session);
  using _again = again;
  await again.request("recovered", {});
  const { node: other } = await RawNode.greet(home.port, "b");
  using _other = other;
  const { attributes } = await other.request("lookup", { parent: file.parent, name: file.name });
  const { file: number } = await other.request("openInode", { inode: attributes?.inode ?? 0, write: true });
  const extended = other.request("extend", { file: number, size: 10_000 });
  const { epoch } = await again.next(FrameType.resize);
  again.send({ type: FrameType.resized, file: number, epoch });
  await extended;
  const made = await again.request("create", { ...file, again: true });
  assert.deepEqual([made.opened?.file, made.opened?.size], [number, 10_000]);
});

test("who is back, opens a file anew and asks for some of it, is in nobody's way for what it was given and has not heard of", async () => {
  using parts = await maker("opened anew");
  const { node, session, file } = parts;
  const { attributes, opened } = await node.request("create", file);
  const { inode } = attributes;
  node.send({ type: FrameType.growthEnded, file: opened?.file ?? 0 });
  const { node: other } = await RawNode.greet(home.port, "b");
  using _other = other;
  const { file: number } = await other.request("openInode", { inode, write: true });
  await node.settled();
  node.socket.destroy();
  await until("the home has noticed", async () => {
    const { nodes } = await home.status();
    return nodes.some(({ name, state }) => name === "a" && state === "lost");
  });
  const wanted = other.acquire(number, Mode.write, 0, 1);
  await other.settled();
  const { node: again } = await RawNode.greet(home.port, "a", session);
  using _again = again;
  await again.request("openInode", { inode, write: true });
  again.acquire(number, Mode.write, 7, 8);
  await again.request("recovered", {});
  const { start, end } = await other.granted(wanted);
  assert.deepEqual([start, end], [0, 1]);
});
