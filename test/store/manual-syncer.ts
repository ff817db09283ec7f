import { createEventFd } from "../../src/kernel/event-fd.js";
import type { SyncRequest, SyncResult } from "../../src/store/sync-thread.js";
import type { Syncer } from "../../src/store/syncer.js";

/** A disk whose syncs end when the test says so, and how it says. */
export class ManualSyncer implements Syncer {
  readonly wakeFd = createEventFd();
  readonly started: SyncRequest[] = [];
  readonly #results: SyncResult[] = [];

  start(request: SyncRequest): void {
    this.started.push(request);
  }

  end(index: number, errnos: { fileErrno?: number; folderErrno?: number } = {}): void {
    this.#results.push({ sync: this.started[index].sync, fileErrno: 0, folderErrno: 0, ...errnos });
  }

  take(): SyncResult | undefined {
    return this.#results.shift();
  }

  close(): void {
    // Nothing runs.
  }
}
