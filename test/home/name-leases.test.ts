import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FrameType } from "../../src/core/wire/frame.js";
import { capabilityName } from "../../src/core/wire/leases.js";
import { type Home, startHome } from "../../src/home/index.js";
import { RawNode } from "./raw-node.js";

/** Of the home whose nodes' silence is looked at. That of the others is never up, however busy the machine is. */
const leaseMillis = 400;
const owner = { mode: 0o644, uid: 0, gid: 0 };
let home: Home;
let strict: Home;
let root: number;
before(async () => {
  const options = { store: "memory", listen: "127.0.0.1:0" } as const;
  [home, strict] = await Promise.all([startHome(options), startHome({ ...options, leaseMillis })]);
  using node = (await RawNode.greet(home.port)).node;
  root = inodeOf(await node.request("lookup", { parent: 0, name: "" })); // It is the same number at both.
});
after(() => Promise.all([home.close(), strict.close()]));

function inodeOf(answer: object): number {
  return (answer as { attributes: { inode: number } }).attributes.inode;
}

function keysOf({ json }: { json: Record<string, unknown> }): unknown[] {
  return json.keys as unknown[];
}

/** A file that one node was told of on a lease, and another that is about to change it. */
async function toldAndChanger(name: string, at = home) {
  const { node: told, welcome } = await RawNode.greet(at.port, `${name} told`);
  const { node: changer } = await RawNode.greet(at.port, `${name} changer`);
  const { inode } = (await changer.request("create", { parent: root, name, exclusive: true, ...owner })).attributes;
  const answer = await told.request("lookup", { parent: root, name, lease: true });
  assert.deepEqual([inodeOf(answer), answer.leased], [inode, 3]);
  return { told, welcome, changer, inode };
}

