import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FrameType } from "../../src/core/wire/frame.js";
import { type Home, startHome } from "../../src/home/index.js";
import { RawNode } from "./raw-node.js";

const leaseMillis = 1000;
let home: Home;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0", leaseMillis });
});
after(() => home.close());

/** A node that has made a file, open for writing and alone, and another one that may ask for it. */
async function made(name: string) {
  const { node: a, welcome } = await RawNode.greet(home.port, "a");
  const { node: b } = await RawNode.greet(home.port, "b");
  const root = await a.request("lookup", { parent: 0, name: "" });
  const parent = root.attributes?.inode ?? 0;
  const owner = { mode: 0o644, uid: 0, gid: 0 };
  const { attributes, opened } = await a.request("create", { parent, name, ...owner, exclusive: true, open: "write" });
  assert.ok(opened !== undefined);
  const close = () => [a, b].forEach((node) => node[Symbol.dispose]());
  return {
    a,
    b,
    session: welcome.session,
    inode: attributes.inode,
    opened,
    file: opened.file,
    [Symbol.dispose]: close,
  };
}

function sizeOf(answer: object): number {
  return (answer as { attributes: { size: number } }).attributes.size;
}

test("I26: who has a file open alone makes it longer without asking; the home asks it when somebody wants to know", async () => {
  using parts = await made("alone");
  const { a, b, file, inode, opened } = parts;
  assert.equal(opened.growsHere, true);
  a.send({ type: FrameType.grow, file, extra: 100 });
  const looks = b.ask("getattr", { inode });
  const recall = await a.next(FrameType.recallGrowth);
  assert.equal(recall.file, file);
  await b.settled();
  assert.ok(!b.heard.some(({ request }) => request === looks), "it is not told before the node has answered");
  a.send({ type: FrameType.grow, file, extra: 200 });
  a.send({ type: FrameType.growthEnded, file, epoch: recall.epoch });
  assert.equal(sizeOf(await b.answer(looks)), 200);
  assert.ok(!a.heard.some(({ type }) => type === FrameType.resize), "it lives by that size already");

  const { framesIgnored } = (await home.status()).counters;
  a.send({ type: FrameType.grow, file, extra: 300 });
  await a.settled();
  assert.equal((await home.status()).counters.framesIgnored, framesIgnored + 1, "it is not left to it any more");
  assert.equal(sizeOf(await b.request("getattr", { inode })), 200);
});

test("I26: a node that does not write the file any more says so, and is not asked", async () => {
  using parts = await made("closed");
  const { a, b, file, inode } = parts;
  a.send({ type: FrameType.grow, file, extra: 70 });
  a.send({ type: FrameType.growthEnded, file });
  await a.settled();
  assert.equal(sizeOf(await b.request("getattr", { inode })), 70);
  await a.settled();
  assert.ok(!a.heard.some(({ type }) => type === FrameType.recallGrowth));
});

test("I26: nobody opens the file before, for reading either; then sizes are asked for", async () => {
  using parts = await made("opened");
  const { a, b, file, inode } = parts;
  const opens = b.ask("openInode", { inode, write: false });
  const recall = await a.next(FrameType.recallGrowth);
  a.send({ type: FrameType.grow, file, extra: 4096 });
  a.send({ type: FrameType.growthEnded, file, epoch: recall.epoch });
  assert.equal((await b.answer(opens)).size, 4096);
  const asked = a.ask("extend", { file, size: 8192 });
  for (const node of [a, b]) {
    const { epoch } = await node.next(FrameType.resize);
    node.send({ type: FrameType.resized, file, epoch });
  }
  assert.deepEqual(await a.answer(asked), { size: 8192 });
});

test("I26: who lists all files waits for those of now, asked all at once, and not for what is made meanwhile", async () => {
  using parts = await made("listed 1");
  const { a, b } = parts;
  const make = async (name: string) => {
    const { attributes } = await a.request("lookup", { parent: 0, name: "" });
    const owner = { parent: attributes?.inode ?? 0, mode: 0o644, uid: 0, gid: 0 };
    return (await a.request("create", { name, ...owner, exclusive: true, open: "write" })).opened?.file ?? 0;
  };
  const files = [parts.file, await make("listed 2")];
  for (const file of files) a.send({ type: FrameType.grow, file, extra: 100 * file });
  const lists = b.ask("list", { prefix: "listed" });
  const recalls = [await a.next(FrameType.recallGrowth), await a.next(FrameType.recallGrowth)];
  assert.deepEqual(
    recalls.map(({ file }) => file),
    files,
  );
  a.send({ type: FrameType.grow, file: await make("listed 3"), extra: 7 });
  for (const { file, epoch } of recalls) a.send({ type: FrameType.growthEnded, file, epoch });
  const found = (await b.answer(lists)).files as { name: string; size: number }[];
  assert.deepEqual(
    found.map(({ name, size }) => [name, size]),
    [...files.map((file, index) => [`listed ${index + 1}`, 100 * file]), ["listed 3", 7]],
  );
});

