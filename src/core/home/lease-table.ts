import type { NodeId } from "../units.js";
import { listBytesMax } from "../wire/frame.js";

/**
 * What a lease is on: the attributes of an inode, by its number; where a name leads, or that it leads nowhere, as `nameKey` writes
 * it; `privilegesKey`, or `absenceKey`, in the place of names that nothing can have.
 */
export type LeaseKey = number | string;

/** Of a folder's inode and a name in it. */
export function nameKey(parent: number, name: string): string {
  return `${parent}/${name}`;
}

/** The name that a key is about, as `nameKey` was given it. */
export function nameIn(key: string): { readonly parent: number; readonly name: string } {
  const at = key.indexOf("/");
  return { parent: Number(key.slice(0, at)), name: key.slice(at + 1) };
}

/** That a write by somebody without rights ends nothing of the file: it does not run as its owner or group, and has no capability. */
export function privilegesKey(inode: number): string {
  return nameKey(inode, "");
}

/**
 * That some names in a folder lead nowhere: goes with the key of each. When the folder is removed nobody lists those, and its
 * number may be another folder's after that.
 */
export function absenceKey(folder: number): string {
  return nameKey(folder, "/");
}

export interface LeasePort {
  /** Asks the node to forget these, and to say so by this number. Its lease decides if it cannot be asked. */
  recall(node: NodeId, recall: number, keys: readonly LeaseKey[]): void;
}

interface Recall {
  readonly node: NodeId;
  readonly keys: readonly LeaseKey[];
}

interface Change {
  readonly by: NodeId;
  /** Looked at again after every wait: names may lead elsewhere by then. */
  readonly keysOf: () => readonly LeaseKey[];
  readonly act: (keys: readonly LeaseKey[]) => void;
  keys: readonly LeaseKey[];
  waits: Set<number>;
}

/** Numbers of recalls go round at this. */
const recallMax = 0xffff_fff0;
/** How long a key may be in JSON: a number, or six bytes for each unit of a text, with what stands around it. */
const numberBytesMax = 20;
const unitBytesMax = 6;
/** What a node gives up when it has as many leases as it may: this share of them, the oldest. */
const reliefShare = 0.25;

/**
 * Who may go by what they were told of names and attributes without asking again (I19): revoke, acknowledge, change, in this
 * order. A change is done when every other node has forgotten what it changes; until then nobody is told it on a lease.
 *
 * The one who changes is not asked: it drops what it has by itself, and hears what was changed with its answer (`drop`).
 */
export class LeaseTable {
  readonly #port: LeasePort;
  readonly #leasesMax: number;
  /** By key and node: the number of the recall that is under way, 0 for none. */
  readonly #byKey = new Map<LeaseKey, Map<NodeId, number>>();
  /** Oldest first. */
  readonly #byNode = new Map<NodeId, Set<LeaseKey>>();
  readonly #recalls = new Map<number, Recall>();
  readonly #waiting = new Set<Change>();
  /** What changes that wait are about, and how many of them. */
  readonly #changing = new Map<LeaseKey, number>();
  #recallLast = 0;

  constructor(port: LeasePort, leasesMax: number) {
    this.#port = port;
    this.#leasesMax = leasesMax;
  }

  /** How many leases the node may still be given before it has to give up others. */
  room(node: NodeId): number {
    return this.#leasesMax - (this.#byNode.get(node)?.size ?? 0);
  }

  has(node: NodeId, key: LeaseKey): boolean {
    return this.#byKey.get(key)?.get(node) !== undefined;
  }

