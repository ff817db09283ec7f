import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountStage } from "./mount-stage.js";

const skip = lacksFuse();
const busy = { code: "EAGAIN" };
const stage = new MountStage();
const [shared, exclusive, none] = ["fcntl.LOCK_SH", "fcntl.LOCK_EX", "fcntl.LOCK_UN"].map((how) => `flock(fd, ${how})`);
const [trySharing, tryAlone] = ["SH", "EX"].map((how) => `flock(fd, fcntl.LOCK_${how} | fcntl.LOCK_NB)`);

test("R16: flock shares and excludes across mounts, and knows nothing of fcntl's locks", { skip }, async () => {
  const [one, other, third] = await stage.open("flock", 3);
  await one.run(shared);
  await other.run(shared);
  await assert.rejects(third.run(tryAlone), busy);
  await third.run("setlk(fd, EXCLUSIVE)");
  await one.run(none);
  await other.run(tryAlone); // An upgrade.
  await assert.rejects(one.run(trySharing), busy);
  const wait = one.start(shared);
  await stage.locksWaiting("flock", 1);
  await other.run(shared); // A downgrade.
  await wait.answer;
  await third.run("setlk(fd, NONE)");
});

test("R16: a flock is of a description: its copies share it, its last close ends it", { skip }, async () => {
  const [one, other] = await stage.open("description", 2);
  await one.run(exclusive);
  await assert.rejects(one.run('flock(os.open("description", os.O_RDONLY), fcntl.LOCK_SH | fcntl.LOCK_NB)'), busy);
  await one.run("os.close(os.dup(fd))");
  await assert.rejects(other.run(trySharing), busy);
  const [child, answer] = (await one.run(`fork("${exclusive}")`)) as [number, unknown];
  assert.deepEqual(answer, { ok: null });
  await one.run("os.close(fd)");
  await assert.rejects(other.run(trySharing), busy, "the child has it still");
  await one.run(`end_child(${child})`);
  await other.start(exclusive).answer;
  await other.run(none);
  const [again] = await stage.open("description", 1);
  await again.run(exclusive);
  const copy = (await again.run(`fork("${none}")`)) as [number, unknown];
  await other.run(tryAlone); // Ended through the copy.
  await again.run(`end_child(${copy[0]})`);
});

test("R16: two flocks that both upgrade: the first gives way, as Linux has it, and nobody hangs", {
  skip,
}, async () => {
  const [one, other] = await stage.open("upgrade", 2);
  await one.run(shared);
  await other.run(shared);
  const first = one.start(exclusive);
  await stage.locksWaiting("upgrade", 1);
  const second = other.start(exclusive);
  await first.answer;
  await one.run(none);
  await second.answer;
  await other.run(shared);
  await one.run(shared);
  await assert.rejects(one.run(tryAlone), busy);
  await other.run(tryAlone); // The refused upgrade has cost the other one its lock.
});

test("R16: a flock that waits is interrupted by a signal, and goes with its process", { skip }, async () => {
  const [one, other, third] = await stage.open("interrupted", 3);
  await one.run(exclusive);
  await assert.rejects(other.run(`interrupted_by(0.3, lambda: ${exclusive})`), { code: "EINTR" });
  await stage.locksWaiting("interrupted", 0);
  third.start(exclusive).answer.catch(() => undefined);
  await stage.locksWaiting("interrupted", 1);
  await third.kill();
  await stage.locksWaiting("interrupted", 0);
  await one.kill();
  await other.start(exclusive).answer;
});

/**
 * Locks without waiting, closes, and makes a file, by which the other one knows that it is its turn. Python; how often the lock was
 * refused.
 */
const takingTurns = (lock: string) => `
def take_turns(mine, theirs, count):
    refused = 0
    for turn in range(count):
        while not os.path.exists(theirs + str(turn)):
            pass
        description = os.open('turns', os.O_RDWR | os.O_CREAT)
        try:
            ${lock}
        except BlockingIOError:
            refused += 1
        os.close(description)
        os.close(os.open(mine + str(turn + (mine == 'one')), os.O_WRONLY | os.O_CREAT))
    return refused
`;

for (const [what, lock] of [
  ["flock", "flock(description, fcntl.LOCK_EX | fcntl.LOCK_NB)"],
  ["lock of a description", "ofd_setlk(description, EXCLUSIVE)"],
]) {
  test(`R16: who has seen on the volume what a program did after its close finds its ${what} ended`, {
    skip,
  }, async () => {
    const [one, other] = await stage.start(2);
    const folder = `turns by ${what}`;
    await one.run(`os.mkdir("${folder}")`);
    await one.run(`os.close(os.open("${folder}/one0", os.O_CREAT))`);
    for (const process of [one, other]) {
      await process.run(`os.chdir("${folder}")`);
      await process.run(`exec(${JSON.stringify(takingTurns(lock))}, globals())`);
    }
    const turns = [one.start("take_turns('one', 'other', 50)"), other.start("take_turns('other', 'one', 50)")];
    assert.deepEqual(await Promise.all(turns.map(({ answer }) => answer)), [0, 0]);
    for (const process of [one, other]) await process.run('os.chdir("..")');
  });
}
