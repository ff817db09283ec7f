import { Worker } from "node:worker_threads";
import { Ready } from "../kernel/epoll.js";
import { createEventFd } from "../kernel/event-fd.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { Pager } from "../mapping/pager.js";
import { invalidateInode } from "./invalidate-inode.js";
import { type Notice, NoticeRing } from "./notice-ring.js";
import type { NotifierSetup } from "./notifier-main.js";
import { Notify, outHeaderBytes } from "./protocol.js";

let buffer: NativeBuffer | undefined;
function scratch(): NativeBuffer {
  buffer ??= new NativeBuffer(4096);
  return buffer;
}

/** Has the kernel told what it is to drop, by a thread of its own, and calls back on the pager's thread when it has. */
export class Notifier {
  readonly #ring = new NoticeRing();
  readonly #fd: number;
  readonly #bell = createEventFd();
  readonly #worker: Worker;
  readonly #callbacks: ((errno: number) => void)[] = [];
  readonly #unsent: Notice[] = [];

  /** `fd`: /dev/fuse. Call this before the loop runs. */
  constructor(pager: Pager, fd: number) {
    this.#fd = fd;
    const workerData: NotifierSetup = { ring: this.#ring.parts, fd, bell: this.#bell };
    this.#worker = new Worker(new URL("./notifier-main.js", import.meta.url), { workerData, name: "dmmap notifier" });
    this.#worker.unref();
    pager.watch(this.#bell, Ready.in + Ready.edge, () => this.#onBell());
  }

  /** Drops pages of an inode from the kernel's cache, dirty ones written first. Bytes; `byteLength` 0 is to the end. */
  invalidate(node: number, offset: number, byteLength: number, onDone: () => void): void {
    this.#tell({ node, offset, byteLength }, onDone);
  }

  /** The kernel asks for the inode's attributes when it needs them next. */
  invalidateAttributes(node: number, onDone: (errno: number) => void): void {
    this.#tell({ node, offset: -1, byteLength: 0 }, onDone);
  }

  /**
   * The kernel does not believe what it is answered about the inode to questions that it has asked already (its attr_version,
   * fs/fuse/inode.c; from Linux 5.10 on). By this very thread: the kernel only counts.
   */
  outdateAttributes(node: number): void {
    invalidateInode(this.#fd, scratch(), { node, offset: -1, byteLength: 0 });
  }

  /** The kernel looks up every name again. By this very thread: the kernel only counts. */
  forgetNames(): void {
    const header = scratch();
    header.uint32[0] = outHeaderBytes;
    header.int32[1] = Notify.incrementEpoch;
    header.setUint64(8, 0);
    libc.write(this.#fd, header.address, outHeaderBytes);
  }

  /** The thread ends by itself, and is waited for: one that is ended while it still loads its system calls ends the process. */
  stop(): void {
    this.#worker.ref();
    this.#ring.stop();
  }

  #tell(notice: Notice, onDone: (errno: number) => void): void {
    this.#callbacks.push(onDone);
    if (this.#unsent.length > 0 || !this.#ring.push(notice)) this.#unsent.push(notice);
  }

  #onBell(): void {
    this.#ring.takeDone((errno) => this.#callbacks.shift()?.(errno));
    while (this.#unsent.length > 0 && this.#ring.push(this.#unsent[0])) this.#unsent.shift();
  }
}
