import type { LockRequest, TreeRequests } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";
import type { Node } from "../node/node.js";
import type { AskedLock } from "../node/range-locks.js";
import { answerBuffer } from "./answer-buffer.js";
import { errnoOf } from "./errno-of.js";
import type { LockReleases } from "./file-operations.js";
import type { Operation } from "./fuse-loop.js";
import type { Handles } from "./handles.js";
import type { MountFile } from "./mount-file.js";
import { LockFlag, LockType, Opcode } from "./protocol.js";
import type { Request } from "./request.js";

type Found = NonNullable<TreeRequests["testLock"]["reply"]["lock"]>;
/** What is set through one open file description, and by whom. */
interface Locked {
  readonly file: MountFile;
  readonly owners: Set<string>;
}

const types = Object.keys(LockType) as LockRequest["type"][];

/** fcntl's and flock's locks: GETLK, SETLK and SETLKW, and what closing a descriptor releases. */
export class LockOperations implements LockReleases {
  readonly #node: Node;
  readonly #handles: Handles;
  readonly #locked = new Map<number, Locked>();
  #ticketLast = 0;

  constructor(node: Node, handles: Handles) {
    this.#node = node;
    this.#handles = handles;
  }

  operations(): [number, Operation][] {
    return [
      [Opcode.getlk, (request) => this.#test(request)],
      [Opcode.setlk, (request) => this.#set(request, false)],
      [Opcode.setlkw, (request) => this.#set(request, true)],
    ];
  }

  /** A process closes a descriptor, and with it loses every lock that it has on the file. */
  flushed(file: MountFile, owner: string, onDone: () => void): void {
    this.#node.locks.releaseOwner(file.open, owner, "posix", onDone);
  }

  /**
   * The last descriptor of an open file description is closed: its flock goes, and what it holds as an owner itself, for
   * which the kernel asks by F_OFD_SETLK as if for a process's, but whose end it does not tell.
   *
   * 1. A process locks through one description, closes it, which frees its locks, and locks again through another one.
   * 2. The kernel tells only now that the first one is gone. What the process has by the other one stays.
   */
  released(handle: number, file: MountFile): void {
    this.#node.locks.releaseOwner(file.open, flockOwner(handle), "flock", () => undefined);
    const { owners } = this.#locked.get(handle) ?? {};
    this.#locked.delete(handle);
    for (const owner of owners ?? []) {
      const isElsewhere = [...this.#locked.values()].some((other) => other.file === file && other.owners.has(owner));
      if (!isElsewhere) this.#node.locks.releaseOwner(file.open, owner, "posix", () => undefined);
    }
  }

  /** An interrupted wait ends with the home's word: either the lock is there, or it will never be. */
  #set(request: Request, wait: boolean): void {
    const [number, start] = [request.u64(0), request.u64(16)];
    const file = this.#handles.find(number)?.file;
    if (file === undefined) return request.fail(Errno.EBADF);
    if (file.open.isGone) return request.fail(Errno.ESTALE);
    const lock = lockOf(request);
    if (start > Number.MAX_SAFE_INTEGER) return lock.type === "none" ? request.ok() : request.fail(Errno.EOVERFLOW);
    if (lock.kind === "posix") this.#note(number, file, lock.owner);
    const ticket = ++this.#ticketLast;
    request.isPatient = wait;
    let reason: number = Errno.EINTR; // The kernel makes a restart of it, for which there has to be a signal.
    request.onGiveUp = (errno) => {
      reason = errno;
      this.#node.locks.cancel(ticket);
    };
    this.#node.locks.set(file.open, lock, { wait, inLine: false, ticket }, (error) => {
      if (error === undefined) request.ok();
      else request.fail(error.code === "DMMAP_ABORTED" ? reason : errnoOf(error));
    });
  }

  #note(handle: number, file: MountFile, owner: string): void {
    const locked = this.#locked.get(handle);
    if (locked === undefined) this.#locked.set(handle, { file, owners: new Set([owner]) });
    else locked.owners.add(owner);
  }

  #test(request: Request): void {
    const handle = this.#handles.find(request.u64(0));
    if (handle === undefined) return request.fail(Errno.EBADF);
    if (request.u64(16) > Number.MAX_SAFE_INTEGER) return answerTest(request, null); // Where nobody can have a lock.
    request.onGiveUp = (errno) => request.fail(errno);
    this.#node.locks.test(
      handle.file.open,
      lockOf(request),
      (answer) => answerTest(request, (answer as { lock: Found | null }).lock),
      (error) => request.fail(errnoOf(error)),
    );
  }
}

/** fuse_lk_in: handle, owner, a fuse_file_lock (first and last byte, type, process), flags. */
function lockOf(request: Request): AskedLock {
  const last = request.u64(24);
  const isFlock = (request.u32(40) & LockFlag.flock) !== 0;
  return {
    owner: isFlock ? flockOwner(request.u64(0)) : request.id(8),
    kind: isFlock ? "flock" : "posix",
    start: request.u64(16),
    end: last >= Number.MAX_SAFE_INTEGER ? null : last + 1,
    type: types[request.u32(32)] ?? "none",
    pid: request.u32(36),
  };
}

/** fuse_lk_out: the lock that is in the way, or that there is none. A process of another host has no id here. */
function answerTest(request: Request, lock: Found | null): void {
  if (request.isAnswered) return;
  const out = answerBuffer();
  out.bytes.fill(0, 0, 24);
  out.uint32[4] = LockType.none;
  if (lock !== null) {
    out.setUint64(0, lock.start);
    if (lock.end === null) [out.uint32[2], out.uint32[3]] = [0xffff_ffff, 0x7fff_ffff];
    else out.setUint64(8, lock.end - 1);
    out.uint32[4] = LockType[lock.type];
    out.uint32[5] = lock.pid;
  }
  request.data(out.address, 24);
}

/** A description is the owner of its flock, by whichever descriptor it is asked for. */
function flockOwner(handle: number): string {
  return `description ${handle}`;
}
