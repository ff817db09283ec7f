import type { Fault, HookMapping, WrittenRange } from "../../src/mapping/index.js";

let slow = false;

export function noPage(fault: Fault): void {
  const page = fault.offset / 4096;
  if (page === 10) throw new TypeError("this hook is broken");
  if (page === 9) return fault.mapping.post("kept");
  fault.fill(new Uint8Array(), "read");
}

export function onMessage(_mapping: HookMapping, message: unknown): void {
  slow = message === "slow";
}

export function writePages(range: WrittenRange, bytes: Uint8Array, done: () => void): void {
  const { written } = range.mapping.data as { written: SharedArrayBuffer };
  new Int32Array(written)[0] = bytes[0];
  if (!slow) return done();
  // Time passes on the pager's thread only with events: a pipe, a socket, or this.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  done();
}