/** Keeps a node's lease, as a real node's pings do. */
function pinging(node: RawNode): Disposable {
  const timer = setInterval(() => node.send({ type: FrameType.ping }), leaseMillis / 8);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test("I19: attributes change when whoever was told them has forgotten them", async () => {
  const { told, changer, inode } = await toldAndChanger("changed");
  using _told = told;
  using _changer = changer;
  const change = changer.ask("setattr", { inode, mode: 0o600 });
  const recall = await told.next(FrameType.recall);
  assert.deepEqual(keysOf(recall), [inode]);
  const meanwhile = await told.request("getattr", { inode, lease: true });
  assert.deepEqual([meanwhile.attributes.mode, meanwhile.leased], [0o644, 0], "as it was, and not on a lease");
  await changer.settled();
  assert.deepEqual(changer.heard, [], "not changed yet");
  told.send({ type: FrameType.recalled, request: recall.request });
  await changer.answer(change);
  const then = await told.request("getattr", { inode, lease: true });
  assert.deepEqual([then.attributes.mode, then.leased], [0o600, 1]);
});

test("I19: who changes something is told what, and is not asked", async () => {
  const { told, changer, inode } = await toldAndChanger("own");
  using _told = told;
  using _changer = changer;
  const { changed, fresh } = await told.request("unlink", { parent: root, name: "own", lease: true });
  assert.deepEqual(new Set(changed), new Set([root, `${root}/own`, inode, `${inode}/`]));
  assert.deepEqual(
    fresh?.map((attributes) => attributes.inode),
    [root],
  );
  assert.deepEqual(told.heard, []);
  told.send({ type: FrameType.goodbye }); // It was told of the root: nobody shall wait for its lease.
  await told.closed();
});

test("I19: a name and all that its end changes are asked for in one frame", async () => {
  const { told, changer, inode } = await toldAndChanger("named");
  using _told = told;
  using _changer = changer;
  await told.request("getattr", { inode: root, lease: true });
  const change = changer.ask("move", {
    parent: root,
    name: "named",
    newParent: root,
    newName: "other",
    flags: "replace",
  });
  const recall = await told.next(FrameType.recall);
  assert.deepEqual(new Set(keysOf(recall)), new Set([root, `${root}/named`, inode]));
  told.send({ type: FrameType.recalled, request: recall.request });
  await changer.answer(change);
});

test("I19: attributes of a file that somebody has open for writing are not told on a lease", async () => {
  const { told, changer, inode } = await toldAndChanger("written");
  using _told = told;
  using _changer = changer;
  const open = changer.ask("openInode", { inode, write: true });
  const recall = await told.next(FrameType.recall);
  told.send({ type: FrameType.recalled, request: recall.request });
  const { file } = (await changer.answer(open)) as { file: number };
  changer.send({ type: FrameType.growthEnded, file }); // It makes nothing longer by itself.
  assert.equal((await told.request("getattr", { inode, lease: true })).leased, 0);
  await changer.request("close", { file });
  assert.equal((await told.request("getattr", { inode, lease: true })).leased, 1);
});

test("I19: but to who has it open alone, until another opens it for writing, too", async () => {
  const { told, changer, inode } = await toldAndChanger("written alone");
  using _told = told;
  using _changer = changer;
  told.send({ type: FrameType.goodbye });
  await told.closed();
  const { file } = await changer.request("openInode", { inode, write: true });
  changer.send({ type: FrameType.growthEnded, file }); // It makes nothing longer by itself.
  const leased = async () => (await changer.request("getattr", { inode, lease: true })).leased;
  assert.equal(await leased(), 1);
  const { node: second } = await RawNode.greet(home.port, "second");
  const opening = second.ask("openInode", { inode, write: true });
  const recall = await changer.next(FrameType.recall);
  assert.deepEqual(keysOf(recall), [inode]);
  await second.settled();
  assert.deepEqual(second.heard, [], "not opened yet");
  changer.send({ type: FrameType.recalled, request: recall.request });
  const { file: other } = (await second.answer(opening)) as { file: number };
  assert.equal(await leased(), 0);
  await second.request("close", { file: other });
  assert.equal(await leased(), 1);
  changer.send({ type: FrameType.goodbye });
  await changer.closed();
  second[Symbol.dispose]();
});

test("I19: the time of stores is told to whoever writes, and changes what others were told of one who only reads", async () => {
  const { told, changer, inode } = await toldAndChanger("stored");
  using _told = told;
  using _changer = changer;
  const modified = async () => (await told.request("getattr", { inode, lease: true })).attributes.mtime;
  const before = await modified();
  const { file } = await changer.request("openInode", { inode, write: false });
  changer.send({ type: FrameType.stored, file, request: 77 });
  const recall = await told.next(FrameType.recall);
  assert.deepEqual([keysOf(recall), await modified()], [[inode], before], "not changed yet");
  told.send({ type: FrameType.recalled, request: recall.request });
  const { file: answered } = await changer.outcome(77, FrameType.written);
  assert.equal(answered, file);
  assert.notDeepEqual(await modified(), before);
  changer.send({ type: FrameType.stored, file: file + 1, request: 78 });
  await assert.rejects(changer.outcome(78, FrameType.written), { code: "DMMAP_CLOSED" });
});

test("I19: that a file has no capability is told on a lease, to who makes it as well", async () => {
  const { told, changer, inode } = await toldAndChanger("bare");
  using _told = told;
  using _changer = changer;
  const asked = { inode, name: capabilityName };
  await assert.rejects(told.request("getxattr", asked), { code: "DMMAP_NOT_FOUND" });
  assert.deepEqual(await told.request("getxattr", { ...asked, lease: true }), { value: null, leased: 4 });
  const other = { inode, name: "user.other", value: "YQ==", mode: "any" } as const;
  const changeOther = changer.ask("setxattr", other);
  const first = await told.next(FrameType.recall);
  assert.deepEqual(keysOf(first), [inode], "only its attributes change");
  told.send({ type: FrameType.recalled, request: first.request });
  await changer.answer(changeOther);

  const change = changer.ask("setxattr", { ...other, name: capabilityName });
  const recall = await told.next(FrameType.recall);
  assert.deepEqual(keysOf(recall), [`${inode}/`]);
  await changer.settled();
  assert.deepEqual(changer.heard, [], "not changed yet");
  told.send({ type: FrameType.recalled, request: recall.request });
  await changer.answer(change);
  assert.deepEqual(await told.request("getxattr", { ...asked, lease: true }), { value: "YQ==", leased: 0 });

  const make = { parent: root, name: "bare too", exclusive: true, ...owner, lease: true };
  const { leased = 0, attributes } = await told.request("create", make);
  assert.equal(leased, 7);
  const again = changer.ask("setxattr", { ...other, inode: attributes.inode, name: capabilityName });
  const both = await told.next(FrameType.recall);
  assert.deepEqual(new Set(keysOf(both)), new Set([attributes.inode, `${attributes.inode}/`]));
  told.send({ type: FrameType.recalled, request: both.request });
  await changer.answer(again);
  const existing = await told.request("create", { ...make, exclusive: false });
  assert.equal((existing.leased ?? 0) & 4, 0, "what was there before may have one");
  told.send({ type: FrameType.goodbye }); // It was told of the root: nobody shall wait for its lease.
  await told.closed();
});

test("I19: a recall that nobody asked for is not answered for anybody else", async () => {
  const { told, changer, inode } = await toldAndChanger("hostile");
  using _told = told;
  using _changer = changer;
  const change = changer.ask("setattr", { inode, mode: 0o600 });
  const recall = await told.next(FrameType.recall);
  const before = (await home.status()).counters.framesIgnored;
  changer.send({ type: FrameType.recalled, request: recall.request });
  told.send({ type: FrameType.recalled, request: recall.request + 1 });
  await changer.settled();
  await told.settled();
  assert.equal((await home.status()).counters.framesIgnored, before + 2);
  assert.deepEqual(changer.heard, []);
  told.send({ type: FrameType.recalled, request: recall.request });
  await changer.answer(change);
});

test("I19: who was told and does not answer is fenced after its lease, pings or not", async () => {
  const { told, changer, inode } = await toldAndChanger("silent", strict);
  using _told = told;
  using _changer = changer;
  using _pings = pinging(told);
  using _others = pinging(changer);
  await changer.request("setattr", { inode, mode: 0o600 });
  await told.closed();
});

test("I19: who was told and is gone is waited for as long as its lease", async () => {
  const { told, changer, inode } = await toldAndChanger("gone", strict);
  using _changer = changer;
  using _pings = pinging(changer);
  told[Symbol.dispose]();
  await changer.request("setattr", { inode, mode: 0o600 });
});

test("I19: who is back has forgotten everything when it says so", async () => {
  const { told, welcome, changer, inode } = await toldAndChanger("back");
  using _changer = changer;
  using _others = pinging(changer);
  told[Symbol.dispose]();
  const change = changer.ask("setattr", { inode, mode: 0o600 });
  const { node: back, welcome: again } = await RawNode.greet(home.port, "back", welcome.session);
  using _back = back;
  assert.equal(again.state, "resumed");
  await changer.settled();
  assert.equal(changer.heard.filter((frame) => frame.type === FrameType.reply).length, 0);
  await back.request("recovered", {});
  await changer.answer(change);
});
