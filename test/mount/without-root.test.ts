import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { dmmapScript } from "../cli/dmmap.js";
import { lacksFuse, lacksProgram } from "../support/requires.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";
import type { MountUnderTest } from "./mount-under-test.js";
import { PlainUser } from "./plain-user.js";

const nobody = 65_534;
const asNobody = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
const skip = lacksFuse() || lacksProgram("fusermount3") || lacksProgram("setpriv");

/** In a mount namespace of its own, in which /dev/fuse has this mode: on most machines everybody may use it. */
function withDevice(folder: TemporaryFolder, mode: string): string[] {
  const device = folder.at("fuse");
  assert.equal(spawnSync("mknod", ["-m", mode, device, "c", "10", "229"]).status, 0);
  return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /dev/fuse && exec "$@"', device];
}

/** Runs a program of nobody's that sees the same mounts as this one does. */
function inside(mount: MountUnderTest): string[] {
  return ["nsenter", `--mount=/proc/${mount.program.child.pid}/ns/mnt`, ...asNobody];
}

async function userOf(mount: MountUnderTest): Promise<PlainUser> {
  const [execPath, ...execArgv] = [...inside(mount), process.execPath];
  return await PlainUser.start("nobody", { execPath, execArgv });
}

test("nobody mounts with fusermount3, sees what others write, and unmounts", { skip }, async () => {
  using folder = temporaryFolder();
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [rootMount] = cluster.mounts;
  chmodSync(rootMount.path, 0o777);
  const mount = await cluster.add([], { prefix: [...withDevice(folder, "666"), ...asNobody], owner: nobody });
  await using user = await userOf(mount);

  await user.call("edit", { path: mount.at("file") });
  await user.call("write", { at: 0, text: "of nobody" });
  assert.equal(readFileSync(rootMount.at("file"), "utf8"), "of nobody");
  writeFileSync(rootMount.at("file"), ", and of root", { flag: "a" });
  assert.equal(await user.call("stat", { path: mount.at("file") }), 22, "a size that others change");
  assert.equal(await user.call("read", { at: 0, length: 100 }), "of nobody, and of root");
  await user.call("map", { length: 22 });
  writeFileSync(rootMount.at("file"), "O", { flag: "r+" });
  assert.equal(await user.call("load", { at: 0 }), "O".charCodeAt(0));
  await user.call("store", { at: 3, value: "N".charCodeAt(0) });
  assert.equal(readFileSync(rootMount.at("file"), "utf8"), "Of Nobody, and of root");
  for (let round = 0; round < 50; round++) {
    writeFileSync(rootMount.at("file"), "x".repeat(round * 1000 + 1));
    assert.equal((await user.call("read", { at: 0, length: 100_000 })).length, round * 1000 + 1, `round ${round}`);
  }
  await user.process[Symbol.asyncDispose]();
  await mount.unmount();
});

/** Runs a program as nobody, on one file by nobody's mount and by root's. @returns what it prints */
async function runOnBoth(program: string, args: readonly number[]): Promise<string> {
  using folder = temporaryFolder();
  using compiled = new CompiledProgram(program);
  await using cluster = await MountCluster.start({ mounts: 1, options: ["--allow-other"] });
  const [far] = cluster.mounts;
  chmodSync(far.path, 0o777);
  const mount = await cluster.add([], { prefix: [...withDevice(folder, "666"), ...asNobody], owner: nobody });
  return await compiled.run([...args, mount.at("file"), far.at("file")], undefined, inside(mount));
}

/** Nobody can have the kernel take a size while nobody writes: so nobody writes through the kernel's cache. */
test("no byte that nobody writes gets lost where root's write has ended just now", { skip }, async () => {
  await runOnBoth("extend", [300, 2000, 0]);
});

test("nobody has his turn at a page that root writes all the time, too", { skip }, async (context) => {
  context.diagnostic(await runOnBoth("contended", [300, 3, 8]));
});

test("nobody mounts on folders of his own, and does not end calls by force: he is told what to do", {
  skip,
}, async () => {
  using folder = temporaryFolder();
  await using cluster = await MountCluster.start({ mounts: 0 });
  const prefix = [...withDevice(folder, "666"), ...asNobody];
  await assert.rejects(
    cluster.add([], { prefix }), // Root's.
    /no write access to mountpoint .*\(DMMAP_UNSUPPORTED\)\ntry: mount on a folder that this user may write to/,
  );
  const mount = await cluster.add([], { prefix, owner: nobody });
  const [command, ...args] = [...inside(mount), process.execPath, dmmapScript, "umount", "--force", mount.path];
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /EPERM \(DMMAP_BAD_FOLDER\)\ntry: sudo dmmap umount --force \S+: only root may\n$/);
});

test("who may not mount is told why", { skip }, async () => {
  using folder = temporaryFolder();
  await using cluster = await MountCluster.start({ mounts: 0 });
  await assert.rejects(
    cluster.add([], { prefix: [...withDevice(folder, "600"), ...asNobody], owner: nobody }),
    /cannot be mounted: fusermount3: .*\/dev\/fuse.*DMMAP_UNSUPPORTED.*try: .*dmmap doctor/s,
  );
});
