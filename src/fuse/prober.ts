import { Worker } from "node:worker_threads";
import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { Ready } from "../kernel/epoll.js";
import { createEventFd } from "../kernel/event-fd.js";
import type { Pager } from "../mapping/pager.js";
import { NoticeRing } from "./notice-ring.js";
import { keepsFile, ProbeQuestion } from "./probe-question.js";
import type { ProberSetup } from "./prober-main.js";

/** A name is not longer than this. Bytes. */
export const probedNameBytesMax = 1023;

/** One question to the kernel, about a file's size or a name. */
export interface Probe {
  /** FUSE's number for the inode. */
  readonly node: number;
  /** How long to wait before. */
  readonly delayMillis: number;
  readonly question: ProbeQuestion;
  /** For `lookUp`: the bytes of the name in the folder `node`, not more than `probedNameBytesMax`. */
  readonly name?: Uint8Array;
  /** See `keepsFile`. */
  readonly keepsFile: boolean;
  /** Gets the size that the kernel knows then; negative when it cannot be told, and for a name the errno. */
  readonly onDone: (seenBytes: number) => void;
}

/** A thread that asks the kernel, one question at a time. */
export class Prober {
  readonly #ring = new NoticeRing();
  readonly #bell = createEventFd();
  /** Of the probe that it is at, and a NUL. */
  readonly #name = new Uint8Array(new SharedArrayBuffer(probedNameBytesMax + 1));
  readonly #worker: Worker;
  /** What it is at, and since when. */
  running: Probe | undefined;
  since: Micros = 0;
  /** Whether it may have files open, for the next probe of them. */
  keepsFiles = false;
  #isToLetGo = false;

  constructor(pager: Pager, mountPoint: string, onIdle: () => void) {
    const workerData: ProberSetup = { ring: this.#ring.parts, mountPoint, bell: this.#bell, name: this.#name };
    this.#worker = new Worker(new URL("./prober-main.js", import.meta.url), { workerData, name: "dmmap prober" });
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

  /** Whether its thread runs, and is at nothing. */
  get isIdle(): boolean {
    return this.thread !== 0 && this.running === undefined;
  }

  /** Only when it is at nothing. */
  run(probe: Probe, now: Micros): void {
    this.running = probe;
    this.since = now;
    this.keepsFiles = probe.question !== ProbeQuestion.letGo && (this.keepsFiles || probe.keepsFile);
    const { name = new Uint8Array(0) } = probe;
    this.#name.set(name);
    this.#name[name.length] = 0;
    const byteLength = probe.question + (probe.keepsFile ? keepsFile : 0);
    this.#ring.push({ node: probe.node, offset: probe.delayMillis, byteLength });
  }

  /** Has it close what it keeps open, as soon as it is at nothing. */
  letGo(): void {
    this.#isToLetGo = this.running !== undefined;
    if (this.#isToLetGo || !this.keepsFiles) return;
    const question = ProbeQuestion.letGo;
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
