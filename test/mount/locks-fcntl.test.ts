import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountStage } from "./mount-stage.js";

const skip = lacksFuse();
const busy = { code: "EAGAIN" };
const stage = new MountStage();

test("R16: fcntl's shared and exclusive ranges exclude each other across mounts, byte by byte", { skip }, async () => {
  const [one, other] = await stage.open("ranges", 2);
  await one.run("setlk(fd, EXCLUSIVE, 10, 10)");
  await assert.rejects(other.run("setlk(fd, SHARED, 19, 1)"), busy);
  await assert.rejects(other.run("setlk(fd, EXCLUSIVE, 0, 0)"), busy);
  await other.run("setlk(fd, EXCLUSIVE, 20, 5)");
  await one.run("setlk(fd, SHARED, 12, 3)"); // Splits it: exclusive on both sides.
  await other.run("setlk(fd, SHARED, 12, 3)");
  await assert.rejects(other.run("setlk(fd, SHARED, 11, 1)"), busy);
  await assert.rejects(other.run("setlk(fd, SHARED, 15, 1)"), busy);
  await assert.rejects(one.run("setlk(fd, EXCLUSIVE, 12, 3)"), busy, "an upgrade waits for the other reader");
  await other.run("setlk(fd, NONE, 12, 3)");
  await one.run("setlk(fd, EXCLUSIVE, 12, 3)");
  assert.deepEqual(await other.run("getlk(fd, SHARED)"), [1, 0, 10, 10, 0], "joined again; its process is elsewhere");
  await one.run("setlk(fd, NONE, 12, 2)");
  assert.deepEqual(await other.run("getlk(fd, SHARED, 12)"), [1, 0, 14, 6, 0]);
});

test("R16: F_GETLK and whence: from the position, from the end, to the end, backwards", { skip }, async () => {
  const [one, other, neighbour] = await stage.open("whence", 3);
  await one.run("os.pwrite(fd, bytes(100), 0)");
  await one.run("os.lseek(fd, 30, os.SEEK_SET)");
  await one.run("setlk(fd, SHARED, 5, 0, os.SEEK_CUR)");
  assert.deepEqual(await other.run("getlk(fd, EXCLUSIVE, 0, 0)"), [0, 0, 35, 0, 0]);
  assert.equal(await other.run("getlk(fd, SHARED)"), null);
  assert.equal(await other.run("getlk(fd, EXCLUSIVE, 0, 35)"), null);
  assert.equal(await one.run("getlk(fd, EXCLUSIVE)"), null, "its own lock is in nobody's way");
  const [, , , , pid] = (await neighbour.run("getlk(fd, EXCLUSIVE)")) as number[];
  assert.equal(pid, one.pid, "a process of the same mount has its id");
  await other.run("os.fstat(fd)"); // The kernel counts from the end that it knows.
  await other.run("setlk(fd, SHARED, -10, 5, os.SEEK_END)");
  await one.run("setlk(fd, NONE)");
  assert.deepEqual(await one.run("getlk(fd, EXCLUSIVE)"), [0, 0, 90, 5, 0]);
  await other.run("setlk(fd, NONE)");
  await other.run("setlk(fd, EXCLUSIVE, 20, -15)");
  assert.deepEqual(await one.run("getlk(fd, EXCLUSIVE)"), [1, 0, 5, 15, 0]);
});

test("R16: locks far out: up to byte 2^53, and to the end however far that goes", { skip }, async () => {
  const [one, other] = await stage.open("far", 2);
  await one.run("setlk(fd, EXCLUSIVE, 2**53 - 10, 5)");
  await other.run("setlk(fd, EXCLUSIVE, 2**53 - 5, 2)");
  assert.deepEqual(await other.run("getlk(fd, SHARED, 2**53 - 100)"), [1, 0, 2 ** 53 - 10, 5, 0]);
  await assert.rejects(other.run("setlk(fd, SHARED, 2**53 - 6, 0)"), busy);
  await assert.rejects(one.run("setlk(fd, SHARED, 2**53, 1)"), { code: "EOVERFLOW" });
  for (const start of ["2**53", "2**62", "2**63 - 2"]) {
    assert.equal(await one.run(`getlk(fd, SHARED, ${start}, 1)`), null, "nobody has one there");
    await one.run(`setlk(fd, NONE, ${start}, 1)`);
  }
});

