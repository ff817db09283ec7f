import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";
import type { MountUnderTest } from "./mount-under-test.js";

const skip = lacksFuse();
const pageCount = 4;
const rounds = 20;

async function open(program: MountProcess, name = "file"): Promise<void> {
  await program.run(`set_variable("${name}", os.open("${name}", os.O_RDWR | os.O_CREAT, 0o644))`);
}

/** Opens it, with something in it. */
async function make(program: MountProcess): Promise<void> {
  await open(program);
  await program.run(`os.pwrite(file, bytes(${pageCount * 4096}), 0)`);
}

async function close(program: MountProcess, name = "file"): Promise<void> {
  await program.run(`os.close(${name})`);
}

/** A signal takes effect when the process comes to it, each of its threads by itself. */
async function stop({ program }: MountUnderTest): Promise<void> {
  program.kill("SIGSTOP");
  const tasks = `/proc/${program.child.pid}/task`;
  const states = () =>
    readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/stat`, "utf8").split(") ")[1][0]);
  await until("it stops", () => states().every((state) => state === "T"));
}

/** Whether the program is answered while the process that serves its mount is stopped: then by the kernel alone. */
async function isCached(mount: MountUnderTest, program: MountProcess): Promise<boolean> {
  await program.run("os.pread(file, 1, 0)");
  await stop(mount);
  const read = program.start("os.pread(file, 1, 0)");
  await Promise.race([read.answer, delay(300)]);
  const was = read.isOver;
  mount.program.kill("SIGCONT");
  await read.answer;
  return was;
}

/** How often the home asked for pages back while all programs read all of the file, in turn. */
async function revokesOfReading(cluster: MountCluster, programs: readonly MountProcess[]): Promise<number> {
  const revokes = async () => (await cluster.home.status()).counters.revokes;
  for (const program of programs) await program.run(`os.pread(file, ${pageCount * 4096}, 0)`);
  const before = await revokes();
  for (let round = 0; round < rounds; round++) {
    for (const program of programs) await program.run(`os.pread(file, ${pageCount * 4096}, 0)`);
  }
  return (await revokes()) - before;
}

test("who alone has a file open reads it out of the kernel's cache, also after another host has written it", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [oneMount, otherMount] = cluster.mounts;
  using one = await MountProcess.start(oneMount.path);
  using other = await MountProcess.start(otherMount.path);
  await make(one);
  await close(one);
  await open(other);
  assert.ok(await isCached(otherMount, other), "the first host's program does not write it any more");
});

test("hosts that have a file open for writing read it without taking it from each other", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [oneMount, otherMount] = cluster.mounts;
  using one = await MountProcess.start(oneMount.path);
  using other = await MountProcess.start(otherMount.path);
  await make(one);
  await open(other);
  assert.ok(!(await isCached(otherMount, other)), "it came second");
  await one.run("os.pread(file, 1, 0)"); // It takes the page for itself: its kernel caches it.
  await other.run("os.pread(file, 1, 0)"); // This takes it back: by that the first host hears of the other.
  await close(one);
  await open(one);
  assert.ok(!(await isCached(oneMount, one)));
  assert.equal(await revokesOfReading(cluster, [one, other]), 0);
  assert.equal(await one.run("os.pwrite(file, b'one', 4095)"), 3);
  assert.equal(await other.run("os.pread(file, 3, 4095)"), Buffer.from("one").toString("hex"));
  assert.equal(await other.run("os.pwrite(file, b'two', 4095)"), 3);
  assert.equal(await one.run("os.pread(file, 3, 4095)"), Buffer.from("two").toString("hex"));
});

test("--direct-io never: what is open for writing is cached; always: it never is", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 2, options: ["--direct-io", "never"] });
  const always = await cluster.add(["--direct-io", "always"]);
  const [oneMount, otherMount] = cluster.mounts;
  using one = await MountProcess.start(oneMount.path);
  using other = await MountProcess.start(otherMount.path);
  using past = await MountProcess.start(always.path);
  await make(past);
  assert.ok(!(await isCached(always, past)));
  await close(past);
  await open(one);
  await open(other);
  assert.ok(await isCached(otherMount, other));
  assert.ok((await revokesOfReading(cluster, [one, other])) >= rounds, "each takes it from the other");
});
