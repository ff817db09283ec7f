import type { Fault, HookMapping, WrittenRange } from "../../src/mapping/index.js";

/** A disk in shared memory, and how often each hook was called: tests read both while the pager sleeps. */
export interface Disk {
  readonly bytes: SharedArrayBuffer;
  /** Int32Array at `Count`. */
  readonly counts: SharedArrayBuffer;
  /** What `fill` allows. */
  readonly access: "read" | "write";
  /** Faults and finished writes wait for the program's word: see `onMessage`. */
  readonly keep: boolean;
  /** So many pages are read at the fault itself, and given with the answer. Without it, the one page, at the answer. */
  readonly readAhead?: number | undefined;
}

export const Count = { noPage: 0, wpPage: 1, writePages: 2, failWrites: 3 } as const;

interface State {
  letGo: boolean;
  readonly faults: Fault[];
  readonly writes: ((error?: unknown) => void)[];
}

export type Order = "answer" | "finishWrites" | "failWrites" | "letGo";
export type Report = { readonly kind: "noPage" | "wpPage" | "writePages"; readonly offset: number };

export function start(mapping: HookMapping): void {
  mapping.state = { letGo: false, faults: [], writes: [] } satisfies State;
}

export function noPage(fault: Fault): void {
  count(fault.mapping, Count.noPage);
  take(fault, "noPage");
}

export function wpPage(fault: Fault): void {
  count(fault.mapping, Count.wpPage);
  take(fault, "wpPage");
}

export function writePages(range: WrittenRange, bytes: Uint8Array, done: (error?: unknown) => void): void {
  count(range.mapping, Count.writePages);
  const disk = range.mapping.data as Disk;
  if (new Int32Array(disk.counts)[Count.failWrites] > 0) return done(new Error("the disk is full"));
  if (range.offset < disk.bytes.byteLength) new Uint8Array(disk.bytes).set(bytes, range.offset);
  if (!keeps(range.mapping)) return done();
  (range.mapping.state as State).writes.push(done);
  range.mapping.post({ kind: "writePages", offset: range.offset } satisfies Report);
}

export function onMessage(mapping: HookMapping, message: unknown): void {
  const state = mapping.state as State;
  if (message === "letGo") state.letGo = true;
  if (message === "answer" || state.letGo) for (const fault of state.faults.splice(0)) answer(fault);
  if (message === "finishWrites" || state.letGo) for (const done of state.writes.splice(0)) done();
  if (message === "failWrites") for (const done of state.writes.splice(0)) done(new Error("the disk is full"));
}

function keeps(mapping: HookMapping): boolean {
  return (mapping.data as Disk).keep && !(mapping.state as State).letGo;
}

function take(fault: Fault, kind: "noPage" | "wpPage"): void {
  if (!keeps(fault.mapping)) return answer(fault, kind);
  (fault.mapping.state as State).faults.push(Object.assign(fault, { kind, early: readEarly(fault) }));
  fault.mapping.post({ kind, offset: fault.offset } satisfies Report);
}

function readEarly({ mapping, offset }: Fault): Uint8Array | undefined {
  const { bytes, readAhead } = mapping.data as Disk;
  return readAhead === undefined ? undefined : new Uint8Array(bytes).slice(offset, offset + readAhead * 4096);
}

function answer(fault: Fault & { kind?: string; early?: Uint8Array | undefined }, kind = fault.kind): void {
  if (kind === "wpPage") {
    fault.allowWrite();
    return;
  }
  const { bytes, access } = fault.mapping.data as Disk;
  if (fault.early !== undefined) {
    fault.fill(fault.early, access);
    return;
  }
  const length = Math.max(0, Math.min(4096, bytes.byteLength - fault.offset));
  fault.fill(length === 0 ? new Uint8Array() : new Uint8Array(bytes, fault.offset, length), access);
}

function count(mapping: HookMapping, at: number): void {
  Atomics.add(new Int32Array((mapping.data as Disk).counts), at, 1);
}
