import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { mountedAt } from "../../src/fuse/mount-table.js";
import { Errno } from "../../src/kernel/errno.js";

import * as libc from "../../src/kernel/libc.js";
import { dmmap } from "../cli/dmmap.js";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until, within } from "../support/until.js";
import { failingHome } from "./failing-home.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();
const pageBytes = 4096;
/** MNT_FORCE, MNT_DETACH and MNT_EXPIRE of umount(2). */
const [force, detach, expire] = [1, 2, 4];

/** A program that has written and stored to a map, and synced nothing. */
async function storing(path: string): Promise<PlainUser> {
  const user = await PlainUser.start();
  await user.call("edit", { path });
  await user.call("fill", { at: 0, length: 3 * pageBytes, value: 7 });
  await user.call("map", { length: 3 * pageBytes });
  await user.call("store", { at: pageBytes, value: 8 });
  return user;
}

function assertStored(bytes: Uint8Array): void {
  assert.equal(bytes.length, 3 * pageBytes);
  assert.deepEqual([bytes[0], bytes[pageBytes], bytes[3 * pageBytes - 1]], [7, 8, 7]);
}

test("dmmap umount comes back when the home has what was written and stored to maps", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const user = await storing(mount.at("file"));
  await user[Symbol.asyncDispose]();
  assert.equal((await dmmap(["umount", mount.path])).code, 0);
  assertStored(readFileSync(cluster.folder.at("file")));
  assert.equal((await mount.program.end()).code, 0);
});

for (const signal of ["SIGINT", "SIGHUP"] as const) {
  test(`${signal} to a mount's process unmounts it, with all that was stored`, { skip }, async () => {
    await using cluster = await MountCluster.start({ mounts: 1 });
    const [mount] = cluster.mounts;
    const user = await storing(mount.at("file"));
    await user[Symbol.asyncDispose]();
    mount.program.kill(signal);
    assert.deepEqual(await mount.program.end(), { code: 0, signal: null });
    assert.equal(existsSync(mount.at("file")), false);
    assertStored(readFileSync(cluster.folder.at("file")));
  });
}

test("dmmap umount waits for the home's disk", { skip }, async () => {
  await using parts = await failingHome({ mounts: 1 });
  const [mount] = parts.cluster.mounts;
  writeFileSync(mount.at("file"), "written");
  parts.fail("slow");
  let isBack = false;
  const umount = dmmap(["umount", mount.path]).finally(() => {
    isBack = true;
  });
  await until("it is unmounted", () => !existsSync(mount.at("file")));
  await setTimeout(2000);
  assert.equal(isBack, false);
  parts.mend("slow");
  const { code, stderr } = await umount;
  assert.equal(code, 0);
  assert.match(stderr, /^dmmap: .* is unmounted; its process waits for the home to take what was written/);
  assert.equal((await mount.program.end()).code, 0);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`dmmap umount fails when ${signal} has the mount give up what the home has not taken`, { skip }, async () => {
    await using parts = await failingHome({ mounts: 1 });
    const [mount] = parts.cluster.mounts;
    writeFileSync(mount.at("file"), "written");
    parts.fail("slow");
    const umount = dmmap(["umount", mount.path]);
    await until("it is unmounted", () => mountedAt(mount.path) === undefined);
    await until("it says why it waits", () => /is unmounted, and has waited .* to file: /.test(mount.program.errors));
    mount.isQuiet = false;
    mount.program.kill(signal);
    if (signal === "SIGTERM") {
      await until("it says that it waits", () => /waits for the home.*once more/.test(mount.program.errors));
      mount.program.kill(signal);
    }
    const { code, stderr } = await within("umount comes back", umount);
    assert.equal(code, 1);
    assert.match(stderr, /ended before the home had everything that was written \(DMMAP_LOST\)\ntry: see the log/);
    parts.mend("slow");
  });
}

test("a mount that is unmounted while its home is away says what it is still there for, and loses nothing", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const user = await storing(mount.at("file"));
  await user[Symbol.asyncDispose]();
  await cluster.home.stop();
  assert.equal(libc.umount2(mount.path, 0), 0); // umount(8) looks at the folder before, which waits for the home.
  await until("it says why it waits", () => /is unmounted, and has waited .* to file: /.test(mount.program.errors));
  cluster.home.signal("SIGCONT");
  assert.equal((await mount.program.end()).code, 0);
  assert.match(mount.program.errors, /: the home has taken all, after /);
  assertStored(readFileSync(cluster.folder.at("file")));
});

