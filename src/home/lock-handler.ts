import { DmmapError } from "../core/error.js";
import type { RangeLock, RangeLocks } from "../core/home/range-locks.js";
import type { LockRequest } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";
import { fileOf } from "./file-handler.js";
import type { HomeContext } from "./home-context.js";
import type { Session } from "./session.js";
import type { TreeRequest, TreeRequestOf } from "./tree-schemas.js";

/** Requests of mounts for locks: fcntl's and flock's. */
export class LockHandler {
  readonly #home: HomeContext;

  constructor(home: HomeContext) {
    this.#home = home;
  }

  /** @returns the answer, undefined when it comes later, null when the request is not one of these. */
  answer(session: Session, request: number, body: TreeRequest): object | undefined | null {
    switch (body.op) {
      case "setLock":
        return this.#set(session, request, body);
      case "testLock":
        return test(session, body);
      case "releaseOwner":
        tableOf(session, body).releaseOwner({ node: session.node, owner: body.owner });
        return {};
      case "claimLocks":
        return claim(session, body);
      default:
        return null;
    }
  }

  #set(session: Session, request: number, body: TreeRequestOf<"setLock">): object | undefined {
    const table = tableOf(session, body);
    const lock = lockOf(session, body);
    if (lock === undefined) {
      table.unlock({ node: session.node, owner: body.owner, start: body.start, end: body.end ?? Infinity });
      return {};
    }
    this.#home.counters.locks++;
    const answer = table.lock(lock, request, body.wait);
    if (answer === "waits") return undefined;
    if (answer === "granted") return {};
    if (answer === "refused") {
      throw new DmmapError("DMMAP_BUSY", "another owner has a lock there", { errno: Errno.EAGAIN });
    }
    const message = "to wait for this lock would be a deadlock: its owner waits, through others, for this one";
    throw new DmmapError("DMMAP_BUSY", message, { errno: Errno.EDEADLK });
  }
}

function test(session: Session, body: TreeRequestOf<"testLock">): object {
  const lock = lockOf(session, body);
  const found = lock === undefined ? undefined : tableOf(session, body).conflict(lock);
  if (found === undefined) return { lock: null };
  const { end, ...rest } = found;
  return { lock: { ...rest, end: end === Infinity ? null : end } };
}

/** What was lost is said, so that the node can tell its program. */
function claim(session: Session, { file, locks }: TreeRequestOf<"claimLocks">): { lost: number } {
  const { rangeLocks } = fileOf(session, file);
  let lost = 0;
  for (const kind of ["posix", "flock"] as const) {
    const claimed = locks.flatMap((lock) => (lock.kind === kind ? (lockOf(session, lock) ?? []) : []));
    lost += rangeLocks[kind].claim(session.node, claimed).length;
  }
  return { lost };
}

function tableOf(session: Session, { file, kind }: Pick<LockRequest, "file" | "kind">): RangeLocks {
  return fileOf(session, file).rangeLocks[kind];
}

/** Undefined for what ends locks instead of setting one. */
function lockOf(session: Session, { owner, start, end, type, pid }: LockRequest): RangeLock | undefined {
  if (type === "none") return undefined;
  return { node: session.node, owner, pid, type, start, end: end ?? Number.POSITIVE_INFINITY };
}
