import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FrameType } from "../../src/core/wire/frame.js";
import { type Home, startHome } from "../../src/home/index.js";
import { RawNode, type ReceivedFrame } from "./raw-node.js";

/** A bit of `Leased`. */
const named = 2;
const owner = { mode: 0o755, uid: 0, gid: 0 };
let home: Home;
let root: number;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  using node = (await RawNode.greet(home.port)).node;
  root = inodeOf(await node.request("lookup", { parent: 0, name: "" }));
});
after(() => home.close());

type Make = (node: RawNode, name: string) => Promise<number>;
/** Every way in which a name comes to be. Each returns the request that makes it. */
const ways: Readonly<Record<string, Make>> = {
  create: async (node, name) => node.ask("create", { parent: root, name, exclusive: true, ...owner }),
  mkdir: async (node, name) => node.ask("mkdir", { parent: root, name, ...owner }),
  mknod: async (node, name) => node.ask("mknod", { parent: root, name, kind: "fifo", device: 0, ...owner }),
  symlink: async (node, name) => node.ask("symlink", { parent: root, name, target: "elsewhere", uid: 0, gid: 0 }),
  link: async (node, name) => node.ask("link", { inode: await makeFile(node, `${name} linked`), parent: root, name }),
  move: async (node, name) => {
    await makeFile(node, `${name} moved`);
    return node.ask("move", { parent: root, name: `${name} moved`, newParent: root, newName: name, flags: "replace" });
  },
  "open of the library": async (node, name) => node.ask("open", { name, create: true }),
  "open of the library, of what is below": async (node, name) =>
    node.ask("open", { name: `${name}/a/b`, create: true }),
  "rename of the library": async (node, name) => {
    await makeFile(node, `${name} renamed`);
    return node.ask("rename", { from: `${name} renamed`, to: name });
  },
};

async function makeFile(node: RawNode, name: string): Promise<number> {
  return inodeOf(await node.request("create", { parent: root, name, exclusive: true, ...owner }));
}

function inodeOf(answer: object): number {
  return (answer as { attributes: { inode: number } }).attributes.inode;
}

function keysOf({ json }: ReceivedFrame): unknown[] {
  return json.keys as unknown[];
}

async function twoNodes(name: string) {
  const { node: told } = await RawNode.greet(home.port, `${name} told`);
  const { node: maker } = await RawNode.greet(home.port, `${name} maker`);
  return { told, maker };
}

/** Both say that they leave, so that nobody waits for their leases. */
async function leave(...nodes: RawNode[]): Promise<void> {
  for (const node of nodes) {
    node.send({ type: FrameType.goodbye });
    await node.closed();
  }
}

for (const [way, make] of Object.entries(ways)) {
  test(`I19: a name that leads nowhere is made when whoever was told so has forgotten it: ${way}`, async () => {
    const name = way.replaceAll(" ", "-");
    const { told, maker } = await twoNodes(name);
    const asked = { parent: root, name, lease: true } as const;
    assert.deepEqual(await told.request("lookup", asked), { attributes: null, leased: named });
    const making = await make(maker, name);
    const recall = await told.next(FrameType.recall);
    assert.deepEqual(keysOf(recall), [`${root}/${name}`]);
    assert.deepEqual(
      await told.request("lookup", asked),
      { attributes: null, leased: 0 },
      "not yet, and not on a lease",
    );
    await maker.settled();
    assert.deepEqual(maker.heard, [], "not made yet");
    told.send({ type: FrameType.recalled, request: recall.request });
    await maker.answer(making);
    assert.ok(inodeOf(await told.request("lookup", { parent: root, name })) > 0);
    await leave(told, maker);
  });
}

const removals = ["unlink", "rmdir", "move"] as const;
for (const op of removals) {
  test(`I19: who takes a name away by ${op} hears that it leads nowhere, until another makes it`, async () => {
    const { told, maker } = await twoNodes(op);
    const name = `removed by ${op}`;
    if (op === "rmdir") await told.request("mkdir", { parent: root, name, ...owner });
    else await makeFile(told, name);
    const to = { newParent: root, newName: `${name}, new`, flags: "replace" } as const;
    const removed = await told.request(op, { parent: root, name, lease: true, ...to });
    assert.equal(removed.leased, named);
    const making = maker.ask("mkdir", { parent: root, name, ...owner });
    const recall = await told.next(FrameType.recall);
    assert.ok(keysOf(recall).includes(`${root}/${name}`));
    told.send({ type: FrameType.recalled, request: recall.request });
    await maker.answer(making);
    await leave(told, maker);
  });
}

test("I19: of two names of one file neither is gone when one is moved onto the other", async () => {
  const { told, maker } = await twoNodes("two names");
  const inode = await makeFile(told, "first");
  await told.request("link", { inode, parent: root, name: "second" });
  const move = {
    parent: root,
    name: "first",
    newParent: root,
    newName: "second",
    flags: "replace",
    lease: true,
  } as const;
  assert.equal((await told.request("move", move)).leased, 0);
  assert.equal(inodeOf(await told.request("lookup", { parent: root, name: "first" })), inode);
  await leave(told, maker);
});

test("I19: when a folder is removed, all is forgotten about what was not in it: its number may be another's", async () => {
  const { told, maker } = await twoNodes("folder");
  const moves = { newParent: root, newName: "gone", flags: "replace", parent: root } as const;
  for (const op of ["rmdir", "move"] as const) {
    const made = await maker.request("mkdir", { parent: root, name: "gone", ...owner });
    const folder = inodeOf(made);
    await maker.request("mkdir", { parent: root, name: "other", ...owner });
    await told.request("lookup", { parent: folder, name: "a", lease: true });
    await told.request("lookup", { parent: folder, name: "b", lease: true });
    const removal = maker.ask(op, op === "move" ? { ...moves, name: "other" } : { parent: root, name: "gone" });
    const recall = await told.next(FrameType.recall);
    assert.deepEqual(keysOf(recall), [`${folder}//`]);
    told.send({ type: FrameType.recalled, request: recall.request });
    await maker.answer(removal);
    if (op === "rmdir") await maker.request("rmdir", { parent: root, name: "other" });
  }
  await leave(told, maker);
});