test("a second signal to a mount that is unmounted gives up what the home does not take, and says what that was", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 60_000 } });
  const [mount] = cluster.mounts;
  const user = await storing(mount.at("file"));
  await user[Symbol.asyncDispose]();
  await cluster.home.stop(); // Nobody can know that before its lease is over.
  mount.isQuiet = false;
  mount.program.kill("SIGTERM");
  await until("it says why it waits", () => /is unmounted, and has waited .* to file: /.test(mount.program.errors));
  mount.program.kill("SIGTERM");
  assert.equal((await mount.program.end(5000)).code, 0);
  assert.match(mount.errors, /stores to file, bytes 0\.\.12288, are lost: /);
  assert.doesNotMatch(mount.program.errors, /has taken all/);
});

test("a third signal to a mount that programs use gives up what the home's disk does not take", { skip }, async () => {
  await using parts = await failingHome({ mounts: 1 });
  const [mount] = parts.cluster.mounts;
  await using user = await PlainUser.start();
  await user.call("edit", { path: mount.at("file") });
  await user.call("write", { at: 0, text: "written" });
  parts.fail("slow");
  mount.isQuiet = false;
  mount.program.kill("SIGTERM");
  await until("it says that it is in use", () => /is in use.*once more/.test(mount.program.errors));
  mount.program.kill("SIGTERM");
  await until("it is taken away", () => !existsSync(mount.at("file")));
  await setTimeout(500);
  assert.equal(mount.program.child.exitCode, null, "it has all the time that the disk takes");
  mount.program.kill("SIGTERM");
  assert.equal((await mount.program.end(5000)).code, 0);
  assert.match(mount.errors, /stores to file, bytes 0\.\.4096, are lost: /);
  parts.mend("slow");
});

test("a mount in use stays; a second signal takes it from under its users, and loses nothing", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  await using user = await storing(mount.at("file"));
  const refused = await dmmap(["umount", mount.path]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is in use.*\(DMMAP_BUSY\)\ntry: fuser -vm .*dmmap umount --lazy/);
  await user.call("store", { at: 0, value: 7 });

  mount.isQuiet = false;
  mount.program.kill("SIGTERM");
  await until("it says that it is in use", () => /is in use.*once more/.test(mount.program.errors));
  assert.equal(existsSync(mount.at("file")), true);
  mount.program.kill("SIGTERM");
  assert.equal((await mount.program.end()).code, 0);
  assert.equal(existsSync(mount.at("file")), false);
  assertStored(readFileSync(cluster.folder.at("file")));
});

test("dmmap umount --lazy takes a mount from under its users, who go on with what they have open", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  await using user = await storing(mount.at("file"));
  assert.equal((await dmmap(["umount", "--lazy", mount.path])).code, 0);
  assert.equal(existsSync(mount.at("file")), false);
  await user.call("fsync", {});
  await user[Symbol.asyncDispose]();
  assert.equal((await mount.program.end()).code, 0);
  assertStored(readFileSync(cluster.folder.at("file")));
});

test("dmmap umount leaves alone whatever is no volume of dmmap", { skip }, async () => {
  using folder = temporaryFolder();
  const path = folder.at("other");
  mkdirSync(path);
  assert.equal(spawnSync("mount", ["-t", "tmpfs", "none", path]).status, 0);
  try {
    writeFileSync(folder.at("other", "file"), "text");
    for (const how of [[], ["--lazy"], ["--force"]]) {
      const { code, stderr } = await dmmap(["umount", ...how, path]);
      assert.equal(code, 1, how.join());
      assert.match(
        stderr,
        /: no volume of dmmap is mounted there, but a filesystem of type tmpfs \(DMMAP_BAD_FOLDER\)\ntry: umount /,
      );
      assert.equal(readFileSync(folder.at("other", "file"), "utf8"), "text");
    }
  } finally {
    spawnSync("umount", [path]);
  }
});

test("dmmap umount finds a mount by way of symbolic links", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  using folder = temporaryFolder();
  symlinkSync(mount.path, folder.at("mount"));
  symlinkSync("mount", folder.at("link"));
  assert.equal((await dmmap(["umount", "link"], { cwd: folder.path })).code, 0);
  assert.equal((await mount.program.end()).code, 0);
});

test("dmmap umount --lazy asks nothing of a mount whose home is away", { skip }, async () => {
  const leaseMillis = 1000;
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis } });
  const [mount] = cluster.mounts;
  await cluster.home.stop();
  await setTimeout(2 * leaseMillis); // So that nothing is known of its root on a lease.
  const umount = dmmap(["umount", "--lazy", mount.path]);
  assert.equal((await within("umount comes back", umount, 10_000)).code, 0);
  cluster.home.signal("SIGCONT");
  assert.equal((await mount.program.end()).code, 0);
});

