import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { RawNode } from "./raw-node.js";

const many = 3000;
const moves = 50;

test("open files go by their names of now, and to move one looks at no other", async (context) => {
  using folder = temporaryFolder();
  mkdirSync(folder.at("folder/below"), { recursive: true });
  for (let index = 0; index < many; index++) writeFileSync(folder.at(`folder/below/${index}`), "x");
  await using home = await startHome({ folder: folder.path, listen: "127.0.0.1:0", leaseMillis: 60_000 });
  const { node } = await RawNode.greet(home.port, "node");
  const inodeOf = async (path: string) => {
    const { attributes } = await node.request("walk", { path, follow: false });
    return attributes?.inode ?? 0;
  };
  const [root, parent] = [await inodeOf(""), await inodeOf("folder/below")];
  const names = async () => (await home.status()).files.map(({ name }) => name);
  const move = (name: string, newName: string, flags: "replace" | "exchange" = "replace") =>
    node.request("move", { parent, name, newParent: parent, newName, flags });

  const moveAll = async () => {
    const start = performance.now();
    for (let index = 0; index < moves; index++) await move(`${index}`, `moved ${index}`);
    const millis = performance.now() - start;
    for (let index = 0; index < moves; index++) await move(`moved ${index}`, `${index}`);
    return millis;
  };
  const alone = await moveAll();
  for (let index = 0; index < many; index++) await node.request("open", { name: `folder/below/${index}` });
  const amongMany = await moveAll();
  context.diagnostic(`${alone / moves} ms each, ${amongMany / moves} among ${many} that are open`);
  assert.ok(amongMany < 10 * alone + 200, `${amongMany} ms, ${alone} when none is open`); // It was 80 times as much.
  for (const index of [0, 1]) await move(`${index}`, `moved ${index}`);
  assert.deepEqual((await names()).slice(0, 2), ["folder/below/moved 0", "folder/below/moved 1"]);
  await move("moved 0", "moved 1", "exchange");
  assert.deepEqual((await names()).slice(0, 2), ["folder/below/moved 1", "folder/below/moved 0"]);
  await node.request("move", { parent: root, name: "folder", newParent: root, newName: "other", flags: "replace" });
  assert.deepEqual((await names()).slice(0, 2), ["other/below/moved 1", "other/below/moved 0"]);
  node.socket.destroy();
});
