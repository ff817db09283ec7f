import { check, Errno, SystemError } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";
import {
  decodeSocketAddress,
  encodeSocketAddress,
  type SocketAddress,
  socketAddressBytesMax,
} from "./socket-address.js";

/** In the scratch buffer: an address at its start, an option's value, and that value's length. */
const valueAt = 128;
const lengthAt = 132;

const afInet = 2;
const afInet6 = 10;
const sockStream = 1;
const nonBlockingCloexec = 0o4000 | 0o2000000;
const solSocket = 1;
const soReuseAddr = 2;
const soError = 4;
const ipprotoTcp = 6;
const tcpNoDelay = 1;
const tcpNotSentLowAt = 25;
const msgNoSignal = 0x4000;
const msgMore = 0x8000;
const backlog = 4096;

export type { SocketAddress };

let scratch: NativeBuffer | undefined;
function argument(): NativeBuffer {
  scratch ??= new NativeBuffer(256);
  return scratch;
}

/** Starts to listen. Throws EADDRINUSE, EACCES and the like as SystemError. */
export function listenTcp(address: SocketAddress): number {
  const fd = openTcp(address.family);
  try {
    setOption(fd, solSocket, soReuseAddr, 1);
    const length = encodeSocketAddress(address, argument().data);
    check(libc.bindSocket(fd, argument().address, length), "bind");
    check(libc.listen(fd, backlog), "listen");
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Starts to connect without waiting: writable means done, and `connectError` then tells how. */
export function connectTcp(address: SocketAddress): number {
  const length = encodeSocketAddress(address, argument().data);
  const fd = openTcp(address.family);
  setOption(fd, ipprotoTcp, tcpNoDelay, 1);
  if (libc.connect(fd, argument().address, length) === 0) return fd;
  const number = libc.errno();
  if (number === Errno.EINPROGRESS) return fd;
  libc.close(fd);
  throw new SystemError("connect", number);
}

/** 0 when the connection stands, else the errno with which it failed. */
export function connectError(fd: number): number {
  const { address, int32 } = argument();
  int32[valueAt / 4] = 0;
  int32[lengthAt / 4] = 4;
  check(libc.getsockopt(fd, solSocket, soError, address + valueAt, address + lengthAt), "getsockopt");
  return int32[valueAt / 4];
}

/** @returns the connection, or a negative errno (EAGAIN: none waits; EMFILE: out of descriptors). */
export function acceptTcp(listener: number): number {
  const fd = libc.accept4(listener, 0, 0, nonBlockingCloexec);
  if (fd < 0) return -libc.errno();
  setOption(fd, ipprotoTcp, tcpNoDelay, 1); // Linux takes it even on a connection that was reset meanwhile
  return fd;
}

/** Where a listening socket really listens (the port, when 0 was asked). */
export function localAddress(fd: number): SocketAddress {
  return readAddress(fd, libc.getsockname, "getsockname");
}

export function peerAddress(fd: number): SocketAddress {
  return readAddress(fd, libc.getpeername, "getpeername");
}

/** @returns bytes received, 0 at the end of the stream, or a negative errno (EAGAIN: nothing there). */
export function receive(fd: number, to: number, byteLengthMax: number): number {
  const count = libc.recv(fd, to, byteLengthMax, 0);
  return count >= 0 ? count : -libc.errno();
}

/** @returns bytes taken, or a negative errno (EAGAIN: the buffer is full). `more` holds back a part-filled packet. */
export function transmit(fd: number, from: number, byteLength: number, more: boolean): number {
  const count = libc.send(fd, from, byteLength, msgNoSignal | (more ? msgMore : 0));
  return count >= 0 ? count : -libc.errno();
}

/** Says that nothing more will be sent; what was sent still arrives, which a plain close with unread input would prevent. */
export function shutdownSending(fd: number): void {
  libc.shutdown(fd, 1); // fails only when the peer is gone already
}

/** Reports the socket as writable only while less than this waits unsent in the kernel, so that an urgent frame is never far behind. */
export function limitUnsent(fd: number, byteLength: number): void {
  setOption(fd, ipprotoTcp, tcpNotSentLowAt, byteLength);
}

export function closeSocket(fd: number): void {
  libc.close(fd);
}

function openTcp(family: 4 | 6): number {
  return check(libc.socket(family === 6 ? afInet6 : afInet, sockStream | nonBlockingCloexec, ipprotoTcp), "socket");
}

function setOption(fd: number, level: number, name: number, value: number): void {
  const { address, int32 } = argument();
  int32[valueAt / 4] = value;
  check(libc.setsockopt(fd, level, name, address + valueAt, 4), "setsockopt");
}

function readAddress(fd: number, call: (...args: number[]) => number, name: string): SocketAddress {
  const { address, int32, data } = argument();
  int32[valueAt / 4] = socketAddressBytesMax;
  check(call(fd, address, address + valueAt), name);
  return decodeSocketAddress(data);
}
