import type { LockRequest } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";
import type { Node } from "../node/node.js";
import { answerBuffer } from "./answer-buffer.js";
import { errnoOf } from "./errno-of.js";
import type { LockReleases } from "./file-operations.js";
import type { Operation } from "./fuse-loop.js";
import type { Handles } from "./handles.js";
import type { MountFile } from "./mount-file.js";
import { LockFlag, LockType, Opcode } from "./protocol.js";
import type { Request } from "./request.js";

type Lock = Omit<LockRequest, "file">;
const types = Object.keys(LockType) as LockRequest["type"][];

/** fcntl's and flock's locks: GETLK, SETLK and SETLKW, and what closing a descriptor releases. */
export class LockOperations implements LockReleases {
  readonly #node: Node;
  readonly #handles: Handles;
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

  releasePosix(file: MountFile, owner: string): void {
    this.#node.rangeLocks.releaseOwner(file.open, owner, "posix");
  }

  releaseFlock(file: MountFile, owner: string): void {
    this.#node.rangeLocks.releaseOwner(file.open, owner, "flock");
  }

  /** An interrupted wait ends with the home's word: either the lock is there, or it will never be. */
  #set(request: Request, wait: boolean): void {
    const handle = this.#handles.find(request.u64(0));
    if (handle === undefined) return request.fail(Errno.EBADF);
    const ticket = ++this.#ticketLast;
    request.isPatient = wait;
    request.onGiveUp = () => this.#node.requests.cancel(ticket);
    this.#node.rangeLocks.set(handle.file.open, lockOf(request), { wait, ticket }, (error) => {
      if (error === undefined) request.ok();
      else request.fail(errnoOf(error));
    });
  }

  #test(request: Request): void {
    const handle = this.#handles.find(request.u64(0));
    if (handle === undefined) return request.fail(Errno.EBADF);
    request.onGiveUp = (errno) => request.fail(errno);
    this.#node.rangeLocks.test(
      handle.file.open,
      lockOf(request),
      (answer) => answerTest(request, (answer as { lock: Lock | null }).lock),
      (error) => request.fail(errnoOf(error)),
    );
  }
}

/** fuse_lk_in: handle, owner, a fuse_file_lock (first and last byte, type, process), flags. */
function lockOf(request: Request): Lock {
  const last = request.u64(24);
  return {
    owner: request.id(8),
    kind: (request.u32(40) & LockFlag.flock) !== 0 ? "flock" : "posix",
    start: request.u64(16),
    end: last >= Number.MAX_SAFE_INTEGER ? null : last + 1,
    type: types[request.u32(32)] ?? "none",
    pid: request.u32(36),
  };
}

/** fuse_lk_out: the lock that is in the way, or that there is none. A process of another host has no id here. */
function answerTest(request: Request, lock: Lock | null): void {
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
