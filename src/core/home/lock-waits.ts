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
  /** By node and owner; none of them is empty. */
  readonly #byNode = new Map<NodeId, Map<string, Set<LockWait>>>();

  /** How many owners wait: memory follows this number. */
  get ownerCount(): number {
    let count = 0;
    for (const byOwner of this.#byNode.values()) count += byOwner.size;
    return count;
  }

  add(wait: LockWait): void {
    const byOwner = this.#byNode.get(wait.node) ?? new Map<string, Set<LockWait>>();
    const waits = byOwner.get(wait.owner) ?? new Set();
    this.#byNode.set(wait.node, byOwner.set(wait.owner, waits.add(wait)));
  }

  delete(wait: LockWait): void {
    const byOwner = this.#byNode.get(wait.node);
    const waits = byOwner?.get(wait.owner);
    if (waits?.delete(wait) !== true || waits.size > 0) return;
    byOwner?.delete(wait.owner);
    if (byOwner?.size === 0) this.#byNode.delete(wait.node);
  }

  /** Whether one of these owners is `goal`, or waits for it, if by way of others. */
  leadTo(goal: LockOwner, owners: Iterable<LockOwner>): boolean {
    const seen = new Set<Set<LockWait>>();
    const open = [...owners];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.node === goal.node && next.owner === goal.owner) return true;
      const waits = this.#byNode.get(next.node)?.get(next.owner);
      if (waits === undefined || seen.has(waits)) continue;
      seen.add(waits);
      for (const wait of waits) open.push(...wait.blockers());
    }
    return false;
  }
}
