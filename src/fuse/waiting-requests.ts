import { type ByteOffset, type PageIndex, pageAt, pageEndAt } from "../core/units.js";
import { isSeeking } from "../kernel/seeking-thread.js";
import type { FuseLoop } from "./fuse-loop.js";
import type { NodeIds } from "./node-ids.js";
import { FallocateMode, GetattrFlag, Opcode, ReadFlag, WriteFlag } from "./protocol.js";
import type { Request } from "./request.js";

/** What the kernel has asked for an inode, and is not answered yet: for that it may keep others waiting. */
export class WaitingRequests {
  readonly #ids: NodeIds;
  loop: FuseLoop | undefined;

  constructor(ids: NodeIds) {
    this.#ids = ids;
  }

  /** Whether the kernel keeps the page locked until it is answered, or may do so. */
  isLocked(inode: number, page: PageIndex): boolean {
    return this.#some(inode, (request) => {
      return (isCachedRead(request) || request.opcode === Opcode.write) && covers(request, page);
    });
  }

  /** Whether the kernel reads the page in order to cache it: so it does not have it. */
  isRead(inode: number, page: PageIndex): boolean {
    return this.#some(inode, (request) => isCachedRead(request) && covers(request, page));
  }

  /** Whether the kernel makes the file as long as this, or longer, when it is answered. */
  isWriting(inode: number, size: ByteOffset): boolean {
    return this.#some(inode, (request) => {
      return request.opcode === Opcode.write && endOf(request) >= size;
    });
  }

  /** A request for which a program of this host keeps the inode's lock (i_rwsem), without which nobody writes: there is one at most. */
  lockHolder(inode: number): Request | undefined {
    const holds = (request: Request) => this.#ids.inodeOf(request.node) === inode && holdsLock(request);
    const serving = this.loop?.serving;
    if (serving !== undefined && !serving.isAnswered && holds(serving)) return serving;
    for (const request of this.loop?.waiting ?? []) if (holds(request)) return request;
    return undefined;
  }

  /** Whether somebody may have that lock of whom this cannot be known: who asks for attributes, if only to seek to the end. */
  mayBeLocked(inode: number): boolean {
    return this.#some(inode, (request) => request.opcode === Opcode.getattr && isSeek(request) === "unknown");
  }

  /** Whether the kernel takes no size before it is answered: for a SETATTR, which MountFile knows of, and for this. */
  isAllocating(inode: number): boolean {
    return this.#some(inode, (request) => {
      return request.opcode === Opcode.fallocate && (request.u32(24) & FallocateMode.keepSize) === 0;
    });
  }

  /** Ends everything that waits for this inode. */
  giveUp(inode: number, errno: number): void {
    for (const request of [...(this.loop?.waiting ?? [])]) {
      if (this.#ids.inodeOf(request.node) === inode) request.onGiveUp?.(errno);
    }
  }

  #some(inode: number, condition: (request: Request) => boolean): boolean {
    for (const request of this.loop?.waiting ?? []) {
      if (this.#ids.inodeOf(request.node) === inode && condition(request)) return true;
    }
    return false;
  }
}

function isCachedRead(request: Request): boolean {
  return request.opcode === Opcode.read && (request.u32(20) & ReadFlag.lockOwner) === 0;
}

/** Of READ and WRITE: whether it reaches into the page. */
export function covers(request: Request, page: PageIndex): boolean {
  return pageAt(offsetOf(request)) <= page && page < pageEndAt(endOf(request));
}

/** Of READ and WRITE. */
export function endOf(request: Request): ByteOffset {
  return offsetOf(request) + request.u32(16);
}

const lockingOpcodes: ReadonlySet<number> = new Set([
  Opcode.setattr,
  Opcode.fallocate,
  Opcode.fsync,
  Opcode.lseek,
  Opcode.setxattr,
  Opcode.removexattr,
]);

/** What the kernel writes down of shared maps takes no lock. To seek to the end takes it, if that can be known. */
function holdsLock(request: Request): boolean {
  if (request.opcode === Opcode.write) return (request.u32(20) & WriteFlag.cache) === 0;
  return request.opcode === Opcode.getattr ? isSeek(request) === true : lockingOpcodes.has(request.opcode);
}

function isSeek(request: Request): boolean | "unknown" {
  if ((request.u32(0) & GetattrFlag.handle) === 0) return false;
  request.isSeek ??= isSeeking(request.thread) ?? "unknown";
  return request.isSeek;
}

/** READ, WRITE and FALLOCATE have it in one place. */
function offsetOf(request: Request): ByteOffset {
  return request.u64(8);
}
