import { say } from "../kernel/standard-error.js";
import { stallMicros } from "./fault-clock.js";
import type { NodeEvents } from "./node-commands.js";
import type { OpenFile } from "./open-files.js";

interface Stalled {
  readonly since: number;
}

/**
 * A thread in a fault cannot be told why it waits, so whoever listens is: after a second, and when it is over. When nobody
 * listens it goes to standard error, written from the pager's own thread, since the program's may be the one that sleeps.
 */
export class StallWatch {
  readonly #emit: <Name extends keyof NodeEvents>(event: Name, value: NodeEvents[Name]) => void;
  readonly #stalled = new Map<number, Stalled>();
  readonly #listening = new Set<number>();

  readonly #deadlineMicros: number;

  /** After `deadlineMicros` a thread is not kept waiting any longer, but refused. */
  constructor(
    emit: <Name extends keyof NodeEvents>(event: Name, value: NodeEvents[Name]) => void,
    deadlineMicros: number,
  ) {
    this.#emit = emit;
    this.#deadlineMicros = deadlineMicros;
  }

  listen(file: number, on: boolean): void {
    if (on) this.#listening.add(file);
    else this.#listening.delete(file);
  }

  /** @returns when to look again: Infinity when nobody waits. */
  look(files: Iterable<OpenFile>, downReason: string, now: number): number {
    let again = Number.POSITIVE_INFINITY;
    for (const open of files) {
      const { id, file } = open;
      const since = file.clock.oldest;
      const stalled = this.#stalled.get(id);
      if (stalled !== undefined && since !== stalled.since) this.#resume(id, file.name, now - stalled.since);
      if (since === Number.POSITIVE_INFINITY) continue;
      if (now - since >= this.#deadlineMicros) file.refuseWaiters(now - this.#deadlineMicros);
      const next = now - since < stallMicros ? since + stallMicros : now + stallMicros / 4;
      again = Math.min(again, next, Math.max(since + this.#deadlineMicros, now + 1000));
      if (now - since >= stallMicros && !this.#stalled.has(id)) this.#stall(open, since, downReason, now);
    }
    return again;
  }

  #stall({ id, file, isGone, goneReason }: OpenFile, since: number, downReason: string, now: number): void {
    this.#stalled.set(id, { since });
    const page = file.clock.oldestPage;
    const reason =
      downReason ||
      (isGone && goneReason) ||
      file.readFailure.reason(now) ||
      `the home has not granted page ${page} yet: ${file.tokens.describe()}`;
    const seconds = (now - since) / 1e6;
    this.#emit("stall", { file: id, page, seconds, reason });
    this.#say(id, `a fault on page ${page} of ${file.name} has waited for ${seconds.toFixed(1)} s: ${reason}`);
  }

  #resume(id: number, name: string, micros: number): void {
    this.#stalled.delete(id);
    this.#emit("resume", { file: id, seconds: micros / 1e6 });
    this.#say(id, `the fault on ${name} goes on after ${(micros / 1e6).toFixed(1)} s`);
  }

  #say(id: number, text: string): void {
    if (!this.#listening.has(id)) say(text);
  }
}
