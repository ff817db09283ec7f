import type { NodeId } from "../units.js";

/** Who holds or wants a lock: a process, an open file description, or a lock of a library's program; of one node. */
export interface LockOwner {
  readonly node: NodeId;
  /** As the node names it. */
  readonly owner: string;
}

/** An owner who waits, and for whom. */
export interface LockWait extends LockOwner {
  blockers(): Iterable<LockOwner>;
}

/** Who waits for a lock of any file of one home: a circle of owners, each waiting for the next, may run through several. */
export class LockWaits {
  readonly #byOwner = new Map<string, Set<LockWait>>();

  /** How many owners wait: memory follows this number. */
  get ownerCount(): number {
    return this.#byOwner.size;
  }

  add(wait: LockWait): void {
    const key = keyOf(wait);
    const waits = this.#byOwner.get(key) ?? new Set();
    this.#byOwner.set(key, waits.add(wait));
  }

  delete(wait: LockWait): void {
    const key = keyOf(wait);
    const waits = this.#byOwner.get(key);
    waits?.delete(wait);
    if (waits?.size === 0) this.#byOwner.delete(key);
  }

  /** Whether one of these owners waits for `goal`, if by way of others. */
  leadTo(goal: LockOwner, owners: Iterable<LockOwner>): boolean {
    const [goalKey, seen, open] = [keyOf(goal), new Set<string>(), [...owners]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const key = keyOf(next);
      if (key === goalKey) return true;
      if (seen.has(key)) continue;
      seen.add(key);
      for (const wait of this.#byOwner.get(key) ?? []) open.push(...wait.blockers());
    }
    return false;
  }
}

function keyOf({ node, owner }: LockOwner): string {
  return `${node} ${owner}`;
}
