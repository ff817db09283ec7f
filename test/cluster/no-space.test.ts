import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { ClusterNode } from "./cluster-node.js";

const mebibyte = 1024 ** 2;
const pageBytes = 4096;
const skip = lacksUserfaultfd() || lacksMount();

/** A small disk, a home on it, and nodes. */
class Stage implements AsyncDisposable {
  readonly #folder = temporaryFolder();
  readonly #disk = this.#folder.at("disk");
  #closeHome: () => Promise<void> = async () => undefined;
  readonly nodes: ClusterNode[] = [];
  readonly fenced: string[] = [];

  static async start(diskMebibytes: number, cacheMebibytes: number): Promise<Stage> {
    const stage = new Stage();
    mkdirSync(stage.#disk);
    run("mount", ["-t", "tmpfs", "-o", `size=${diskMebibytes}m`, "dmmap-test", stage.#disk]);
    const home = await startHome({ folder: stage.#disk, listen: "127.0.0.1:0" });
    home.on("fenced", ({ name }) => stage.fenced.push(name));
    stage.#closeHome = () => home.close().catch(() => undefined);
    for (const name of ["node 0", "node 1"]) {
      const node = await ClusterNode.start(name);
      stage.nodes.push(node);
      await node.call("connect", { url: home.url, name, cacheBytes: cacheMebibytes * mebibyte });
    }
    return stage;
  }

  at(name: string): string {
    return `${this.#disk}/${name}`;
  }

  grow(diskMebibytes: number): void {
    run("mount", ["-o", `remount,size=${diskMebibytes}m`, this.#disk]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
    await this.#closeHome();
    run("umount", [this.#disk]);
    this.#folder[Symbol.dispose]();
  }
}

test("a full disk at the home reaches sync; no page is lost, and it works once there is room", { skip }, async () => {
  await using stage = await Stage.start(8, 256);
  const [one, two] = stage.nodes;
  writeFileSync(stage.at("ballast"), new Uint8Array(5 * mebibyte));
  const size = 6 * mebibyte;
  for (const node of stage.nodes) {
    await node.call("open", { name: "file.bin", create: true, size });
    await node.call("map", {});
  }
  await one.call("fill", { at: 0, length: size, value: 7 });
  for (let round = 0; round < 3; round++) {
    await assert.rejects(one.call("sync", {}), { code: "DMMAP_NO_SPACE" });
  }
  assert.equal(await two.call("firstUnlike", { at: 0, length: size, value: 7 }), -1, "others see all of it");
  await two.call("fill", { at: mebibyte, length: mebibyte, value: 8 });
  await assert.rejects(two.call("sync", {}), { code: "DMMAP_NO_SPACE" });
  assert.equal(await one.call("firstUnlike", { at: mebibyte, length: mebibyte, value: 8 }), -1);

  rmSync(stage.at("ballast"));
  await one.call("sync", {});
  await two.call("sync", {});
  const disk = readFileSync(stage.at("file.bin"));
  assert.equal(
    disk.subarray(0, mebibyte).findIndex((byte) => byte !== 7),
    -1,
  );
  assert.equal(
    disk.subarray(mebibyte, 2 * mebibyte).findIndex((byte) => byte !== 8),
    -1,
  );
  assert.equal(
    disk.subarray(2 * mebibyte).findIndex((byte) => byte !== 7),
    -1,
  );
  assert.deepEqual(stage.fenced, []);
});

test("more than the home can keep in memory waits, and nobody is fenced meanwhile", { skip }, async () => {
  await using stage = await Stage.start(8, 16);
  const [one, two] = stage.nodes;
  const pages = (128 * mebibyte) / pageBytes;
  for (const node of stage.nodes) {
    await node.call("open", { name: "file.bin", create: true, size: pages * pageBytes });
    await node.call("map", {});
  }
  await two.call("open", { name: "other.bin", create: true, size: pageBytes, as: "other" });
  await two.call("map", { file: "other", as: "other" });
  const writing = one.call("writeWalk", { pages, first: 1 }, 60_000);
  // The node that writes is made to wait, in its fault; another goes on, with what is in memory at least.
  const refused = await two.call("waitForRefused", { bytes: 40 * mebibyte }, 30_000);
  assert.ok(refused > 0);
  await two.call("store", { map: "other", at: 0, value: 5 });
  assert.equal(await two.call("load", { map: "other", at: 0 }), 5);
  stage.grow(256);
  await writing;
  await one.call("sync", {}, 30_000);
  await two.call("readWalk", { pages, first: 1 }, 60_000);
  const disk = readFileSync(stage.at("file.bin"));
  for (let page = 0; page < pages; page++) assert.equal(disk.readInt32LE(page * pageBytes), page + 1);
  assert.deepEqual(stage.fenced, []);
});

test("a file that cannot be made for lack of space says so", { skip }, async () => {
  await using stage = await Stage.start(1, 64);
  const [one] = stage.nodes;
  writeFileSync(stage.at("ballast"), new Uint8Array(mebibyte / 2));
  await one.call("open", { name: "file.bin", create: true, size: mebibyte });
  await one.call("map", {});
  await one.call("fill", { at: 0, length: mebibyte, value: 1 });
  await assert.rejects(one.call("sync", {}), { code: "DMMAP_NO_SPACE" });
  await one.call("truncate", { size: pageBytes });
  await one.call("sync", {});
  assert.equal(
    readFileSync(stage.at("file.bin")).findIndex((byte) => byte !== 1),
    -1,
  );
});

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}

function lacksMount(): string | false {
  using folder = temporaryFolder();
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "dmmap-test", folder.path]);
  if (status !== 0) return "may not mount a tmpfs here";
  run("umount", [folder.path]);
  return false;
}
