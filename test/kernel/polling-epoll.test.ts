import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { nowMicros } from "../../src/kernel/clock.js";
import { lacksCpuLatency } from "../../src/kernel/cpu-latency.js";
import { Ready } from "../../src/kernel/epoll.js";
import { createEventFd, drainEventFd, ringEventFd } from "../../src/kernel/event-fd.js";
import * as libc from "../../src/kernel/libc.js";
import { PollingEpoll } from "../../src/kernel/polling-epoll.js";

const token = 7;

function watched(spinMicros: number, cpuLatencyMicros?: number): { epoll: PollingEpoll; fd: number } {
  const epoll = new PollingEpoll({ spinMicros, cpuLatencyMicros });
  const fd = createEventFd();
  epoll.add(fd, Ready.in, token);
  return { epoll, fd };
}

/** Has it believe that to poll pays. */
function satisfy({ epoll, fd }: ReturnType<typeof watched>): void {
  for (let count = 0; count < 8; count++) {
    ringEventFd(fd);
    assert.equal(epoll.wait(1e6), 1);
    drainEventFd(fd);
  }
}

test("while it polls, what comes is found, and nothing is missed between the last look and the sleep", async () => {
  const set = watched(20_000);
  satisfy(set);
  const ring = `
    const { workerData } = require("node:worker_threads");
    import(workerData.module).then(({ ringEventFd }) => setTimeout(() => ringEventFd(workerData.fd), workerData.millis));`;
  const module = new URL("../../src/kernel/event-fd.js", import.meta.url).href;
  for (const millis of [1, 19, 20, 21, 60]) {
    const worker = new Worker(ring, { eval: true, workerData: { module, fd: set.fd, millis } });
    await delay(0);
    assert.equal(set.epoll.wait(10e6), 1, `rung after ${millis} ms`);
    assert.equal(set.epoll.token(0), token);
    drainEventFd(set.fd);
    await worker.terminate();
  }
  libc.close(set.fd);
  set.epoll.close();
});

test("a deadline is kept, whether it polls or sleeps, and however short it is", () => {
  for (const isPolling of [true, false]) {
    const set = watched(5000);
    if (isPolling) satisfy(set);
    for (const micros of [0, 200, 4000, 12_000]) {
      const start = nowMicros();
      assert.equal(set.epoll.wait(micros), 0);
      assert.ok(nowMicros() - start >= micros, `${micros} us`);
      if (isPolling) satisfy(set);
    }
    libc.close(set.fd);
    set.epoll.close();
  }
});

test("what is expected is served first, but does not keep the rest from its turn", () => {
  const set = watched(5000);
  let served = 0;
  const serve = () => {
    served++;
    return true;
  };
  set.epoll.expected = serve;
  assert.equal(set.epoll.wait(100), 0);
  assert.equal(served, 0, "only asked while it polls");
  set.epoll.expected = undefined;
  satisfy(set);
  set.epoll.expected = serve;
  assert.equal(set.epoll.wait(10e6), 0, "it had come, and nothing else");
  assert.equal(served, 1);
  ringEventFd(set.fd);
  let waits = 1;
  while (set.epoll.wait(10e6) === 0) waits++;
  assert.ok(waits > 1 && waits <= 8, `the rest had its turn after ${waits}`);
  assert.equal(set.epoll.token(0), token);
  drainEventFd(set.fd);

  set.epoll.expected = () => false;
  for (const micros of [200, 4000, 12_000]) {
    satisfy(set);
    const start = nowMicros();
    assert.equal(set.epoll.wait(micros), 0);
    assert.ok(nowMicros() - start >= micros, `a deadline of ${micros} us is kept while what is expected does not come`);
  }
  satisfy(set);
  set.epoll.expected = () => {
    set.epoll.expected = undefined; // As whoever finds its end does.
    return false;
  };
  assert.equal(set.epoll.wait(200), 0);
  libc.close(set.fd);
  set.epoll.close();
});

test("where nothing comes for long, it sleeps: a wait costs no more of a processor than the poll", () => {
  const set = watched(1000);
  satisfy(set);
  const before = process.cpuUsage();
  for (let count = 0; count < 20; count++) set.epoll.wait(20_000);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 200_000, `${user + system} us of CPU in 400 ms`);
  libc.close(set.fd);
  set.epoll.close();
});

/** Whether this process asks for a CPU latency. */
function holdsLatency(): boolean {
  const isDevice = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "/dev/cpu_dma_latency";
    } catch {
      return false; // The folder's own.
    }
  };
  return readdirSync("/proc/self/fd").some(isDevice);
}

test("idle processors are kept awake while polling pays, and no longer", () => {
  const canHold = lacksCpuLatency() === undefined; // Elsewhere all goes on without it.
  for (const spinMicros of [0, 1000]) {
    const set = watched(spinMicros, 0);
    assert.equal(set.epoll.wait(1000), 0);
    assert.equal(holdsLatency(), false, "nothing has come yet");
    satisfy(set);
    assert.equal(holdsLatency(), canHold, "something always comes at once");
    const start = nowMicros();
    assert.equal(set.epoll.wait(60_000), 0);
    assert.ok(nowMicros() - start >= 60_000, "a deadline is kept");
    assert.equal(holdsLatency(), false, "it has slept for long");
    satisfy(set);
    set.epoll.close();
    assert.equal(holdsLatency(), false, "closed");
    libc.close(set.fd);
  }
});

test("whether a latency can be asked for is said as whoever is to ask for it", (context) => {
  if (process.geteuid?.() !== 0) return assert.match(lacksCpuLatency()?.message ?? "", /cpu_dma_latency/);
  context.after(() => process.seteuid?.(0));
  process.seteuid?.(65534);
  assert.match(lacksCpuLatency()?.message ?? "", /cannot be opened for writing \((EACCES|ENOENT)\)/);
});
