import { DmmapError } from "../core/error.js";
import type { LockOwner } from "../core/home/lock-waits.js";
import type { ByteRange, RangeLock, RangeLocks } from "../core/home/range-locks.js";
import { heldLocksMax, type LockRequest, type SetLock } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";
import { fileOf } from "./file-handler.js";
import type { HomeContext } from "./home-context.js";
import type { Session } from "./session.js";
import type { TreeRequest, TreeRequestOf } from "./tree-schemas.js";

/** Of one node on one file: twice what it takes, since to end a part of a lock may make two of it. */
const claimsMax = 2 * heldLocksMax;

/** Requests for locks: fcntl's and flock's of mounts, and the library's, which are as fcntl's. */
export class LockHandler {
  readonly #home: HomeContext;

  constructor(home: HomeContext) {
    this.#home = home;
  }

  /** @returns the answer, null when the request is not one of these. */
  answer(session: Session, body: TreeRequest): object | null {
    switch (body.op) {
      case "testLock":
        return test(session, body);
      case "claimLocks":
        return claim(session, body);
      default:
        return null;
    }
  }

  /** Sets, changes or ends a lock, and says so; or says so later, or refuses. */
  set(session: Session, request: number, body: SetLock): void {
    const open = fileOf(session, body.file);
    const { kind, wait, inLine, pages } = body;
    const table = open.locks[kind];
    const lock = lockOf(session, body);
    if (lock === undefined) {
      table.unlock(rangeOf(session, body));
      return open.locked(session.node, request, pages);
    }
    this.#home.counters.locks++;
    // As Linux has it: to change a flock is to end it first, whether or not the other one is to be had.
    if (kind === "flock" && table.has(lock, lock.type)) table.unlock(lock);
    const answer = table.lock(lock, request, { wait, inLine, deadlocks: kind === "posix" && !inLine, pages });
    if (answer === "granted") {
      const isDelegated = open.delegation.granted(session.node, () => open.isAlone(session.node));
      return open.locked(session.node, request, pages, isDelegated);
    }
    if (answer !== "waits") throw refusal(answer);
  }
}

function refusal(answer: "refused" | "deadlock"): DmmapError {
  if (answer === "refused") {
    return new DmmapError("DMMAP_BUSY", "another owner has a lock there", { errno: Errno.EAGAIN });
  }
  const message = "to wait for this lock would be a deadlock: its owner waits, through others, for this one";
  return new DmmapError("DMMAP_BUSY", message, { errno: Errno.EDEADLK });
}

function test(session: Session, body: TreeRequestOf<"testLock">): object {
  const lock = lockOf(session, body);
  const found = lock === undefined ? undefined : tableOf(session, body).conflict(lock);
  if (found === undefined) return { lock: null };
  const { node, start, end, type, pid } = found;
  return { lock: { start, end: end === Infinity ? null : end, type, pid: node === session.node ? pid : 0 } };
}

/** In force with the last part of it. What was lost is said, so that the node can tell its program. */
function claim(session: Session, { file, locks: part, more }: TreeRequestOf<"claimLocks">): { lost: number[] } {
  const { locks: tables, delegation } = fileOf(session, file);
  const locks = session.claimedLocks.get(file) ?? [];
  if (locks.length + part.length > claimsMax) throw new DmmapError("DMMAP_PROTOCOL", "claims of locks without end");
  locks.push(...part);
  if (more) {
    session.claimedLocks.set(file, locks);
    return { lost: [] };
  }
  session.claimedLocks.delete(file);
  const lost = (["posix", "flock"] as const).flatMap((kind) => {
    const indices = [...locks.keys()].filter((index) => locks[index].kind === kind && locks[index].type !== "none");
    const claimed = indices.flatMap((index) => lockOf(session, locks[index]) ?? []);
    return tables[kind].claim(session.node, claimed).map((index) => indices[index]);
  });
  delegation.ended(session.node);
  return { lost };
}

/** Takes back a request that waits for its lock. @returns false when it does not. */
export function cancelLock({ files, node }: Session, request: number): boolean {
  return [...files.values()].some(
    ({ locks }) => locks.posix.cancel(node, request) || locks.flock.cancel(node, request),
  );
}

function tableOf(session: Session, { file, kind }: Pick<LockRequest, "file" | "kind">): RangeLocks {
  return fileOf(session, file).locks[kind];
}

/** Undefined for what ends locks instead of setting one. */
function lockOf(session: Session, body: LockRequest): RangeLock | undefined {
  const { type, pid } = body;
  if (type === "none") return undefined;
  const { node, owner, start, end } = rangeOf(session, body);
  return { node, owner, start, end, type, pid };
}

function rangeOf({ node }: Session, { owner, start, end }: LockRequest): ByteRange & LockOwner {
  if (end !== null && end <= start) throw new DmmapError("DMMAP_BAD_RANGE", "a lock ends behind its first byte");
  return { node, owner, start, end: end ?? Number.POSITIVE_INFINITY };
}
