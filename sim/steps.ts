import { Mode } from "../src/core/units.js";
import type { Step } from "./explore.js";

export const load = (page: number): Step => ({ kind: "load", word: page * 2 });
/** The value is the place of the store: which node, and which of its stores. */
export const store = (page: number, value: number): Step => ({ kind: "store", word: page * 2, value });
export const evict = (page: number): Step => ({ kind: "evict", start: page, end: page + 1 });
export const giveBack = (page: number): Step => ({ kind: "giveBack", start: page, end: page + 1 });
export const hold = (mode: Mode, start: number, end: number): Step => ({ kind: "hold", mode, start, end });
export const prefetch = (start: number, end: number): Step => ({ kind: "prefetch", mode: Mode.read, start, end });
export const truncate = (pages: number): Step => ({ kind: "truncate", sizeBytes: pages * 4096 });
export const sync: Step = { kind: "sync" };
export const unhold: Step = { kind: "unhold" };
export const close: Step = { kind: "close" };
export const crash: Step = { kind: "crash" };
export const cut: Step = { kind: "cut" };
export const back: Step = { kind: "back" };

export const flush: Step = { kind: "flush" };
