import type { DmmapError } from "../core/error.js";
import { type RangeLock, RangeLocks } from "../core/home/range-locks.js";
import type { LockRequest } from "../core/wire/tree-requests.js";
import type { HomeConnection } from "./home-connection.js";
import type { HomeRequests } from "./home-requests.js";
import type { OpenFile } from "./open-files.js";

type Kind = LockRequest["kind"];
type Asked = Omit<LockRequest, "file">;
type Held = Readonly<Record<Kind, RangeLocks>>;

/** Whose locks these are to itself does not matter on one node. */
const node = 0;

/**
 * The locks that programs of a mount hold, as fcntl and flock have them: asked from the home, remembered here so that a home
 * that restarts can be told.
 */
export class NodeRangeLocks {
  readonly #requests: HomeRequests;
  readonly #held = new Map<OpenFile, Held>();

  constructor(requests: HomeRequests) {
    this.#requests = requests;
  }

  /** Sets or ends a lock. `ticket` names a request that waits, for `HomeRequests.cancel`. */
  set(
    open: OpenFile,
    lock: Asked,
    { wait, ticket }: { readonly wait: boolean; readonly ticket: number },
    onDone: (error: DmmapError | undefined) => void,
  ): void {
    if (lock.type === "none") return this.#unlock(open, lock, onDone);
    this.#requests.ask({
      op: "setLock",
      args: () => ({ ...lock, wait, file: open.file.number }),
      onReply: () => {
        this.#heldOf(open)[lock.kind].lock(toRange(lock), 0, false);
        open.file.lockedPages.locked();
        onDone(undefined);
      },
      onFail: (error) => onDone(error as DmmapError),
      ticket,
    });
  }

  /** The lock that stands against this one, if any. */
  test(open: OpenFile, lock: Asked, onReply: (answer: object) => void, onFail: (error: unknown) => void): void {
    this.#requests.ask({ op: "testLock", args: () => ({ ...lock, file: open.file.number }), onReply, onFail });
  }

  /** Ends all locks of an owner, who has closed the file. */
  releaseOwner(open: OpenFile, owner: string, kind: Kind): void {
    const held = this.#held.get(open);
    if (held === undefined) return;
    if (!held[kind].held.some((lock) => lock.owner === owner)) return; // The frequent case: nothing to tell anybody.
    held[kind].releaseOwner({ node, owner });
    open.file.lockedPages.unlocked(held.posix.heldCount + held.flock.heldCount === 0);
    this.#tell("releaseOwner", () => ({ file: open.file.number, owner, kind }));
    this.#forgetIfEmpty(open, held);
  }

  closed(open: OpenFile): void {
    this.#held.delete(open);
  }

  clear(): void {
    this.#held.clear();
  }

  /** Says all that is held on the file to a home that has to hear it again. */
  claim(open: OpenFile, number: number, connection: HomeConnection): void {
    const held = this.#held.get(open);
    const kinds: Kind[] = ["posix", "flock"];
    const locks = kinds.flatMap((kind) => (held?.[kind].held ?? []).map((lock) => toRequest(number, kind, lock)));
    if (locks.length > 0) connection.request("claimLocks", { file: number, locks }, () => undefined);
  }

  /** Nobody needs to wait for the home: what it is told later, it is told behind this. */
  #unlock(open: OpenFile, lock: Asked, onDone: (error: undefined) => void): void {
    const held = this.#held.get(open);
    if (held !== undefined) {
      const { owner, start, end } = lock;
      held[lock.kind].unlock({ node, owner, start, end: end ?? Number.POSITIVE_INFINITY });
      this.#forgetIfEmpty(open, held);
      open.file.lockedPages.unlocked(!this.#held.has(open));
      this.#tell("setLock", () => ({ ...lock, wait: false, file: open.file.number }));
    }
    onDone(undefined);
  }

  #tell(op: string, args: () => object): void {
    this.#requests.ask({ op, args, onReply: () => undefined, onFail: () => undefined });
  }

  #heldOf(open: OpenFile): Held {
    const held = this.#held.get(open) ?? { posix: alone(), flock: alone() };
    this.#held.set(open, held);
    return held;
  }

  #forgetIfEmpty(open: OpenFile, { posix, flock }: Held): void {
    if (posix.heldCount + flock.heldCount === 0) this.#held.delete(open);
  }
}

/** Everything in it has been granted by the home, so nothing waits. */
function alone(): RangeLocks {
  return new RangeLocks({ tables: [] }, () => undefined);
}

function toRange({ owner, pid, start, end, type }: Asked): RangeLock {
  return {
    node,
    owner,
    pid,
    start,
    end: end ?? Number.POSITIVE_INFINITY,
    type: type === "shared" ? type : "exclusive",
  };
}

function toRequest(file: number, kind: Kind, { owner, pid, start, end, type }: RangeLock): LockRequest {
  return { file, kind, owner, pid, start, end: end === Number.POSITIVE_INFINITY ? null : end, type };
}
