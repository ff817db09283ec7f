import { check } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";

const afUnix = 1;
const streamCloseOnExec = 1 | 0o2000000;
const receiveCloseOnExec = 0x40000000;
const setStatusFlags = 4;

/** In the buffer: a msghdr, its iovec, the byte that comes along, and the control message. */
const iovAt = 64;
const byteAt = 96;
const controlAt = 128;
const controlBytes = 24;
const descriptorAt = controlAt + 16;

/** Two ends of a Unix connection. */
export function socketPair(): readonly [number, number] {
  const buffer = new NativeBuffer(4096);
  check(libc.socketpair(afUnix, streamCloseOnExec, 0, buffer.address), "socketpair");
  return [buffer.int32[0], buffer.int32[1]];
}

/** Waits for a descriptor that another process passes (SCM_RIGHTS). @returns -1 when it went away without. */
export function receiveDescriptor(socket: number): number {
  const buffer = new NativeBuffer(4096);
  const { address, int32 } = buffer;
  buffer.setUint64(16, address + iovAt);
  buffer.setUint64(24, 1);
  buffer.setUint64(32, address + controlAt);
  buffer.setUint64(40, controlBytes);
  buffer.setUint64(iovAt, address + byteAt);
  buffer.setUint64(iovAt + 8, 1);
  int32[descriptorAt / 4] = -1;
  const count = check(libc.recvmsg(socket, address, receiveCloseOnExec), "recvmsg");
  return count > 0 && buffer.getUint64(40) > 0 ? int32[descriptorAt / 4] : -1;
}

/** Reads of it do not wait from now on. The flags of an open file are its own: other flags than this one are dropped. */
export function setNonBlocking(fd: number): void {
  check(libc.fcntl(fd, setStatusFlags, 0o4000), "fcntl");
}
