import assert from "node:assert/strict";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();

/** What becomes of `logs/app.log`, that a program of the first mount has open. */
const moves: readonly (readonly [string, string, (cluster: MountCluster) => void])[] = [
  [
    "another host has renamed it, and then its folder",
    "old logs/app.log.1",
    ({ mounts: [, other] }) => {
      renameSync(other.at("logs/app.log"), other.at("logs/app.log.1"));
      writeFileSync(other.at("logs/app.log"), "new");
      renameSync(other.at("logs"), other.at("old logs"));
      mkdirSync(other.at("logs"));
      writeFileSync(other.at("logs/app.log"), "another");
    },
  ],
  [
    "one of its names is gone, which its host has seen last",
    "logs/app.log",
    ({ mounts: [one] }) => {
      linkSync(one.at("logs/app.log"), one.at("logs/second"));
      rmSync(one.at("logs/second"));
    },
  ],
];

for (const [how, now, move] of moves) {
  test(`R20: an open file is found after its home's restart: ${how}`, { skip }, async () => {
    await using cluster = await MountCluster.start({ home: { leaseMillis: 3000 } });
    const [one] = cluster.mounts;
    mkdirSync(one.at("logs"));
    using program = await MountProcess.start(one.path);
    await program.run("set_variable('log', os.open('logs/app.log', os.O_RDWR | os.O_CREAT))");
    await program.run("os.pwrite(log, b'a' * 9000, 0)");
    move(cluster);
    await program.run("os.pwrite(log, b'b', 8999)");
    await cluster.home.restart();
    await program.run("os.pwrite(log, b'c', 9000)");
    await program.run("os.fsync(log)");
    assert.equal(readFileSync(cluster.folder.at(now), "latin1"), `${"a".repeat(8999)}bc`);
    await program.run("os.close(log)");
  });
}
