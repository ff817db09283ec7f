import { type LeaseKey, nameKey, privilegesKey } from "../core/home/lease-table.js";
import type { Micros } from "../core/units.js";
import type { Attributes } from "../core/wire/attributes.js";
import { type ChangeAnswer, Leased, type LeasedAnswer } from "../core/wire/leases.js";
import { AbsentNames } from "./absent-names.js";
import type { KernelLeases } from "./kernel-leases.js";
import { OwnFolders } from "./own-folders.js";
import type { Place } from "./place.js";

/**
 * Ends a change, with what the home said of it, or nothing if it refused. `then` is called when the kernel knows what was
 * changed beside what was expected.
 */
export type EndChange = (answer: ChangeAnswer & { readonly attributes?: Attributes }, then: () => void) => void;

/** Counts what the home is told of stores here: a question of one moment it may answer before it hears of what follows. */
export type Moment = number;

/**
 * What this mount was told of names and attributes on a lease: it goes by that, and so may its kernel, until the home asks it
 * to forget it, or it changes it itself. What the kernel goes by, this mount knows too.
 */
export class Leases {
  readonly kernel: KernelLeases;
  readonly #isGood: () => boolean;
  readonly #attributes = new Map<number, Attributes>();
  readonly #names = new Map<LeaseKey, number>();
  readonly #absent = new AbsentNames();
  readonly #own = new OwnFolders();
  /** Keys of files that have none. */
  readonly #withoutPrivileges = new Set<LeaseKey>();
  /** What requests of this mount that are under way change, and how many of them. */
  readonly #changing = new Map<LeaseKey, number>();
  /** Of files that this mount has open for writing: when the home last had to hear of something, which its answers from before lack. */
  readonly #outdatedAt = new Map<number, Moment>();
  #now: Moment = 0;

  /** `isGood`: whether this node may act on its lease. */
  constructor(kernel: KernelLeases, isGood: () => boolean) {
    this.kernel = kernel;
    this.#isGood = isGood;
  }

  get now(): Moment {
    return this.#now;
  }

  attributesOf(inode: number): Attributes | undefined {
    return this.#isGood() ? this.#attributes.get(inode) : undefined;
  }

  inodeOf(parent: number, name: string): number | undefined {
    return this.#isGood() ? this.#names.get(nameKey(parent, name)) : undefined;
  }

  /** For how long the kernel may go by it that there is nothing by this name; 0 or less: it has to ask. */
  absentMicros(parent: number, name: string): Micros {
    return this.#isGood() ? this.#absent.micros(parent, name) : 0;
  }

