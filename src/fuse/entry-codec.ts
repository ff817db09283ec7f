import type { Micros } from "../core/units.js";
import type { Attributes, FileKind, Time } from "../core/wire/attributes.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";
import { attributeBytes, entryBytes } from "./protocol.js";

/** stat's S_IFMT bits. */
export const kindBits: Readonly<Record<FileKind, number>> = {
  file: 0o100000,
  folder: 0o040000,
  symlink: 0o120000,
  fifo: 0o010000,
  socket: 0o140000,
  character: 0o020000,
  block: 0o060000,
};

/** For how long the kernel may go by what it was told of a name and of attributes; 0: it asks at every use. */
export interface Validity {
  readonly name: Micros;
  readonly attributes: Micros;
}

/** What cp and others read and write at a time, as on other network file systems: so many bytes for one question. */
const fileBlockBytes = 1024 * 1024;
const blockBytes = 4096;

/** Writes a fuse_attr. */
export function putAttributes(to: NativeBuffer, at: number, id: number, attributes: Attributes): void {
  const { inode, kind, mode, links, uid, gid, device, size, blocks, atime, mtime, ctime } = attributes;
  to.setUint64(at, inode || id);
  to.setUint64(at + 8, size);
  to.setUint64(at + 16, blocks);
  [atime, mtime, ctime].forEach((time, index) => {
    putSeconds(to, at + 24 + index * 8, time);
    to.uint32[(at + 48) / 4 + index] = time[1];
  });
  const words = [kindBits[kind] | mode, links, uid, gid, device, kind === "file" ? fileBlockBytes : blockBytes, 0];
  words.forEach((word, index) => {
    to.uint32[(at + 60) / 4 + index] = word;
  });
}

/** Writes a fuse_attr_out. @returns its length. */
export function putAttributesAnswer(to: NativeBuffer, id: number, attributes: Attributes, validity: Validity): number {
  to.setUint64(0, secondsOf(validity.attributes));
  to.setUint64(8, nanosecondsOf(validity.attributes));
  putAttributes(to, 16, id, attributes);
  return 16 + attributeBytes;
}

/** Writes a fuse_entry_out; id 0 says that there is no such name. @returns its length. */
export function putEntry(
  to: NativeBuffer,
  at: number,
  id: number,
  attributes: Attributes | undefined,
  validity: Validity,
): number {
  to.setUint64(at, id);
  to.setUint64(at + 8, 0);
  to.setUint64(at + 16, secondsOf(validity.name));
  to.setUint64(at + 24, secondsOf(validity.attributes));
  to.uint32[(at + 32) / 4] = nanosecondsOf(validity.name);
  to.uint32[(at + 36) / 4] = nanosecondsOf(validity.attributes);
  if (attributes === undefined) to.bytes.fill(0, at + 40, at + entryBytes);
  else putAttributes(to, at + 40, id, attributes);
  return entryBytes;
}

function secondsOf(micros: Micros): number {
  return Math.floor(micros / 1e6);
}

function nanosecondsOf(micros: Micros): number {
  return Math.floor(micros % 1e6) * 1000;
}

/** Seconds before 1970 are negative. */
function putSeconds(to: NativeBuffer, at: number, [seconds]: Time): void {
  to.setUint64(at, seconds);
}
