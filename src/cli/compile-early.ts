import { setFlagsFromString } from "node:v8";

/** V8 11 and before have nothing between a baseline compiler and one that takes its time: as many bytes of bytecode run first. */
const budgetBytes = 30_000;
const lastWithoutMiddle = 11;

/**
 * For a process that does nothing but serve: its loops are compiled after a quarter of the calls that V8 of Node 20 would wait for.
 * A mount or a home needs each of its few hundred functions thousands of times, but only one or two at a time: to wait for
 * 132 KiB of bytecode in each takes ten seconds of a busy mount, at a half to a third of its speed. Before the threads are started.
 */
export function compileEarly(): void {
  if (Number.parseInt(process.versions.v8, 10) > lastWithoutMiddle) return;
  setFlagsFromString(`--interrupt-budget=${budgetBytes}`);
}
