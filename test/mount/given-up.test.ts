import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import type { MountUnderTest } from "./mount-under-test.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();
const before = "x".repeat(5000);
const added = "y".repeat(700);
type At = (name: string) => string;

/** Calls that change something, each by a program with a folder of its own. */
const calls: Record<string, (user: PlainUser, at: At) => Promise<unknown>> = {
  append: (user) => user.call("write", { at: null, text: added, as: "end" }),
  write: (user) => user.call("write", { at: 5000, text: added }),
  truncate: (user) => user.call("truncate", { size: 10 }),
  create: (user, at) => user.call("edit", { path: at("created"), as: "new" }),
  rename: (user, at) => user.call("rename", { from: at("other"), to: at("moved") }),
  unlink: (user, at) => user.call("unlink", { path: at("other") }),
};

async function userOf(cluster: MountCluster, mount: MountUnderTest, name: string): Promise<PlainUser> {
  mkdirSync(cluster.folder.at(name));
  for (const file of ["file", "other"]) writeFileSync(cluster.folder.at(name, file), before);
  const user = await PlainUser.start(name);
  await user.call("edit", { path: mount.at(name, "file") });
  await user.call("open", { path: mount.at(name, "file"), flags: "a", as: "end" });
  await user.call("read", { at: 4096, length: 1 });
  return user;
}

/** Has each program make its call. Resolves when all of them wait, with their outcomes. */
async function callAll(users: readonly PlainUser[], mount: MountUnderTest): Promise<Promise<unknown>[]> {
  const outcomes = users.map(async (user) => {
    const { name } = user.process;
    return await calls[name](user, (file) => mount.at(name, file)).catch((error: { code?: string }) => error.code);
  });
  for (const { pid, name } of users.map(({ process }) => process)) {
    await until(`${name} is reported to wait`, () => mount.program.errors.includes(`of process ${pid} `), 30_000);
  }
  return outcomes;
}

/** The home is there again, and the mount goes on: what was given up is as if it had never been asked for. */
async function checkUndone(cluster: MountCluster, mount: MountUnderTest): Promise<void> {
  await using user = await PlainUser.start();
  await user.call("edit", { path: mount.at("afterwards") });
  for (const name of Object.keys(calls)) {
    assert.deepEqual(readdirSync(mount.at(name)).sort(), ["file", "other"], name);
    await user.call("edit", { path: mount.at(name, "file"), as: name });
    await user.call("fsync", { as: name });
    assert.equal(readFileSync(cluster.folder.at(name, "file"), "latin1"), before, name);
    assert.equal(statSync(mount.at(name, "file")).size, before.length, name);
  }
}

test("what a killed program waited for while the home was away is not done when it returns", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 3000 } });
  const [mount] = cluster.mounts;
  const users = await Promise.all(Object.keys(calls).map((name) => userOf(cluster, mount, name)));
  try {
    await cluster.home.kill();
    void (await callAll(users, mount));
    await Promise.all(users.map((user) => user.interrupt("SIGKILL")));
    await cluster.home.start();
    await checkUndone(cluster, mount);
  } finally {
    for (const user of users) await user[Symbol.asyncDispose]();
  }
});

test("nor is what failed with ETIMEDOUT", { skip }, async () => {
  const options = ["--timeout", "1.5"];
  await using cluster = await MountCluster.start({ mounts: 1, options, home: { leaseMillis: 3000 } });
  const [mount] = cluster.mounts;
  const users = await Promise.all(Object.keys(calls).map((name) => userOf(cluster, mount, name)));
  try {
    await cluster.home.kill();
    for (const outcome of await callAll(users, mount)) assert.equal(await outcome, "ETIMEDOUT");
    await cluster.home.start();
    await checkUndone(cluster, mount);
  } finally {
    for (const user of users) await user[Symbol.asyncDispose]();
  }
});

/** The home has the request, and may do it: but no file ends in zeros that nobody wrote. */
test("a write that was on its way when its program was killed is done in full or not at all", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 10_000 } });
  const [mount] = cluster.mounts;
  const names = ["append", "write"];
  const users = await Promise.all(names.map((name) => userOf(cluster, mount, name)));
  await using volume = await connect(cluster.home.url);
  for (const name of names) await volume.open(`${name}/file`); // So that the mount has to ask when it makes them longer.
  try {
    for (const user of users) await user.call("write", { at: 0, text: "x" }); // The tokens are here.
    await cluster.home.stop();
    void (await callAll(users, mount));
    await Promise.all(users.map((user) => user.interrupt("SIGKILL")));
    cluster.home.signal("SIGCONT");
    for (const name of names) {
      await using user = await PlainUser.start();
      await user.call("edit", { path: mount.at(name, "file") });
      await user.call("write", { at: 0, text: "x" }); // Behind all that was asked before.
      const text = await user.call("read", { at: 0, length: 10_000 });
      assert.ok(text === before || text === before + added, `${name}: ${text.length} bytes, ${text.indexOf("\0")}`);
    }
  } finally {
    cluster.home.signal("SIGCONT");
    for (const user of users) await user[Symbol.asyncDispose]();
  }
});
