import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const MiB = 2 ** 20;

/** util-linux's, of Debian's base. */
async function fallocate(...args: readonly string[]): Promise<void> {
  await promisify(execFile)("fallocate", args, { timeout: 60_000 });
}

function byteAt(path: string, at: number): number {
  const fd = openSync(path, "r");
  const into = Buffer.alloc(1);
  assert.equal(readSync(fd, into, 0, 1, at), 1);
  closeSync(fd);
  return into[0];
}

test("a hole of any size is made in a file that is one already: the mount and the home serve others meanwhile", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  const path = one.at("sparse");
  const size = 2 ** 40;
  writeFileSync(path, "");
  truncateSync(path, size);
  const fd = openSync(path, "r+");
  for (const at of [0, 2 ** 32, 2 ** 39, size - 1]) writeSync(fd, "x", at);
  writeFileSync(other.at("beside"), "text");
  let looks = 0;
  const punched = fallocate("--punch-hole", "--offset", "1", "--length", String(size - 2), path);
  const looking = (async () => {
    for (let isDone = false; !isDone; looks++) {
      assert.equal(readFileSync(one.at("beside"), "utf8"), "text");
      isDone = await Promise.race([punched.then(() => true), delay(5, false)]);
    }
  })();
  await Promise.all([punched, looking]);
  assert.ok(looks > 0);
  for (const look of [path, other.at("sparse")]) {
    const bytes = [0, 1, 2 ** 32, 2 ** 39, size - 2, size - 1].map((at) => byteAt(look, at));
    assert.deepEqual(bytes, [120, 0, 0, 0, 0, 120]);
  }
  closeSync(fd);
});

test("of a file that is full, what is punched is zeros on every host, and takes no room; the rest stays", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  const content = Buffer.alloc(80 * MiB);
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE(at + 1, at);
  writeFileSync(one.at("full"), content);
  const [start, end] = [MiB + 5, 70 * MiB + 4099];
  await fallocate("--punch-hole", "--offset", String(start), "--length", String(end - start), one.at("full"));
  content.fill(0, start, end);
  for (const look of [one.at("full"), other.at("full")]) assert.ok(readFileSync(look).equals(content), look);
  assert.ok(statSync(one.at("full")).blocks * 512 < 12 * MiB, `${statSync(one.at("full")).blocks} blocks`);
});
