import { check, Errno, SystemError } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";
import { platformNumbers } from "./platform.js";

const ctlAdd = 1;
const ctlDel = 2;
const ctlMod = 3;
const epollPwait2 = 441; // the same number on every architecture
const eventsMax = 256;
const closeOnExec = 0o2000000;
const { epollEventBytes: eventBytes, epollDataAt: tokenAt } = platformNumbers();

/** `edge`: told once each time that it becomes so, not for as long as it is: an eventfd so watched need not be read. */
export const Ready = { in: 0x1, out: 0x4, error: 0x8, hangUp: 0x10, readHangUp: 0x2000, edge: 0x8000_0000 } as const;

/** One epoll set. `token` is a number of the caller's choice, below 2^32, that comes back with the event. */
export class Epoll {
  readonly fd: number;
  readonly #events = new NativeBuffer(eventsMax * eventBytes);
  readonly #argument = new NativeBuffer(64);

  constructor() {
    this.fd = check(libc.epollCreate1(closeOnExec), "epoll_create1");
  }

  add(fd: number, events: number, token: number): void {
    this.#control(ctlAdd, fd, events, token);
  }

  modify(fd: number, events: number, token: number): void {
    this.#control(ctlMod, fd, events, token);
  }

  remove(fd: number): void {
    this.#control(ctlDel, fd, 0, 0);
  }

  /**
   * Sleeps until something is ready or the time is over; Infinity sleeps without end. Never wakes early, and about
   * 50 µs late (the kernel's timer slack).
   *
   * @returns how many are ready; ask `token(i)` and `events(i)`.
   */
  wait(timeoutMicros: number): number {
    let timespec = 0;
    if (timeoutMicros !== Number.POSITIVE_INFINITY) {
      const micros = Math.max(0, Math.ceil(timeoutMicros));
      timespec = this.#argument.address + 32;
      this.#argument.setUint64(32, Math.floor(micros / 1e6));
      this.#argument.setUint64(40, (micros % 1e6) * 1000);
    }
    const count = libc.syscall(epollPwait2, this.fd, this.#events.address, eventsMax, timespec, 0, 8);
    if (count >= 0) return count;
    const number = libc.errno();
    if (number === Errno.EINTR) return 0;
    throw new SystemError("epoll_pwait2", number);
  }

  token(index: number): number {
    return this.#events.data.getUint32(index * eventBytes + tokenAt, true);
  }

  events(index: number): number {
    return this.#events.data.getUint32(index * eventBytes, true);
  }

  close(): void {
    libc.close(this.fd);
  }

  #control(operation: number, fd: number, events: number, token: number): void {
    const { data, address } = this.#argument;
    data.setUint32(0, events, true);
    data.setUint32(tokenAt, token, true);
    data.setUint32(tokenAt + 4, 0, true);
    check(libc.epollCtl(this.fd, operation, fd, address), "epoll_ctl");
  }
}
