import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { type TestContext, test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
/** As Linux numbers it: only names what the path leads to, and opens nothing. */
const O_PATH = 0o10000000;
const makers = [
  ["a file", (path: string) => writeFileSync(path, "new", { mode: 0o644 })],
  ["a symbolic link", (path: string) => symlinkSync("elsewhere", path)],
] as const;

/** Calls `act` with a path to a removed file whose number another one has got on the other host. */
async function withOldFile(
  context: TestContext,
  cluster: MountCluster,
  make: (path: string) => void,
  act: (old: string) => void,
): Promise<void> {
  const [one, other] = cluster.mounts;
  for (let tries = 0; tries < 20; tries++) {
    const name = `old ${tries}`;
    writeFileSync(cluster.folder.at(name), "old"); // A mount that has written it keeps it open for a while, and so its number.
    const fd = openSync(one.at(name), O_PATH);
    const number = fstatSync(fd).ino;
    unlinkSync(other.at(name));
    make(other.at("new"));
    try {
      if (lstatSync(other.at("new")).ino === number) return act(`/proc/${process.pid}/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
    unlinkSync(other.at("new"));
  }
  context.skip("the served folder's filesystem does not use numbers again at once");
}

for (const [what, make] of makers) {
  test(`what a program holds is not ${what} that has its inode number by now`, { skip }, async (context) => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    await withOldFile(context, cluster, make, (old) => {
      // link(2) of the file itself, not of the link to it in /proc.
      const linked = spawnSync("ln", ["-L", old, one.at("linked")], { encoding: "utf8" });
      assert.match(linked.stderr, /Stale file handle|No such file/);
      assert.equal(existsSync(other.at("linked")), false);
      assert.throws(() => chmodSync(old, 0o600), { errno: -116 });
      assert.throws(() => readFileSync(old), { errno: -116 });
    });
    if (what === "a file") {
      assert.equal(readFileSync(one.at("new"), "utf8"), "new");
      assert.equal(statSync(other.at("new")).mode & 0o777, 0o644);
    }
  });
}

test("a file is open at once on a host that had another one open, which is gone with its home, and whose number it has", {
  skip,
}, async (context) => {
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 3000 } });
  const { home, folder } = cluster;
  const [one] = cluster.mounts;
  for (let tries = 0; tries < 20; tries++) {
    const [old, fresh] = [`old ${tries}`, `new ${tries}`];
    writeFileSync(folder.at(old), "old");
    assert.equal(readFileSync(one.at(old), "utf8"), "old"); // The mount keeps it open for a while.
    const number = lstatSync(folder.at(old)).ino;
    await home.kill();
    unlinkSync(folder.at(old));
    writeFileSync(folder.at(fresh), "new");
    await home.start();
    assert.equal(readFileSync(one.at(fresh), "utf8"), "new");
    if (lstatSync(folder.at(fresh)).ino === number) return;
  }
  context.skip("the served folder's filesystem does not use numbers again at once");
});

test("a file is what it is on the host that had removed the one whose number it has got", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  for (let round = 0; round < 10; round++) {
    const [old, fresh] = [`old ${round}`, `fresh ${round}`];
    writeFileSync(cluster.folder.at(old), new Uint8Array(5000));
    readFileSync(mount.at(old));
    unlinkSync(mount.at(old));
    writeFileSync(mount.at(fresh), "x");
    assert.equal(statSync(mount.at(fresh)).size, 1);
    truncateSync(mount.at(fresh), 3);
    assert.equal(readFileSync(mount.at(fresh), "latin1"), "x\0\0");
  }
});
