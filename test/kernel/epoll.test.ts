import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { nowMicros } from "../../src/kernel/clock.js";
import { Epoll, Ready } from "../../src/kernel/epoll.js";
import { createEventFd, drainEventFd, ringEventFd } from "../../src/kernel/event-fd.js";
import { close } from "../../src/kernel/libc.js";

const generousMicros = 5e6;

test("an event comes back with its token, and stays until it is drained", () => {
  const epoll = new Epoll();
  const bell = createEventFd();
  epoll.add(bell, Ready.in, 0xffff_ffff);
  assert.equal(epoll.wait(0), 0);
  ringEventFd(bell);
  ringEventFd(bell);
  for (let round = 0; round < 2; round++) {
    assert.equal(epoll.wait(generousMicros), 1);
    assert.equal(epoll.token(0), 0xffff_ffff);
    assert.equal(epoll.events(0), Ready.in);
  }
  drainEventFd(bell);
  assert.equal(epoll.wait(0), 0);
  drainEventFd(bell);
  epoll.close();
  close(bell);
});

test("several events in one wait, each with its own token", () => {
  const epoll = new Epoll();
  const bells = Array.from({ length: 300 }, createEventFd);
  for (const [index, bell] of bells.entries()) {
    epoll.add(bell, Ready.in, index);
    ringEventFd(bell);
  }
  const seen = new Set<number>();
  for (let count = epoll.wait(0); count > 0 && seen.size < bells.length; count = epoll.wait(0)) {
    assert.ok(count <= 256);
    for (let index = 0; index < count; index++) {
      seen.add(epoll.token(index));
      drainEventFd(bells[epoll.token(index)]);
    }
  }
  assert.equal(seen.size, bells.length);
  epoll.close();
  for (const bell of bells) close(bell);
});

test("modify changes the events and the token, remove ends the watch", () => {
  const epoll = new Epoll();
  const bell = createEventFd();
  epoll.add(bell, Ready.in | Ready.out, 1);
  assert.equal(epoll.wait(generousMicros), 1);
  assert.equal(epoll.events(0), Ready.out);
  epoll.modify(bell, Ready.in, 2);
  assert.equal(epoll.wait(0), 0);
  ringEventFd(bell);
  assert.equal(epoll.wait(0), 1);
  assert.equal(epoll.token(0), 2);
  epoll.remove(bell);
  assert.equal(epoll.wait(0), 0);
  assert.throws(() => epoll.remove(bell), { code: "ENOENT", syscall: "epoll_ctl" });
  assert.throws(() => epoll.add(-1, Ready.in, 0), { code: "EBADF" });
  epoll.close();
  close(bell);
});

test("a wait lasts as long as was asked, in microseconds, and never less", () => {
  const epoll = new Epoll();
  for (const micros of [0.5, 300, 2_500, 1_000_001]) {
    const start = nowMicros();
    assert.equal(epoll.wait(micros), 0);
    const elapsed = nowMicros() - start;
    assert.ok(elapsed >= micros, `asked for ${micros} µs, slept ${elapsed}`);
    assert.ok(elapsed < micros + generousMicros, `asked for ${micros} µs, slept ${elapsed}`);
  }
  assert.equal(epoll.wait(-5), 0, "a deadline in the past does not wait");
  epoll.close();
});

test("a wait without end is ended by another thread's ring", async () => {
  const epoll = new Epoll();
  const bell = createEventFd();
  epoll.add(bell, Ready.in, 7);
  const module = new URL("../../src/kernel/event-fd.js", import.meta.url).href;
  const ringer = new Worker(`import(${JSON.stringify(module)}).then((bells) => bells.ringEventFd(${bell}))`, {
    eval: true,
  });
  assert.equal(epoll.wait(Number.POSITIVE_INFINITY), 1);
  assert.equal(epoll.token(0), 7);
  await ringer.terminate();
  epoll.close();
  close(bell);
});

test("the clock advances and counts microseconds", () => {
  const [first, wallStart] = [nowMicros(), performance.now()];
  while (performance.now() - wallStart < 5);
  const elapsed = nowMicros() - first;
  assert.ok(elapsed >= 5_000 && elapsed < generousMicros, `${elapsed} µs`);
});
