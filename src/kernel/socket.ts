import { check, Errno, SystemError } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";

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

/** A numeric address: names are resolved before they come here. */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
}

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
    const length = writeAddress(address);
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
  const fd = openTcp(address.family);
  setOption(fd, ipprotoTcp, tcpNoDelay, 1);
  const length = writeAddress(address);
  if (libc.connect(fd, argument().address, length) === 0) return fd;
  const number = libc.errno();
  if (number === Errno.EINPROGRESS) return fd;
  libc.close(fd);
  throw new SystemError("connect", number);
}

/** 0 when the connection stands, else the errno with which it failed. */
export function connectError(fd: number): number {
  const { address, int32 } = argument();
  int32[32] = 0;
  int32[33] = 4;
  check(libc.getsockopt(fd, solSocket, soError, address + 128, address + 132), "getsockopt");
  return int32[32];
}

/** @returns the connection, or a negative errno (EAGAIN: none waits; EMFILE: out of descriptors). */
export function acceptTcp(listener: number): number {
  const fd = libc.accept4(listener, 0, 0, nonBlockingCloexec);
  if (fd < 0) return -libc.errno();
  setOption(fd, ipprotoTcp, tcpNoDelay, 1);
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
  int32[32] = value;
  check(libc.setsockopt(fd, level, name, address + 128, 4), "setsockopt");
}

/** struct sockaddr_in or sockaddr_in6 at the start of the scratch buffer. */
function writeAddress({ host, port, family }: SocketAddress): number {
  const { bytes, data } = argument();
  bytes.fill(0, 0, 28);
  data.setUint16(0, family === 6 ? afInet6 : afInet, true);
  data.setUint16(2, port, false);
  if (family === 4) {
    bytes.set(host.split(".").map(Number), 4);
    return 16;
  }
  bytes.set(ipv6Bytes(host), 8);
  return 28;
}

function readAddress(fd: number, call: (...args: number[]) => number, name: string): SocketAddress {
  const { address, int32, data, bytes } = argument();
  int32[32] = 28;
  check(call(fd, address, address + 128), name);
  const port = data.getUint16(2, false);
  if (data.getUint16(0, true) === afInet) return { host: bytes.slice(4, 8).join("."), port, family: 4 };
  const groups = Array.from({ length: 8 }, (_, index) => data.getUint16(8 + index * 2, false).toString(16));
  return { host: groups.join(":"), port, family: 6 };
}

function ipv6Bytes(host: string): Uint8Array {
  const [head, tail] = host.split("::");
  const parse = (part: string | undefined) => (part ? part.split(":").map((group) => Number.parseInt(group, 16)) : []);
  const first = parse(head);
  const last = parse(tail);
  const groups = [...first, ...new Array(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
