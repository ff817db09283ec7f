import { check } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";

const flags = 0o2000000 | 0o4000; // EFD_CLOEXEC | EFD_NONBLOCK

/** Wakes a loop that sleeps in epoll. The descriptor is a number, so any thread of the process can ring it. */
export function createEventFd(): number {
  return check(libc.eventfd(0, flags), "eventfd");
}

let one: NativeBuffer | undefined;

export function ringEventFd(fd: number): void {
  if (one === undefined) {
    one = new NativeBuffer(16);
    one.setUint64(0, 1);
  }
  libc.write(fd, one.address, 8); // fails only when the counter is full: then it has been rung already
}

export function drainEventFd(fd: number): void {
  one ??= new NativeBuffer(16);
  one.setUint64(0, 1);
  libc.read(fd, one.address + 8, 8);
}
