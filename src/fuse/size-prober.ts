import { Worker } from "node:worker_threads";
import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { Ready } from "../kernel/epoll.js";
import { createEventFd } from "../kernel/event-fd.js";
import type { Pager } from "../mapping/pager.js";
import { NoticeRing } from "./notice-ring.js";
import type { SizeProberSetup } from "./size-prober-main.js";
import { keepsFile, SizeQuestion } from "./size-question.js";

/** One probe of a file's size. */
export interface SizeProbe {
  /** FUSE's number for the inode. */
  readonly node: number;
  /** How long to wait before. */
  readonly delayMillis: number;
  readonly question: SizeQuestion;
  /** See `keepsFile`. */
  readonly keepsFile: boolean;
  /** Gets the size that the kernel knows then; negative when it cannot be told. */
  readonly onDone: (seenBytes: number) => void;
}

/** A thread that brings sizes home, one at a time. */
export class SizeProber {
  readonly #ring = new NoticeRing();
  readonly #bell = createEventFd();
  readonly #worker: Worker;
  /** What it is at, and since when. */
  running: SizeProbe | undefined;
  since: Micros = 0;
  /** Whether it may have files open, for the next probe of them. */
  keepsFiles = false;
  #isToLetGo = false;

  constructor(pager: Pager, mountPoint: string, onIdle: () => void) {
    const workerData: SizeProberSetup = { ring: this.#ring.parts, mountPoint, bell: this.#bell };
    this.#worker = new Worker(new URL("./size-prober-main.js", import.meta.url), { workerData, name: "dmmap sizes" });
    this.#worker.unref();
    pager.watch(this.#bell, Ready.in + Ready.edge, () => {
      this.#ring.takeDone((seenBytes) => this.#finish(seenBytes));
      if (this.running === undefined && this.#isToLetGo) this.letGo();
      if (this.running === undefined) onIdle();
    });
  }

  /** The Linux id of the thread; 0 until it runs. */
  get thread(): number {
    return this.#ring.thread;
  }

  /** Only when it is at nothing. */
  run(probe: SizeProbe, now: Micros): void {
    this.running = probe;
    this.since = now;
    this.keepsFiles = probe.question !== SizeQuestion.letGo && (this.keepsFiles || probe.keepsFile);
    const byteLength = probe.question + (probe.keepsFile ? keepsFile : 0);
    this.#ring.push({ node: probe.node, offset: probe.delayMillis, byteLength });
  }

  /** Has it close what it keeps open, as soon as it is at nothing. */
  letGo(): void {
    this.#isToLetGo = this.running !== undefined;
    if (this.#isToLetGo || !this.keepsFiles) return;
    const question = SizeQuestion.letGo;
    this.run({ node: 0, delayMillis: 0, question, keepsFile: false, onDone: () => undefined }, nowMicros());
  }

  /** The thread ends by itself, and is waited for: one that is ended while it still loads its system calls ends the process. */
  stop(): void {
    this.#worker.ref();
    this.#ring.stop();
  }

  #finish(seenBytes: number): void {
    const probe = this.running;
    this.running = undefined;
    probe?.onDone(seenBytes);
  }
}