  /** The node is about to be told. @returns whether it may go by that until it is asked to forget it. */
  grant(node: NodeId, key: LeaseKey): boolean {
    if (this.#changing.has(key)) return false;
    const recall = this.#byKey.get(key)?.get(node);
    if (recall !== undefined) return recall === 0;
    if (this.room(node) <= 0) {
      this.#relieve(node);
      return false;
    }
    this.#add(node, key);
    return true;
  }

  /** The node goes by it, asked or not. Whoever waits to change it asks the node once more. */
  insist(node: NodeId, key: LeaseKey): void {
    this.#add(node, key);
  }

  /** The node has changed these itself, and goes by none of what it knew. */
  drop(node: NodeId, keys: readonly LeaseKey[]): void {
    for (const key of keys) this.#remove(node, key);
  }

  /** Runs `act` when nobody but this node goes by what it changes: at once, or after their acknowledgements. */
  change(by: NodeId, keysOf: () => readonly LeaseKey[], act: (keys: readonly LeaseKey[]) => void): void {
    const keys = keysOf();
    if (!this.#isKnownToOthers(by, keys)) return act(keys);
    const change: Change = { by, keysOf, act, keys: [], waits: new Set() };
    this.#waiting.add(change);
    this.#advance(change);
  }

  /** @returns false when the node was not asked that, or not any more. */
  acknowledged(node: NodeId, recall: number): boolean {
    const known = this.#recalls.get(recall);
    if (known?.node !== node) return false;
    for (const key of known.keys) if (this.#byKey.get(key)?.get(node) === recall) this.#remove(node, key);
    this.#settle([recall]);
    return true;
  }

  /** The node has forgotten everything, or may not act on it any more. */
  forget(node: NodeId): void {
    for (const key of [...(this.#byNode.get(node) ?? [])]) this.#remove(node, key);
    this.#settle([...this.#recalls].filter(([, recall]) => recall.node === node).map(([number]) => number));
  }

  /** Changes of this node that wait are void: it will ask again, or is gone. */
  cancel(by: NodeId): void {
    for (const change of [...this.#waiting]) if (change.by === by) this.#end(change);
  }

  /** Names the oldest question that the node has not answered. */
  unanswered(node: NodeId): object | undefined {
    for (const recall of this.#recalls.values()) if (recall.node === node) return recall;
    return undefined;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Memory follows these: on how much there are leases, and of how many nodes. */
  get keyCount(): number {
    return this.#byKey.size;
  }

  get nodeCount(): number {
    return this.#byNode.size;
  }

  #isKnownToOthers(by: NodeId, keys: readonly LeaseKey[]): boolean {
    for (const key of keys) {
      const holders = this.#byKey.get(key);
      if (holders !== undefined && holders.size > (holders.has(by) ? 1 : 0)) return true;
    }
    return false;
  }

  #advance(change: Change): void {
    this.#mark(change, change.keysOf());
    change.waits = this.#ask(change);
    if (change.waits.size > 0) return;
    this.#end(change);
    change.act(change.keys);
  }

  /** Asks those who have not been asked. @returns the recalls that have to be acknowledged. */
  #ask({ by, keys }: Change): Set<number> {
    const waits = new Set<number>();
    const batches = new Map<NodeId, LeaseKey[]>();
    for (const key of keys) {
      for (const [node, recall] of this.#byKey.get(key) ?? []) {
        if (node === by) continue;
        if (recall !== 0) waits.add(recall);
        else if (!batches.get(node)?.push(key)) batches.set(node, [key]);
      }
    }
    for (const [node, batch] of batches) for (const recall of this.#recall(node, batch)) waits.add(recall);
    return waits;
  }

  /** In as many questions as it takes for each to fit into a frame. @returns their numbers */
  #recall(node: NodeId, keys: readonly LeaseKey[]): number[] {
    const recalls: number[] = [];
    let [start, bytes] = [0, 0];
    for (const [index, key] of keys.entries()) {
      bytes += bytesOf(key);
      if (bytes <= listBytesMax) continue;
      recalls.push(this.#recallAtOnce(node, keys.slice(start, index)));
      [start, bytes] = [index, bytesOf(key)];
    }
    recalls.push(this.#recallAtOnce(node, keys.slice(start)));
    return recalls;
  }

  #recallAtOnce(node: NodeId, keys: readonly LeaseKey[]): number {
    this.#recallLast = (this.#recallLast % recallMax) + 1;
    const recall = this.#recallLast;
    this.#recalls.set(recall, { node, keys });
    for (const key of keys) this.#byKey.get(key)?.set(node, recall);
    this.#port.recall(node, recall, keys);
    return recall;
  }

  #relieve(node: NodeId): void {
    if (this.unanswered(node) !== undefined) return;
    const keys = [...(this.#byNode.get(node) ?? [])];
    this.#recall(node, keys.slice(0, Math.ceil(keys.length * reliefShare)));
  }

  /** First come, first served among those who waited for the same. */
  #settle(recalls: readonly number[]): void {
    for (const recall of recalls) this.#recalls.delete(recall);
    for (const change of [...this.#waiting]) {
      if (!this.#waiting.has(change)) continue;
      const before = change.waits.size;
      for (const recall of recalls) change.waits.delete(recall);
      if (before > 0 && change.waits.size === 0) this.#advance(change);
    }
  }

  #end(change: Change): void {
    this.#waiting.delete(change);
    this.#unmark(change);
  }

  #mark(change: Change, keys: readonly LeaseKey[]): void {
    this.#unmark(change);
    change.keys = keys;
    for (const key of keys) this.#changing.set(key, (this.#changing.get(key) ?? 0) + 1);
  }

  #unmark({ keys }: Change): void {
    for (const key of keys) {
      const count = this.#changing.get(key) ?? 0;
      if (count > 1) this.#changing.set(key, count - 1);
      else this.#changing.delete(key);
    }
  }

  #add(node: NodeId, key: LeaseKey): void {
    const holders = this.#byKey.get(key) ?? new Map<NodeId, number>();
    const keys = this.#byNode.get(node) ?? new Set<LeaseKey>();
    this.#byKey.set(key, holders.set(node, 0));
    this.#byNode.set(node, keys.add(key));
  }

  #remove(node: NodeId, key: LeaseKey): void {
    const holders = this.#byKey.get(key);
    if (holders?.delete(node) !== true) return;
    if (holders.size === 0) this.#byKey.delete(key);
    const keys = this.#byNode.get(node);
    keys?.delete(key);
    if (keys?.size === 0) this.#byNode.delete(node);
  }
}

function bytesOf(key: LeaseKey): number {
  return numberBytesMax + (typeof key === "string" ? unitBytesMax * key.length : 0);
}
