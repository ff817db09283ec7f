import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FrameType } from "../../src/core/wire/frame.js";
import { type Home, startHome } from "../../src/home/index.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { RawNode } from "./raw-node.js";

const leaseMillis = 600;
const refused = { code: "DMMAP_IO", message: /a note that fails/ };

interface Parts {
  readonly home: Home;
  readonly said: string[];
  readonly fail: () => void;
  readonly mend: () => void;
}

/** A home whose disk takes no notes while the test says so, and what it says of that. */
async function parts(context: TestContext): Promise<Parts> {
  const folder = temporaryFolder();
  context.after(() => folder[Symbol.dispose]());
  process.env.DMMAP_TEST_FAULTS = folder.path;
  const store = new URL("./failing-store.js", import.meta.url);
  const home = await startHome({ store, listen: "127.0.0.1:0", leaseMillis });
  context.after(() => home.close());
  const said: string[] = [];
  home.on("warning", (message) => said.push(message));
  home.on("error", (error) => said.push(`error: ${error.message}`));
  home.on("fenced", ({ name }) => said.push(`${name} is fenced`));
  return {
    home,
    said,
    fail: () => writeFileSync(folder.at("note"), ""),
    mend: () => rmSync(folder.at("note")),
  };
}

async function greet(context: TestContext, home: Home, name: string): Promise<RawNode> {
  const { node } = await RawNode.greet(home.port, name);
  context.after(() => node.socket.destroy());
  return node;
}

function keepAlive(context: TestContext, node: RawNode): void {
  const timer = setInterval(() => node.send({ type: FrameType.ping }), leaseMillis / 10);
  context.after(() => clearInterval(timer));
}

test("a node opens nothing that the next home would not know of, and leaves nothing open", async (context) => {
  const { home, said, fail, mend } = await parts(context);
  const node = await greet(context, home, "node");
  keepAlive(context, node);
  const { attributes } = await node.request("lookup", { parent: 0, name: "" });
  const parent = (attributes as { inode: number }).inode;
  const made = await node.request("mknod", {
    parent,
    name: "file",
    kind: "file",
    device: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
  });
  fail();
  const open = () => node.request("open", { name: "file" });
  await assert.rejects(open(), refused);
  await assert.rejects(open(), refused, "that it was asked for before is no reason");
  await assert.rejects(node.request("openInode", { inode: made.attributes.inode, write: true }), refused);
  assert.equal((await home.status()).openFiles, 0);
  mend();
  const { file } = await open();
  fail();
  assert.deepEqual((await open()).file, file, "what is on record already can be opened again");
  mend();
  await until("that it is written is said", () => said.length === 2);
  assert.match(said.join("\n"), /^a note that fails: until it can, .*\n.* is written again$/);
});

test("what was to be made and opened, and cannot be put on record, is not made", async (context) => {
  const { home, fail, mend } = await parts(context);
  const node = await greet(context, home, "node");
  keepAlive(context, node);
  const { attributes } = await node.request("lookup", { parent: 0, name: "" });
  const parent = (attributes as { inode: number }).inode;
  const create = (name: string) =>
    node.request("create", { parent, name, mode: 0o644, uid: 0, gid: 0, exclusive: true, open: "write" });
  fail();
  await assert.rejects(node.request("open", { name: "opened", create: true, exclusive: true }), refused);
  await assert.rejects(create("created"), refused);
  assert.deepEqual((await node.request("list", {})).files, []);
  assert.equal((await home.status()).openFiles, 0);
  mend();
  await node.request("open", { name: "opened", create: true, exclusive: true });
  await create("created");
  fail();
  await node.request("open", { name: "opened", create: true });
  const other = await greet(context, home, "other");
  await assert.rejects(other.request("open", { name: "opened", create: true }), refused);
  assert.equal((await node.request("list", {})).files.length, 2, "what was there before stays");
  mend();
});

test("what cannot be put on record is told without a lease, and no name is moved on one", async (context) => {
  const { home, fail, mend } = await parts(context);
  const node = await greet(context, home, "node");
  keepAlive(context, node);
  fail();
  const { attributes } = await node.request("lookup", { parent: 0, name: "", lease: true });
  const parent = (attributes as { inode: number }).inode;
  await node.request("mkdir", { parent, name: "folder", mode: 0o755, uid: 0, gid: 0 });
  const lookup = () => node.request("lookup", { parent, name: "folder", lease: true });
  const move = { parent, name: "folder", newParent: parent, newName: "moved", flags: "replace", lease: true } as const;
  assert.equal((await lookup()).leased, 0);
  await assert.rejects(node.request("move", move), refused);
  mend();
  await until("there are leases", async () => ((await lookup()).leased ?? 0) > 0);
  await node.request("move", move);
});

test("R15: a lost node whose end cannot be put on record keeps what it held, and the home lives", async (context) => {
  const { home, said, fail, mend } = await parts(context);
  const lost = await greet(context, home, "lost");
  const { file } = await lost.request("open", { name: "file", create: true, size: 4096 });
  await lost.granted(lost.acquire(file, 2, 0, 1));
  const other = await greet(context, home, "other");
  keepAlive(context, other);
  const opened = await other.request("open", { name: "file" });
  const waiting = other.granted(other.acquire(opened.file, 2, 0, 1));
  fail();
  await sleep(leaseMillis * 2);
  assert.deepEqual([said.length, /a note that fails/.test(said[0] ?? "")], [1, true]);
  assert.equal((await home.status()).nodes.length, 2, "the next home would take its word");
  mend();
  await waiting;
  await until("it is fenced", () => said.includes("lost is fenced"));
});

test("a node that leaves while its end cannot be put on record holds up nobody", async (context) => {
  const { home, fail, mend } = await parts(context);
  const [leaver, other] = [await greet(context, home, "leaver"), await greet(context, home, "other")];
  keepAlive(context, other);
  const { attributes } = await other.request("lookup", { parent: 0, name: "" });
  const parent = (attributes as { inode: number }).inode;
  await other.request("mkdir", { parent, name: "folder", mode: 0o755, uid: 0, gid: 0 });
  const told = await leaver.request("lookup", { parent, name: "folder", lease: true });
  assert.notEqual(told.leased, 0);
  fail();
  leaver.send({ type: FrameType.goodbye });
  await leaver.closed();
  await other.request("rmdir", { parent, name: "folder" });
  assert.equal((await home.status()).nodes.length, 1);
  mend();
});
