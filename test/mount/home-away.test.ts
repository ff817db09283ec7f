import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import type { MountUnderTest } from "./mount-under-test.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();
const pageBytes = 4096;
type At = (name: string) => string;

/** Calls for which the home is needed, each by a program with a folder of its own (so that none waits in the kernel for another). */
const calls: Record<string, (user: PlainUser, at: At) => Promise<unknown>> = {
  read: (user) => user.call("read", { at: 0, length: pageBytes }),
  write: (user) => user.call("write", { at: 8 * pageBytes, text: "more" }),
  append: (user) => user.call("write", { at: null, text: "more", as: "end" }),
  truncate: (user) => user.call("truncate", { size: 10 }),
  fsync: (user) => user.call("fsync", { as: "other" }),
  stat: (user, at) => user.call("stat", { path: at("unopened") }),
  list: (user, at) => user.call("list", { path: at("") }),
  open: (user, at) => user.call("open", { path: at("unopened"), flags: "r+", as: "new" }),
  create: (user, at) => user.call("edit", { path: at("created"), as: "new" }),
  rename: (user, at) => user.call("rename", { from: at("unopened"), to: at("moved") }),
  unlink: (user, at) => user.call("unlink", { path: at("unopened") }),
  "fcntl lock": (user) => user.call("lock", { start: 0, length: 1, type: "exclusive", wait: true }),
  flock: (user) => user.call("flock", {}),
  load: (user) => user.call("load", { at: 0 }),
  store: (user) => user.call("store", { at: pageBytes, value: 1 }),
};

/** A program with files open whose pages nobody has asked the home for yet. */
async function userOf(cluster: MountCluster, mount: MountUnderTest, name: string): Promise<PlainUser> {
  mkdirSync(cluster.folder.at(name));
  for (const file of ["file", "other", "unopened"]) {
    writeFileSync(cluster.folder.at(name, file), "x".repeat(4 * pageBytes));
  }
  const user = await PlainUser.start(name);
  await user.call("edit", { path: mount.at(name, "file") });
  await user.call("open", { path: mount.at(name, "file"), flags: "a", as: "end" });
  await user.call("map", { length: 4 * pageBytes });
  await user.call("edit", { path: mount.at(name, "other"), as: "other" });
  await user.call("write", { at: 0, text: "y", as: "other" });
  return user;
}

async function usersOf(cluster: MountCluster, mount: MountUnderTest): Promise<PlainUser[]> {
  return await Promise.all(Object.keys(calls).map((name) => userOf(cluster, mount, name)));
}

/** Has each program make its call. Resolves when all of them are reported to wait. */
async function callAll(users: readonly PlainUser[], mount: MountUnderTest): Promise<Promise<unknown>[]> {
  const outcomes = users.map(async (user) => {
    const { name } = user.process;
    return await calls[name](user, (file) => mount.at(name, file)).catch((error: Error) => error);
  });
  for (const { pid, name } of users.map(({ process }) => process)) {
    await until(`${name} is reported to wait`, () => mount.program.errors.includes(`of process ${pid} `));
  }
  return outcomes;
}

for (const [way, signal] of [
  ["SIGSTOP", "SIGINT"],
  ["SIGKILL", "SIGKILL"],
] as const) {
  test(`the home is away (${way}): ${signal} ends programs in every call that waits`, { skip }, async () => {
    await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 3000 } });
    const [mount] = cluster.mounts;
    const users = await usersOf(cluster, mount);
    try {
      if (way === "SIGKILL") await cluster.home.kill();
      else await cluster.home.stop();
      const outcomes = await callAll(users, mount);
      assert.equal(await Promise.race([...outcomes, delay(100, "nobody")]), "nobody", "all of them wait");
      const ends = users.map(async (user) => {
        const end = await user.interrupt(signal);
        assert.equal(end.signal, signal, user.process.name);
      });
      await Promise.all(ends);
      if (way === "SIGKILL") await cluster.home.start();
      else cluster.home.signal("SIGCONT");
      await using after = await userOf(cluster, mount, "afterwards");
      for (const name of Object.keys(calls)) {
        await after.call("edit", { path: mount.at(name, "other") });
        await after.call("lock", { start: 0, length: 1, type: "exclusive", wait: true });
        assert.equal(await after.call("read", { at: 0, length: 2 }), "yx", "what the dead wrote");
      }
    } finally {
      for (const user of users) await user[Symbol.asyncDispose]();
    }
  });
}

test("the home is killed and started again: programs see a pause, the log says why they wait, and when they go on", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 3000 } });
  const [mount] = cluster.mounts;
  const users = await usersOf(cluster, mount);
  try {
    await cluster.home.kill();
    const outcomes = await callAll(users, mount);
    await cluster.home.start();
    for (const outcome of await Promise.all(outcomes)) assert.ok(!(outcome instanceof Error), String(outcome));
    await until("the end of each wait is reported", () => {
      const { errors } = mount.program;
      return errors.split("has waited for").length === errors.split("goes on after").length;
    });
    assert.match(mount.program.errors, /READ of process \d+ on read\/file has waited for 1\.\d s: .*refused/i);
  } finally {
    for (const user of users) await user[Symbol.asyncDispose]();
  }
});

test("with --timeout calls that wait for longer fail, and programs go on", { skip }, async () => {
  await using cluster = await MountCluster.start({
    mounts: 1,
    options: ["--timeout", "1.5"],
    home: { leaseMillis: 3000 },
  });
  const [mount] = cluster.mounts;
  const users = await usersOf(cluster, mount);
  try {
    await cluster.home.stop();
    const outcomes = await Promise.all(
      users.map(async (user) => {
        const { name } = user.process;
        if (name === "load" || name === "store") return "SIGBUS";
        return await calls[name](user, (file) => mount.at(name, file)).catch((error: { code: string }) => error.code);
      }),
    );
    users.forEach(({ process }, index) => {
      if (!/load|store/.test(process.name)) assert.equal(outcomes[index], "ETIMEDOUT", process.name);
    });
    cluster.home.signal("SIGCONT");
    for (const user of users) {
      await user.call("edit", { path: mount.at(user.process.name, "other") });
      assert.equal(await user.call("read", { at: 0, length: 2 }), "yx");
      assert.deepEqual((await user.call("list", { path: mount.at(user.process.name) })).sort(), [
        "file",
        "other",
        "unopened",
      ]);
    }
  } finally {
    cluster.home.signal("SIGCONT");
    for (const user of users) await user[Symbol.asyncDispose]();
  }
});

test("with --timeout a page fault that waits for longer ends its program by SIGBUS, and no other", {
  skip,
}, async () => {
  const options = ["--timeout", "1.5"];
  await using cluster = await MountCluster.start({ mounts: 1, options, home: { leaseMillis: 3000 } });
  const [mount] = cluster.mounts;
  const users = await Promise.all(["load", "store", "read"].map((name) => userOf(cluster, mount, name)));
  try {
    await cluster.home.stop();
    const [load, store, read] = users.map((user) => {
      return calls[user.process.name](user, (file) => mount.at(user.process.name, file));
    });
    const faults = [assert.rejects(load), assert.rejects(store)];
    await assert.rejects(read, { code: "ETIMEDOUT" });
    for (const user of users.slice(0, 2)) assert.equal((await user.process.end(30_000)).signal, "SIGBUS");
    await Promise.all(faults);
    cluster.home.signal("SIGCONT");
    assert.equal(await users[2].call("read", { at: 0, length: 2 }), "xx");
  } finally {
    cluster.home.signal("SIGCONT");
    for (const user of users) await user[Symbol.asyncDispose]();
  }
});
