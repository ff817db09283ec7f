import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { MountCluster } from "../mount/mount-cluster.js";
import { lacks } from "./packages.js";
import { run } from "./run.js";

const rounds = 25;

/** Adds to every counter of a mapped file, each under a lock of its bytes, which make up the counter's own record. */
const count = `
import fcntl, mmap, os, struct, sys
path, rounds = sys.argv[1], int(sys.argv[2])
file = os.open(path, os.O_RDWR)
memory = mmap.mmap(file, 0)
for _ in range(rounds):
    for at in range(0, len(memory), 1000):
        fcntl.lockf(file, fcntl.LOCK_EX, 8, at)
        memory[at:at + 8] = struct.pack('<q', struct.unpack('<q', memory[at:at + 8])[0] + 1)
        fcntl.lockf(file, fcntl.LOCK_UN, 8, at)
print([struct.unpack('<q', memory[at:at + 8])[0] for at in range(0, len(memory), 1000)])
`;

test("python3: counters in a map, under fcntl's locks, from both mounts", { skip: lacks("python3") }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts.map((mount) => mount.at("counters"));
  writeFileSync(one, Buffer.alloc(5000));
  const python = (path: string, times: number) => run("/usr/bin/python3", ["-c", count, path, String(times)]);
  await Promise.all([one, one, other, other].map((path) => python(path, rounds)));
  const expected = `[${Array.from({ length: 5 }, () => 4 * rounds).join(", ")}]\n`;
  assert.equal(await python(one, 0), expected);
  assert.equal(await python(other, 0), expected);
});

test("flock(1): shells on two mounts add to a number, one at a time", { skip: lacks("flock") }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts.map((mount) => mount.at("number"));
  writeFileSync(one, "0\n");
  const script = 'for i in $(seq 10); do flock "$0.lock" sh -c \'read n < "$0"; echo $((n + 1)) > "$0"\' "$0"; done';
  await Promise.all([one, one, other, other].map((path) => run("sh", ["-c", script, path])));
  assert.equal(await run("cat", [one]), "40\n");
  assert.equal(await run("cat", [other]), "40\n");
});