test("R16: who waits is served in the order of arrival, wherever it waits", { skip }, async () => {
  const [holder, ...waiters] = await stage.open("order", 5);
  await holder.run("setlk(fd, EXCLUSIVE)");
  const order: number[] = [];
  const waits = [];
  for (const [index, waiter] of waiters.entries()) {
    const wait = waiter.start("setlkw(fd, EXCLUSIVE, 5, 1)");
    const goOn = async () => {
      await wait.answer;
      order.push(index);
      await waiter.run("setlk(fd, NONE)");
    };
    waits.push(goOn());
    await stage.locksWaiting("order", index + 1);
  }
  await holder.run("setlk(fd, NONE)");
  await Promise.all(waits);
  assert.deepEqual(order, [0, 1, 2, 3]);
});

test("R16: a deadlock of two, and of three, processes across mounts and files is EDEADLK", { skip }, async () => {
  const [one, two, three] = await stage.open("deadlock", 3);
  for (const process of [one, two, three]) {
    await process.run('set_variable("other", os.open("deadlock-2", os.O_RDWR | os.O_CREAT))');
  }
  await one.run("setlk(fd, EXCLUSIVE, 0, 1)");
  await two.run("setlk(other, EXCLUSIVE, 0, 1)");
  const first = one.start("setlkw(other, SHARED, 0, 1)");
  await stage.locksWaiting("deadlock-2", 1);
  await assert.rejects(two.run("setlkw(fd, SHARED, 0, 1)"), { code: "EDEADLK" });
  await three.run("setlk(fd, EXCLUSIVE, 7, 1)");
  const second = two.start("setlkw(fd, EXCLUSIVE, 7, 1)");
  await stage.locksWaiting("deadlock", 1);
  await assert.rejects(three.run("setlkw(fd, EXCLUSIVE, 0, 1)"), { code: "EDEADLK" });
  await three.run("setlk(fd, NONE, 7, 1)");
  await second.answer;
  await two.run("setlk(other, NONE)");
  await first.answer;
});

test("R16: two readers that both upgrade: the second is EDEADLK, the first goes on", { skip }, async () => {
  const [one, two] = await stage.open("upgrade", 2);
  await one.run("setlk(fd, SHARED)");
  await two.run("setlk(fd, SHARED)");
  const first = one.start("setlkw(fd, EXCLUSIVE)");
  await stage.locksWaiting("upgrade", 1);
  await assert.rejects(two.run("setlkw(fd, EXCLUSIVE)"), { code: "EDEADLK" });
  await two.run("setlk(fd, NONE)");
  await first.answer;
  assert.deepEqual(await two.run("getlk(fd, SHARED)"), [1, 0, 0, 0, 0]);
});

test("R16: closing any descriptor of a file ends the process's locks, a child's does not", { skip }, async () => {
  const [one, other] = await stage.open("close", 2);
  await one.run("setlk(fd, EXCLUSIVE)");
  await one.run('os.close(os.open("close", os.O_RDONLY))');
  await other.run("setlk(fd, EXCLUSIVE)");
  await other.run("setlk(fd, NONE)");
  await one.run("setlk(fd, EXCLUSIVE)");
  const child = await one.run('fork("os.close(fd)")');
  assert.deepEqual((child as unknown[])[1], { ok: null });
  await assert.rejects(other.run("setlk(fd, SHARED)"), busy);
  const [number, answer] = (await one.run('fork("setlk(fd, SHARED)")')) as [number, unknown];
  assert.deepEqual(answer, { error: "EAGAIN" }, "a child has none of its parent's locks");
  await one.run(`end_child(${number})`);
  await assert.rejects(other.run("setlk(fd, SHARED)"), busy);
  await one.run("os.close(os.dup(fd))");
  await other.run("setlk(fd, EXCLUSIVE)");
});

