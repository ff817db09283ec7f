import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { Pager } from "../mapping/pager.js";
import { invalidateInode } from "./invalidate-inode.js";
import type { Notice } from "./notice-ring.js";
import type { NotifierOptions } from "./notifier-main.js";
import { Notify, outHeaderBytes } from "./protocol.js";
import { RingThread } from "./ring-thread.js";

let buffer: NativeBuffer | undefined;
function scratch(): NativeBuffer {
  buffer ??= new NativeBuffer(4096);
  return buffer;
}

/** Has the kernel told what it is to drop, by a thread of its own, and calls back on the pager's thread when it has. */
export class Notifier {
  readonly #fd: number;
  readonly #thread: RingThread;
  readonly #callbacks: ((errno: number) => void)[] = [];
  readonly #unsent: Notice[] = [];

  /** `fd`: /dev/fuse. Call this before the loop runs. */
  constructor(pager: Pager, fd: number) {
    this.#fd = fd;
    const script = new URL("./notifier-main.js", import.meta.url);
    const options: NotifierOptions = { fd };
    this.#thread = new RingThread(pager, script, "dmmap notifier", options, () => this.#onBell());
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

  stop(): void {
    this.#thread.stop();
  }

  #tell(notice: Notice, onDone: (errno: number) => void): void {
    this.#callbacks.push(onDone);
    if (this.#unsent.length > 0 || !this.#thread.ring.push(notice)) this.#unsent.push(notice);
  }

  #onBell(): void {
    const { ring } = this.#thread;
    ring.takeDone((errno) => this.#callbacks.shift()?.(errno));
    while (this.#unsent.length > 0 && ring.push(this.#unsent[0])) this.#unsent.shift();
  }
}
