import type { Recovery } from "../core/home/recovery.js";
import { pageMax } from "../core/units.js";
import type { SyncDone } from "../store/store.js";
import type { OpenFile } from "./open-file.js";

export type SettlingRecovery = Pick<Recovery, "isOpen" | "park" | "beginSettling">;

export interface SettlingPort {
  sync(open: OpenFile, done: SyncDone): void;
  /** Whether nobody can ever see what was stored to it: it has no name, and nobody has it open. */
  isGone(open: OpenFile): boolean;
  /** All that was stored to it is on stable storage, or gone. */
  onSettled(open: OpenFile): void;
  /** For people. */
  onWarning(message: string): void;
}

/** Puts on stable storage, of the home's own accord, what those had stored who have left and answer for nothing any more (R20). */
export class Settling {
  readonly #recovery: SettlingRecovery;
  readonly #port: SettlingPort;
  /** What the disk would not take, and what to call when it has. */
  readonly #failed = new Map<OpenFile, () => void>();
  readonly #warned = new Set<OpenFile>();

  constructor(recovery: SettlingRecovery, port: SettlingPort) {
    this.#recovery = recovery;
    this.#port = port;
  }

  settle(open: OpenFile): void {
    const end = this.#failed.get(open) ?? this.#recovery.beginSettling();
    this.#failed.delete(open);
    const attempt = () => this.#attempt(open, end);
    // As for any sync: what is synced is not safe while nodes still come back.
    if (this.#recovery.isOpen) this.#recovery.park(attempt);
    else attempt();
  }

  /** Call it every now and then: a disk that was full may have room. */
  retry(): void {
    const failed = [...this.#failed];
    this.#failed.clear();
    for (const [open, end] of failed) this.#attempt(open, end);
  }

  get isFailing(): boolean {
    return this.#failed.size > 0;
  }

  /** One that is gone needs no sync: the disk may refuse it for want of the very room that the file takes, until it is closed. */
  #attempt(open: OpenFile, end: () => void): void {
    const onSynced: SyncDone = (error) => {
      if (error === undefined) this.#succeed(open, end, "is on the disk now");
      else this.#fail(open, end, error.message);
    };
    if (!open.duties.isUnstable(0, pageMax)) onSynced(undefined);
    else if (this.#port.isGone(open)) this.#succeed(open, end, "is gone with it");
    else this.#port.sync(open, onSynced);
  }

  #succeed(open: OpenFile, end: () => void, what: string): void {
    end();
    if (this.#warned.delete(open)) this.#port.onWarning(`what was stored to ${open.name} ${what}`);
    this.#port.onSettled(open);
  }

  #fail(open: OpenFile, end: () => void, reason: string): void {
    if (this.#failed.has(open))
      end(); // It is tried again for both.
    else this.#failed.set(open, end);
    if (this.#warned.has(open)) return;
    this.#warned.add(open);
    this.#port.onWarning(`what nodes that have left had stored to ${open.name} is not on the disk yet: ${reason}`);
  }
}