  isAbsent(parent: number, name: string): boolean {
    return this.absentMicros(parent, name) > 0 || (this.#isGood() && this.#own.lacks(parent, name));
  }

  /** Whether a write is known to have no privileges of the file to end. */
  lacksPrivileges(inode: number): boolean {
    return this.#isGood() && this.#withoutPrivileges.has(privilegesKey(inode));
  }

  /** What `inodeOf` leads to, if all of it is known. */
  lookup(parent: number, name: string): Attributes | undefined {
    const inode = this.inodeOf(parent, name);
    return inode === undefined ? undefined : this.attributesOf(inode);
  }

  /** The home is told, or has been told, something of a file that changes its attributes, as only who has it open for writing may. */
  outdated(inode: number): void {
    this.#attributes.delete(inode);
    this.#outdatedAt.set(inode, ++this.#now);
  }

  /** The file is closed: the home has answered all that it was asked before. */
  closed(inode: number): void {
    this.#outdatedAt.delete(inode);
  }

  /** The home has told, `asked` at that moment. Call this as soon as its answer is here: a recall may be right behind. */
  learn(attributes: Attributes, answer: LeasedAnswer, asked: Moment, place?: Place): void {
    const { inode } = attributes;
    const { leased = 0 } = answer;
    this.learnPrivileges(inode, answer);
    // Asked for before the change, and told before it: how it will be is not known yet.
    const isOld = this.#changing.has(inode) || (this.#outdatedAt.get(inode) ?? 0) > asked;
    if (isLeased(answer) && !isOld) this.#attributes.set(inode, attributes);
    if (place === undefined || (leased & Leased.name) === 0) return;
    const key = nameKey(place.parent, place.name);
    if (this.#changing.has(key)) return;
    this.#names.set(key, inode);
    this.#own.use(key);
    // Another tool has made it in the served folder: what a listing shows is found as well.
    if (this.absentMicros(place.parent, place.name) <= 0) return;
    this.#absent.forget(key);
    this.kernel.forgetNames();
  }

  /** The same of what tells no attributes. */
  learnPrivileges(inode: number, { leased = 0 }: LeasedAnswer): void {
    const key = privilegesKey(inode);
    if ((leased & Leased.noPrivileges) !== 0 && !this.#changing.has(key)) this.#withoutPrivileges.add(key);
  }

  /** The home has told that there is nothing by this name. */
  learnAbsent({ parent, name }: Place, { leased = 0 }: LeasedAnswer): void {
    if ((leased & Leased.name) !== 0 && !this.#changing.has(nameKey(parent, name))) this.#absent.add(parent, name);
  }

  /** The home asks. Calls `done` when neither this mount nor its kernel goes by these. */
  recall(keys: readonly LeaseKey[], done: () => void): void {
    this.#forget(keys);
    for (const inode of inodesIn(keys)) this.#own.forget(inode);
    if (keys.some((key) => typeof key === "string")) this.kernel.forgetNames();
    this.kernel.forget(inodesIn(keys), done);
  }

  /**
   * Before this mount changes something itself. Its kernel takes note of what its own requests change, but not of answers
   * that cross with them: so it is told to forget attributes first, and given none that last until the end. `place`: the
   * name that the answer is about, if any.
   */
  change(keys: readonly LeaseKey[], place: Place | undefined, act: (end: EndChange) => void): void {
    for (const key of keys) this.#changing.set(key, (this.#changing.get(key) ?? 0) + 1);
    this.#forget(keys);
    for (const key of keys) if (typeof key === "string") this.#own.use(key);
    this.kernel.forget(inodesIn(keys), () => {
      const asked = this.#now;
      act((answer, then) => {
        this.#unmark(keys);
        const { changed = [], fresh = [], attributes } = answer;
        this.#forget(changed);
        for (const inode of inodesIn(changed)) {
          if (!fresh.some((known) => known.inode === inode)) this.#own.forget(inode);
        }
        for (const known of fresh) this.learn(known, { leased: Leased.attributes }, asked);
        if (attributes !== undefined) this.learn(attributes, answer, asked, place);
        if (place !== undefined && attributes?.kind === "folder" && isLeased(answer)) this.#own.made(attributes.inode);
        if (attributes === undefined && place !== undefined) this.learnAbsent(place, answer);
        this.kernel.forget(inodesIn(changed), then);
      });
    });
  }

  /** Nothing that was known is good any more. */
  clear(): void {
    this.#attributes.clear();
    this.#names.clear();
    this.#absent.clear();
    this.#own.clear();
    this.#withoutPrivileges.clear();
  }

  forgetAll(done: () => void): void {
    this.clear();
    this.kernel.forgetAll(done);
  }

  #unmark(keys: readonly LeaseKey[]): void {
    for (const key of keys) {
      const count = this.#changing.get(key) ?? 0;
      if (count > 1) this.#changing.set(key, count - 1);
      else this.#changing.delete(key);
    }
  }

  #forget(keys: readonly LeaseKey[]): void {
    for (const key of keys) {
      if (typeof key === "number") {
        this.#attributes.delete(key);
        continue;
      }
      this.#names.delete(key);
      this.#absent.forget(key);
      this.#withoutPrivileges.delete(key);
    }
  }
}

function isLeased({ leased = 0 }: LeasedAnswer): boolean {
  return (leased & Leased.attributes) !== 0;
}

function inodesIn(keys: readonly LeaseKey[]): number[] {
  return keys.filter((key) => typeof key === "number");
}
