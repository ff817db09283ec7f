import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();
const mebibyte = 2 ** 20;

/** The kernel's own count of requests that a mount has not answered. */
class KernelCounts implements Disposable {
  readonly #folder = temporaryFolder();
  readonly #path: string;

  constructor(mountPoint: string) {
    const { status, stderr } = spawnSync("mount", ["-t", "fusectl", "none", this.#folder.path], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    this.#path = this.#folder.at(String(statSync(mountPoint).dev & 0xff), "waiting");
  }

  get waiting(): number {
    return Number(readFileSync(this.#path, "utf8"));
  }

  [Symbol.dispose](): void {
    spawnSync("umount", [this.#folder.path]);
    this.#folder[Symbol.dispose]();
  }
}

function callsOf(round: number): string[] {
  const several = Array.from({ length: 20 }, (_, index) => (index + round * 20) * 65_536);
  return [
    ...several.map((at) => `os.pread(fd, 10, ${at})`),
    ...several.map((at) => `os.pwrite(other, b'y' * 5000, ${at})`),
    "os.write(end, b'appended')",
    "setlkw(fd, EXCLUSIVE, 0, 10)",
    "flock(fd, fcntl.LOCK_EX)",
    "os.fsync(fd)",
    "os.listdir('folder')",
    `os.stat('folder/none ${round}')`,
    `os.rename('a', 'moved ${round}')`,
  ];
}

test("of calls whose programs were killed while they waited nothing is left, neither in the kernel nor at home", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 20_000 } });
  const [mount] = cluster.mounts;
  for (const name of ["file", "other", "end"]) writeFileSync(cluster.folder.at(name), Buffer.alloc(8 * mebibyte, "x"));
  mkdirSync(cluster.folder.at("folder"));
  using kernel = new KernelCounts(mount.path);
  for (let round = 0; round < 3; round++) {
    using program = await MountProcess.start(mount.path);
    writeFileSync(cluster.folder.at("a"), "");
    for (const [variable, name, flags] of [
      ["fd", "file", "os.O_RDWR"],
      ["other", "other", "os.O_RDWR"],
      ["end", "end", "os.O_WRONLY | os.O_APPEND"],
    ]) {
      await program.run(`set_variable("${variable}", os.open("${name}", ${flags}))`);
    }
    await cluster.home.stop();
    const calls = callsOf(round).map((call) => program.start(call));
    await until("many of them wait", () => kernel.waiting >= 20);
    await program.kill();
    await Promise.allSettled(calls.map(({ answer }) => answer));
    cluster.home.signal("SIGCONT");
    await until("the kernel waits for nothing", () => kernel.waiting === 0, 20_000);
    await until("nor does the home", async () => {
      const { files } = await cluster.home.status();
      return files.every(({ waiters, locksWaiting }) => waiters === 0 && locksWaiting === 0);
    });
  }
  using again = await MountProcess.start(mount.path);
  await again.run("setlk(os.open('file', os.O_RDWR), EXCLUSIVE)"); // What the dead waited for, they have not got.
  await again.kill();
  await mount.unmount();
});
