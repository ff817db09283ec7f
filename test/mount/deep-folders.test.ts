import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();
/** Each of these bytes takes six in JSON: the path of the last folder is longer than any frame with text. */
const name = `"\\x01" * 250`;
const depth = 360;

test("files whose path is longer than any message are opened and found again; nobody else notices", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ home: { leaseMillis: 3000 } });
  // Node's own way to remove folders ends where a path is too long for the system.
  using _folders = { [Symbol.dispose]: () => spawnSync("rm", ["-rf", cluster.folder.at("\x01".repeat(250))]) };
  using one = await MountProcess.start(cluster.mounts[0].path);
  using two = await MountProcess.start(cluster.mounts[1].path);
  using other = await MountProcess.start(cluster.mounts[0].path);
  const goDown = `[os.chdir(${name}) for each in range(${depth})] and 0`;
  await other.run(`set_variable("fd", os.open("other", os.O_RDWR | os.O_CREAT))`);
  await one.run(`[(os.mkdir(${name}), os.chdir(${name})) for each in range(${depth})] and 0`, 60_000);
  await two.run(goDown, 60_000);
  await one.run(`set_variable("fd", os.open("deep", os.O_RDWR | os.O_CREAT))`);
  await one.run(`os.write(fd, b"first")`);
  assert.equal(await two.run(`open("deep").read()`), "first");
  assert.equal((await cluster.home.status()).counters.protocolErrors, 0);
  await cluster.home.restart();
  await one.run(`os.write(fd, b" second")`);
  assert.equal(await two.run(`open("deep").read()`, 60_000), "first second");
  await other.run(`os.write(fd, b"x")`);
  assert.equal((await cluster.home.status()).counters.protocolErrors, 0);
});
