import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { test } from "node:test";
import { isSeeking } from "../../src/kernel/seeking-thread.js";
import { lacksFuse, lacksProgram } from "../support/requires.js";
import { stopProcess } from "../support/stop-process.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse() || lacksProgram("python3");
const script = `
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print("open", flush=True)
sys.stdin.readline()
os.lseek(fd, 0, os.SEEK_END) if sys.argv[2] == "seek" else os.pread(fd, 100, 0)
`;

/** Has a program ask the mount, which does not answer, for the size of a file. @returns what is found of it meanwhile */
async function look(cluster: MountCluster, how: "seek" | "read"): Promise<boolean | undefined> {
  const [mount] = cluster.mounts;
  const program = spawn("python3", ["-c", script, mount.at("file"), how], { stdio: ["pipe", "pipe", "inherit"] });
  const { pid } = program;
  assert.ok(pid !== undefined);
  await once(program.stdout, "data");
  await stopProcess("the mount", mount.program.child.pid);
  try {
    program.stdin.write("go on\n");
    await until("it waits for the mount", () => readFileSync(`/proc/${pid}/wchan`, "latin1") === "request_wait_answer");
    return isSeeking(pid);
  } finally {
    mount.program.kill("SIGCONT");
    await once(program, "exit");
  }
}

test("a question for attributes that a seek asks is told from that of a read", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  await using writer = await open(cluster.mounts[0].at("file"), "w"); // So the kernel asks each time.
  await writer.write("some bytes");
  assert.equal(await look(cluster, "seek"), true);
  assert.equal(await look(cluster, "read"), false);
  assert.equal(isSeeking(0), undefined, "a thread of another pid namespace");
});
