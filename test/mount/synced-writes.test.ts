import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { failingHome } from "./failing-home.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();
const count = 30;
/** A write of one byte at `at`, to a file that is open like this. */
const write = "os.pwrite(fd, b'x', at)";
const ways: Record<string, readonly [string, string]> = {
  "O_DSYNC past the cache": ["os.O_WRONLY | os.O_DSYNC", write],
  "O_SYNC past the cache": ["os.O_WRONLY | os.O_SYNC", write],
  "O_APPEND and O_DSYNC": ["os.O_RDWR | os.O_APPEND | os.O_DSYNC", "os.write(fd, b'x')"],
  "RWF_DSYNC past the cache": ["os.O_WRONLY", "os.pwritev(fd, [b'x'], at, os.RWF_DSYNC)"],
  "O_DSYNC through the cache": ["os.O_RDWR | os.O_DSYNC", write],
  "fallocate with O_DSYNC": ["os.O_WRONLY | os.O_DSYNC", "os.posix_fallocate(fd, at, 1)"],
};

async function open(program: MountProcess, name: string, flags: string): Promise<void> {
  await program.run(`set_variable("fd", os.open("${name}", ${flags} | os.O_CREAT))`);
}

test("what is written with O_SYNC or O_DSYNC is on the home's disk when the call returns, whichever way it goes", {
  skip,
}, async (context) => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  using program = await MountProcess.start(mount.path);
  const syncs = async () => (await cluster.home.status()).counters.syncs;
  const syncsOf = async (name: string, flags: string, call: string) => {
    await open(program, name, flags);
    const before = await syncs();
    await program.run(`[${call} for at in range(${count})]`);
    return (await syncs()) - before;
  };
  for (const [name, [flags, call]] of Object.entries(ways)) {
    const synced = await syncsOf(name, flags, call);
    context.diagnostic(`${name}: ${synced} syncs of ${count} calls`);
    assert.ok(synced >= count && synced <= count + 10, `${name}: ${synced}`);
  }
  const unasked = await syncsOf("unasked", "os.O_WRONLY", write);
  assert.ok(unasked <= 10, `${unasked} syncs that nobody has asked for`);
});

test("a mount killed right after a write with O_DSYNC: its bytes are in the served folder", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  using program = await MountProcess.start(mount.path);
  await open(program, "file", "os.O_WRONLY | os.O_DSYNC");
  for (let at = 0; at < 10; at++) await program.run(`os.pwrite(fd, b'${at}', ${at})`);
  await mount.kill();
  assert.equal(readFileSync(cluster.folder.at("file"), "latin1"), "0123456789");
});

test("a write with O_DSYNC fails with what the home's disk says, and a later one succeeds", { skip }, async () => {
  await using parts = await failingHome({ mounts: 2 });
  const [one, other] = parts.cluster.mounts;
  using writer = await MountProcess.start(one.path);
  using reader = await MountProcess.start(other.path);
  await open(writer, "file", "os.O_WRONLY | os.O_APPEND | os.O_DSYNC");
  await writer.run("os.write(fd, b'one')");
  parts.fail("sync");
  await assert.rejects(writer.run("os.write(fd, b'two')"), { code: "EIO" });
  parts.mend("sync");
  assert.equal(await writer.run("os.fstat(fd).st_size"), 6, "it is written, and that is known");
  assert.equal(await writer.run("os.write(fd, b'three')"), 5);
  await open(reader, "file", "os.O_RDONLY");
  assert.equal(await reader.run("os.read(fd, 100)"), Buffer.from("onetwothree").toString("hex"));
});
