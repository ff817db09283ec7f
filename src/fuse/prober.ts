import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import type { Pager } from "../mapping/pager.js";
import { keepsFile, ProbeQuestion } from "./probe-question.js";
import type { ProberOptions } from "./prober-main.js";
import { RingThread } from "./ring-thread.js";

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
  /** Of the probe that it is at, and a NUL. */
  readonly #name = new Uint8Array(new SharedArrayBuffer(probedNameBytesMax + 1));
  readonly #thread: RingThread;
  /** What it is at, and since when. */
  running: Probe | undefined;
  since: Micros = 0;
  /** Whether it may have files open, for the next probe of them. */
  keepsFiles = false;
  #isToLetGo = false;

  constructor(pager: Pager, mountPoint: string, onIdle: () => void) {
    const options: ProberOptions = { mountPoint, probedName: this.#name };
    const script = new URL("./prober-main.js", import.meta.url);
    this.#thread = new RingThread(pager, script, "dmmap prober", options, () => {
      this.#thread.ring.takeDone((seenBytes) => this.#finish(seenBytes));
      if (this.running === undefined && this.#isToLetGo) this.letGo();
      if (this.running === undefined) onIdle();
    });
  }

  /** The Linux id of the thread; 0 until it runs. */
  get thread(): number {
    return this.#thread.ring.thread;
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
    this.#thread.ring.push({ node: probe.node, offset: probe.delayMillis, byteLength });
  }

  /** Has it close what it keeps open, as soon as it is at nothing. */
  letGo(): void {
    this.#isToLetGo = this.running !== undefined;
    if (this.#isToLetGo || !this.keepsFiles) return;
    const question = ProbeQuestion.letGo;
    this.run({ node: 0, delayMillis: 0, question, keepsFile: false, onDone: () => undefined }, nowMicros());
  }

  stop(): void {
    this.#thread.stop();
  }

  #finish(seenBytes: number): void {
    const probe = this.running;
    this.running = undefined;
    probe?.onDone(seenBytes);
  }
}