test("umount(8) of a mount whose home is away: a signal ends it, the log says what it waits for, and -l does not wait", {
  skip,
}, async () => {
  const leaseMillis = 1000;
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis } });
  const [mount] = cluster.mounts;
  const user = await storing(mount.at("file"));
  await user[Symbol.asyncDispose]();
  await cluster.home.stop();
  await setTimeout(2 * leaseMillis); // So that it asks for the folder before it takes it away.
  const waiting = spawn("umount", [mount.path], { stdio: "ignore" });
  const ended = once(waiting, "close");
  const asked = () => mount.program.errors.includes(`of process ${waiting.pid} on the root has waited for`);
  await until("it is said to wait", () => waiting.exitCode !== null || asked());
  if (waiting.exitCode === null) {
    waiting.kill("SIGINT");
    assert.deepEqual(await within("a signal ends it", ended), [null, "SIGINT"]);
    assert.equal(spawnSync("umount", ["-l", mount.path], { timeout: 10_000 }).status, 0);
  }
  await until("it is unmounted", () => mountedAt(mount.path) === undefined);
  await until("it says why it waits", () => /is unmounted, and has waited .* to file: /.test(mount.program.errors));
  cluster.home.signal("SIGCONT");
  assert.equal((await mount.program.end()).code, 0);
  assertStored(readFileSync(cluster.folder.at("file")));
});

test("dmmap umount --force ends every call on a mount that hangs", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  await using user = await storing(mount.at("file"));
  await user.call("fsync", {});
  mount.isQuiet = false;
  mount.program.kill("SIGSTOP");
  const waiting = user.call("edit", { path: mount.at("other") });
  const outcome = waiting.catch((error: Error) => error.message);
  const waits = () => /request_wait_answer/.test(readFileSync(`/proc/${user.process.pid}/wchan`, "utf8"));
  await until("the call waits", waits);
  assert.equal((await dmmap(["umount", "--force", mount.path])).code, 0);
  assert.match(String(await outcome), /ECONNABORTED|ENOTCONN/);
  assert.equal(existsSync(mount.at("file")), false);
  mount.program.kill("SIGCONT");
  await mount.program.end();
  assertStored(readFileSync(cluster.folder.at("file")));
});

/** Whether anybody has something of the mount open. The first umount2 with MNT_EXPIRE only marks it, and use takes that mark away. */
function isBusy({ path }: { readonly path: string }): boolean {
  statSync(path);
  assert.equal(libc.umount2(path, expire), -1);
  return libc.errno() === Errno.EBUSY;
}

test("a mount is not busy with a file that another host makes longer, once its last program has closed it", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 2 });
  const [mount, other] = cluster.mounts;
  await using writer = await PlainUser.start("the writer");
  await using reader = await PlainUser.start("the reader");
  await writer.call("edit", { path: other.at("log") });
  let pages = 0;
  const over = new AbortController();
  const growing = (async () => {
    while (!over.signal.aborted) await writer.call("write", { at: ++pages * pageBytes, text: "more" });
  })();
  await until("there is something", () => pages > 10);
  await reader.call("open", { path: mount.at("log"), flags: "r" });
  const opened = pages;
  await until("it has grown for a while", () => pages > opened + 200);
  assert.ok(isBusy(mount), "the reader has it open");
  await reader.call("close", {});
  await until("nobody has it open", () => !isBusy(mount));
  const closed = pages;
  for (let look = 0; look < 300; look++) {
    assert.equal(isBusy(mount), false, `look ${look}`);
    await setTimeout(1);
  }
  assert.ok(pages > closed + 10, "it has grown meanwhile");
  assert.equal(spawnSync("umount", [mount.path]).status, 0);
  over.abort();
  await growing;
  assert.equal((await mount.program.end()).code, 0);
});

/** A program that writes without pause, until it cannot. */
const writing = `
  const { openSync, writeSync } = require("node:fs");
  const file = openSync(process.argv[1], "w+");
  console.log("writes");
  for (;;) writeSync(file, "bytes", 0);`;

test("a mount that is taken away by force while programs ask without pause ends all the same", { skip }, async () => {
  for (let round = 0; round < 3; round++) {
    await using cluster = await MountCluster.start({ mounts: 4 });
    for (const mount of cluster.mounts) {
      const program = spawn(process.execPath, ["-e", writing, mount.at("file")], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const ended = once(program, "close");
      await once(program.stdout, "data");
      await setTimeout(100);
      mount.isQuiet = false;
      libc.umount2(mount.path, force); // Busy; but the kernel has given up what was asked, and asks nothing more.
      assert.notEqual((await within("the program ends", ended))[0], 0);
      await until("it says so", () => /^dmmap: the kernel has ended .*umount -f/m.test(mount.program.errors));
      libc.umount2(mount.path, detach);
      assert.equal((await mount.program.end()).code, 0);
      assert.equal(mount.errors.split("\n").length, 2, "and nothing else");
    }
  }
});
