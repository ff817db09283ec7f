import { OpenFlag } from "../kernel/folder.js";
import * as libc from "../kernel/libc.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";

/** A file handle of FUSE: its number for the inode, high word first, and the generation (fs/fuse/inode.c). */
const handleBytes = 12;
const handleType = 0x81;
/** At a time. */
const filesMax = 8;

interface KeptFile {
  readonly fd: number;
  /** Whether it is more than a name for the file (O_PATH): only then can one seek in it. */
  readonly isOpen: boolean;
}

/**
 * Files of a mount, opened by FUSE's numbers for them: to open the mount point, and then the file, are five requests to the mount,
 * as many as ask for a size are one. So those that are asked for again at once stay open; they keep the mount busy meanwhile.
 */
export class KeptFiles {
  readonly #mountPoint: string;
  readonly #buffer: NativeBuffer;
  readonly #files = new Map<number, KeptFile>();
  #mount = -1;

  /** `buffer`: scratch. */
  constructor(mountPoint: string, buffer: NativeBuffer) {
    this.#mountPoint = mountPoint;
    this.#buffer = buffer;
  }

  /** @returns its descriptor; negative when it cannot be had. `isNew`: whether it has been opened just now. */
  get(node: number, isOpen: boolean): { readonly fd: number; readonly isNew: boolean } {
    const kept = this.#files.get(node);
    if (kept !== undefined && (kept.isOpen || !isOpen)) return { fd: kept.fd, isNew: false };
    if (kept !== undefined) this.drop(node);
    if (this.#files.size >= filesMax) this.letGo();
    const fd = this.#open(node, isOpen ? OpenFlag.readOnly : OpenFlag.path);
    if (fd >= 0) this.#files.set(node, { fd, isOpen });
    return { fd, isNew: true };
  }

  drop(node: number): void {
    const kept = this.#files.get(node);
    if (kept !== undefined) libc.close(kept.fd);
    this.#files.delete(node);
  }

  letGo(): void {
    for (const { fd } of this.#files.values()) libc.close(fd);
    this.#files.clear();
    if (this.#mount >= 0) libc.close(this.#mount);
    this.#mount = -1;
  }

  #open(node: number, how: number): number {
    if (this.#mount < 0) this.#mount = libc.open(this.#mountPoint, OpenFlag.readOnly | OpenFlag.closeOnExec, 0);
    if (this.#mount < 0) return -1;
    const { uint32, address } = this.#buffer;
    uint32[0] = handleBytes;
    uint32[1] = handleType;
    uint32[2] = Math.floor(node / 0x1_0000_0000);
    uint32[3] = node % 0x1_0000_0000;
    uint32[4] = 0;
    return libc.openByHandleAt(this.#mount, address, how | OpenFlag.closeOnExec);
  }
}