test("I26: who asks for a size leaves it to the home, which may leave it to the node anew; an old answer ends nothing", async () => {
  using parts = await made("asked");
  const { a, b, file, inode } = parts;
  const looks = b.ask("getattr", { inode });
  const { epoch } = await a.next(FrameType.recallGrowth);
  // Sent before the node has heard that.
  const asked = a.ask("truncate", { file, size: 10 });
  assert.equal(sizeOf(await b.answer(looks)), 0, "by that alone it is the home's to answer");
  a.send({ type: FrameType.resized, file, epoch: (await a.next(FrameType.resize)).epoch });
  assert.deepEqual(await a.answer(asked), { size: 10 }, "not at once, where somebody has looked");

  let growsHere = false;
  for (let size = 11; !growsHere; size++) {
    assert.ok(size < 20, "but some time");
    const more = a.ask("extend", { file, size });
    a.send({ type: FrameType.resized, file, epoch: (await a.next(FrameType.resize)).epoch });
    growsHere = (await a.answer(more)).growsHere === true;
  }
  a.send({ type: FrameType.growthEnded, file, epoch });
  a.send({ type: FrameType.grow, file, extra: 100 });
  const again = b.ask("getattr", { inode });
  const second = await a.next(FrameType.recallGrowth);
  assert.ok(second.epoch > epoch);
  a.send({ type: FrameType.growthEnded, file, epoch: second.epoch });
  assert.equal(sizeOf(await b.answer(again)), 100);
});

test("I26: a node that is back says what it has made; one that is not asked any more is not heard", async () => {
  using parts = await made("back");
  const { a, b, file, inode, session } = parts;
  a.socket.destroy();
  const looks = b.ask("getattr", { inode });
  const { node: again, welcome } = await RawNode.greet(home.port, "a", session);
  using _again = again;
  assert.equal(welcome.state, "resumed");
  again.send({ type: FrameType.grow, file, extra: 500 });
  await again.request("claimed", { file, epoch: 0, duty: 0 });
  await b.settled();
  assert.ok(!b.heard.some(({ request }) => request === looks), "it may have more to say");
  await again.request("recovered", {});
  assert.equal(sizeOf(await b.answer(looks)), 500);
  again.send({ type: FrameType.grow, file, extra: 600 });
  await again.settled();
  assert.equal(sizeOf(await b.request("getattr", { inode })), 500);
});

test("I26: a node that asks once more for a file that it has made hears that the home decides how long it is", async () => {
  using parts = await made("asked once more");
  const { a, b, session } = parts;
  const { attributes } = await a.request("lookup", { parent: 0, name: "" });
  const parent = attributes?.inode ?? 0;
  const owner = { mode: 0o644, uid: 0, gid: 0 };
  const create = { parent, name: "lost answer", ...owner, exclusive: true, open: "write", key: 1 } as const;
  assert.equal((await a.request("create", create)).opened?.growsHere, true);
  a.socket.destroy();
  const { node: again } = await RawNode.greet(home.port, "a", session);
  using _again = again;
  await again.request("recovered", {});
  const { opened, attributes: file } = await again.request("create", { ...create, again: true });
  assert.ok(opened !== undefined);
  assert.equal(opened.growsHere, undefined, "it could make it longer, and nobody would hear of it");
  const asked = again.ask("extend", { file: opened.file, size: 10 });
  again.send({ type: FrameType.resized, file: opened.file, epoch: (await again.next(FrameType.resize)).epoch });
  assert.equal((await again.answer(asked)).size, 10);
  assert.equal(sizeOf(await b.request("getattr", { inode: file.inode })), 10);
});

test("a node that pings and does not answer is heard no more after a lease, and who waits is served", async () => {
  using parts = await made("silent");
  const { a, b, file, inode } = parts;
  a.send({ type: FrameType.grow, file, extra: 50 });
  const pings = setInterval(() => [a, b].forEach((node) => node.send({ type: FrameType.ping })), leaseMillis / 10);
  try {
    const looks = b.ask("getattr", { inode });
    assert.equal((await a.next(FrameType.closing)).json.code, "DMMAP_FENCED");
    assert.equal(sizeOf(await b.answer(looks)), 50);
  } finally {
    clearInterval(pings);
  }
});

test("who opens a file for writing hears whether another node's programs may be writing it", async () => {
  using parts = await made("shared");
  const { a, b, file, inode, opened } = parts;
  assert.equal(opened.isShared, undefined);
  const isShared = async () => {
    const opens = b.ask("openInode", { inode, write: true });
    const recall = a.heard.some(({ type }) => type === FrameType.recallGrowth);
    if (!recall) a.send({ type: FrameType.growthEnded, file });
    return (await b.answer(opens)).isShared === true;
  };
  assert.ok(await isShared());
  assert.ok(await isShared(), "however often");
  a.send({ type: FrameType.writingEnded, file });
  await a.settled();
  assert.ok(!(await isShared()), "though it has it open still");
  await a.request("openInode", { inode, write: true });
  assert.ok(await isShared());
  await a.request("close", { file });
  assert.ok(!(await isShared()));
});