test("R16: a killed process holds nothing, and waits for nothing", { skip }, async () => {
  const [one, other, third] = await stage.open("killed", 3);
  await one.run("setlk(fd, EXCLUSIVE)");
  other.start("setlkw(fd, EXCLUSIVE)").answer.catch(() => undefined);
  await stage.locksWaiting("killed", 1);
  await other.kill();
  await stage.locksWaiting("killed", 0);
  await one.kill();
  await third.run("setlk(fd, EXCLUSIVE)");
});

test("R16: a signal interrupts a wait, which leaves nothing behind", { skip }, async () => {
  const [one, other] = await stage.open("interrupted", 2);
  await one.run("setlk(fd, EXCLUSIVE)");
  await assert.rejects(other.run("interrupted_by(0.3, lambda: setlkw(fd, EXCLUSIVE))"), { code: "EINTR" });
  await stage.locksWaiting("interrupted", 0);
  await one.run("setlk(fd, NONE)");
  await one.run("setlk(fd, EXCLUSIVE)");
});

test("R16: a thread that waits goes on waiting when another one closes a descriptor", { skip }, async () => {
  const [one, other] = await stage.open("thread", 2);
  await one.run("setlk(fd, EXCLUSIVE, 0, 10)");
  await other.run("setlk(fd, EXCLUSIVE, 20, 10)");
  const wait = other.start("setlkw(fd, EXCLUSIVE, 0, 10)");
  await stage.locksWaiting("thread", 1);
  await other.run("os.close(os.dup(fd))");
  await one.run("setlk(fd, EXCLUSIVE, 20, 10)");
  assert.equal(wait.isOver, false);
  await one.run("setlk(fd, NONE)");
  await wait.answer;
});

test("R16: open-file-description locks: of a description, however it is reached, until its last close", {
  skip,
}, async () => {
  const [one, other] = await stage.open("description", 2);
  await one.run("ofd_setlk(fd, EXCLUSIVE, 0, 10)");
  await assert.rejects(other.run("setlk(fd, SHARED, 0, 10)"), busy);
  await assert.rejects(one.run('ofd_setlk(os.open("description", os.O_RDWR), SHARED)'), busy, "another description");
  await one.run('os.close(os.open("description", os.O_RDWR))');
  await assert.rejects(other.run("setlk(fd, SHARED, 0, 10)"), busy, "another description's close ends nothing");
  const [child, answer] = (await one.run('fork("ofd_setlk(fd, SHARED, 0, 5)")')) as [number, unknown];
  assert.deepEqual(answer, { ok: null }, "inherited");
  await other.run("setlk(fd, SHARED, 0, 5)");
  await one.run("os.close(fd)");
  await assert.rejects(other.run("setlk(fd, EXCLUSIVE, 0, 5)"), busy, "the child has it still");
  await one.run(`end_child(${child})`);
  await other.start("setlkw(fd, EXCLUSIVE)").answer;
});

test("R16: a lock taken by a descriptor lives on when one that was closed before it is given back", {
  skip,
}, async () => {
  const [one, other] = await stage.open("again", 2);
  for (let round = 0; round < 20; round++) {
    await one.run("setlk(fd, EXCLUSIVE)");
    await one.run('[set_variable("next", os.open("again", os.O_RDWR)), os.close(fd), setlk(next, EXCLUSIVE)]');
    await assert.rejects(other.run("setlk(fd, SHARED)"), busy);
    await one.run('set_variable("fd", next)');
  }
});
