import koffi from "koffi";

/**
 * The C library's functions that dmmap calls, one binding each. Addresses, lengths and file offsets cross as JavaScript
 * numbers: user-space addresses stay below 2^47 and offsets below 2^53, so a double holds each of them exactly and no
 * bigint is ever allocated. A call costs about 0.05 µs more than in C (plus the system call itself).
 */
const library = koffi.load("libc.so.6");

type Call = (...args: number[]) => number;

function bind(name: string, result: string, parameters: readonly string[]): Call {
  return library.func(name, result, [...parameters]);
}

const int = "int";
const address = "intptr_t";
const size = "size_t";
const ssize = "int64_t"; // koffi has no ssize_t
const offset = "int64_t";

export const mmap = bind("mmap", address, [address, size, int, int, int, offset]);
export const munmap = bind("munmap", int, [address, size]);
export const madvise = bind("madvise", int, [address, size, int]);
export const memcpy = bind("memcpy", address, [address, address, size]);
export const memcmp = bind("memcmp", int, [address, address, size]);
export const memset = bind("memset", address, [address, int, size]);
export const ftruncate = bind("ftruncate", int, [int, offset]);
export const fallocate = bind("fallocate", int, [int, int, offset, offset]);
export const pread = bind("pread", ssize, [int, address, size, offset]);
export const pwrite = bind("pwrite", ssize, [int, address, size, offset]);
export const read = bind("read", ssize, [int, address, size]);
export const write = bind("write", ssize, [int, address, size]);
export const readv = bind("readv", ssize, [int, address, int]);
export const writev = bind("writev", ssize, [int, address, int]);
export const lseek = bind("lseek", offset, [int, offset, int]);
export const fdatasync = bind("fdatasync", int, [int]);
export const fsync = bind("fsync", int, [int]);
export const syncfs = bind("syncfs", int, [int]);
export const close = bind("close", int, [int]);
export const ioctl = bind("ioctl", int, [int, "unsigned long", address]);
export const eventfd = bind("eventfd", int, ["unsigned int", int]);
export const epollCreate1 = bind("epoll_create1", int, [int]);
export const epollCtl = bind("epoll_ctl", int, [int, int, int, address]);
export const socket = bind("socket", int, [int, int, int]);
export const bindSocket = bind("bind", int, [int, address, "uint32_t"]);
export const listen = bind("listen", int, [int, int]);
export const connect = bind("connect", int, [int, address, "uint32_t"]);
export const accept4 = bind("accept4", int, [int, address, address, int]);
export const getsockname = bind("getsockname", int, [int, address, address]);
export const getpeername = bind("getpeername", int, [int, address, address]);
export const getsockopt = bind("getsockopt", int, [int, int, int, address, address]);
export const setsockopt = bind("setsockopt", int, [int, int, int, address, "uint32_t"]);
export const recv = bind("recv", ssize, [int, address, size, int]);
export const send = bind("send", ssize, [int, address, size, int]);
export const socketpair = bind("socketpair", int, [int, int, int, address]);
export const recvmsg = bind("recvmsg", ssize, [int, address, int]);
/** Declared with the one argument that is used here: on 64-bit Linux a variable one is passed the same way. */
export const fcntl = bind("fcntl", int, [int, int, int]);
export const sendfile = bind("sendfile", ssize, [int, int, address, size]);
export const shutdown = bind("shutdown", int, [int, int]);
export const flock = bind("flock", int, [int, int]);
export const mkdirat = bind("mkdirat", int, [int, address, "unsigned int"]);
export const unlinkat = bind("unlinkat", int, [int, address, int]);
export const renameat = bind("renameat", int, [int, address, int, address]);
export const renameat2 = bind("renameat2", int, [int, address, int, address, "unsigned int"]);
export const linkat = bind("linkat", int, [int, address, int, address, int]);
export const symlinkat = bind("symlinkat", int, [address, int, address]);
export const readlinkat = bind("readlinkat", ssize, [int, address, address, size]);
export const mknodat = bind("mknodat", int, [int, address, "unsigned int", "uint64_t"]);
export const openat = bind("openat", int, [int, address, int, "unsigned int"]);
export const dup3 = bind("dup3", int, [int, int, int]);
export const chmod = bind("chmod", int, [address, "unsigned int"]);
export const fchownat = bind("fchownat", int, [int, address, "unsigned int", "unsigned int", int]);
export const utimensat = bind("utimensat", int, [int, address, address, int]);
export const futimens = bind("futimens", int, [int, address]);
export const setxattr = bind("setxattr", int, [address, address, address, size, int]);
export const getxattr = bind("getxattr", ssize, [address, address, address, size]);
export const listxattr = bind("listxattr", ssize, [address, address, size]);
export const llistxattr = bind("llistxattr", ssize, [address, address, size]);
export const flistxattr = bind("flistxattr", ssize, [int, address, size]);
export const removexattr = bind("removexattr", int, [address, address]);
export const fstatfs = bind("fstatfs", int, [int, address]);
export const getdents64 = bind("getdents64", ssize, [int, address, size]);
export const statx = bind("statx", int, [int, address, int, "unsigned int", address]);
export const fsetxattr = bind("fsetxattr", int, [int, address, address, size, int]);
export const fgetxattr = bind("fgetxattr", ssize, [int, address, address, size]);
export const schedYield = bind("sched_yield", int, []);
export const gettid = bind("gettid", int, []);
export const fstat = bind("fstat", int, [int, address]);
export const openByHandleAt = bind("open_by_handle_at", int, [int, address, int]);
export const getpagesize = bind("getpagesize", int, []);
export const clockGettime = bind("clock_gettime", int, [int, address]);

/** Ends the process, whatever its other threads are doing; nothing of C's or Node's own end runs. */
export const exitNow = bind("_exit", "void", [int]);

/** A system call by number, for those that glibc does not wrap (on 64-bit Linux every argument is one register). */
export const syscall = library.func("syscall", "int64_t", new Array(7).fill("int64_t")) as unknown as Call;

type PathCall = (...args: (number | string)[]) => number;
function bindPath(name: string, result: string, parameters: readonly string[]): PathCall {
  return library.func(name, result, [...parameters]);
}

export const mount = bindPath("mount", int, ["str", "str", "str", "unsigned long", "str"]);
export const umount2 = bindPath("umount2", int, ["str", int]);

/** Functions that take a C string; `path` may not hold a NUL (callers check). */
export const open = library.func("open", int, ["str", int, "unsigned int"]) as unknown as (
  path: string,
  flags: number,
  mode: number,
) => number;
export const memfdCreate = library.func("memfd_create", int, ["str", "unsigned int"]) as unknown as (
  name: string,
  flags: number,
) => number;

/**
 * An ArrayBuffer over raw memory. The caller owns the memory and must keep it mapped for as long as the buffer lives.
 * At most 4 GiB in Node 20 (`buffer.constants.MAX_LENGTH`).
 */
export function memoryView(from: number, byteLength: number): ArrayBuffer {
  return koffi.view(from, byteLength);
}

const errnoLocation = bind("__errno_location", address, []);
const errnoCell = new Int32Array(memoryView(errnoLocation(), 4));

/**
 * errno of the last call above on this thread (each thread loads this module for itself). Read at once, before anything
 * that could make another call: it is the C library's own variable. A plain load: 2 ns, where koffi.errno() takes 59.
 */
export function errno(): number {
  return errnoCell[0];
}
