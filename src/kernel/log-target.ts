import { check } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";

const afUnix = 1;
const datagrams = 2;
const closeOnExec = 0o2000000;
const syslogPath = "/dev/log";

/** A socket each write to which is one message of syslog, which is all that the protocol asks for; or undefined, where there is none. */
export function openSyslog(): number | undefined {
  const fd = check(libc.socket(afUnix, datagrams | closeOnExec, 0), "socket");
  const address = new NativeBuffer(4096);
  address.data.setUint16(0, afUnix, true);
  const path = Buffer.from(`${syslogPath}\0`);
  address.bytes.set(path, 2);
  if (libc.connect(fd, address.address, 2 + path.length) === 0) return fd;
  libc.close(fd);
  return undefined;
}

/** From now on, this process's standard output and error go there. */
export function redirectOutput(fd: number): void {
  for (const standard of [1, 2]) check(libc.dup3(fd, standard, 0), "dup3");
  libc.close(fd);
}
