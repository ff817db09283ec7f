import { workerData } from "node:worker_threads";
import { ringEventFd } from "../kernel/event-fd.js";
import { NativeBuffer, threadBuffers, unmapBuffers } from "../kernel/native-buffer.js";
import { invalidateInode } from "./invalidate-inode.js";
import { type Notice, NoticeRing } from "./notice-ring.js";
import type { RingThreadSetup } from "./ring-thread.js";

/** What starts the notifier's thread, besides RingThreadSetup. */
export interface NotifierOptions {
  /** Of /dev/fuse. */
  readonly fd: number;
}

/**
 * Tells the kernel, one notice after the other. To drop pages is a write that sleeps until every page of the range has been
 * written back and dropped, for which the mount's own thread must go on answering: so it is not on that thread.
 */
function run({ ring: parts, fd, bell }: RingThreadSetup & NotifierOptions): void {
  const ring = new NoticeRing(parts);
  const buffer = new NativeBuffer(4096);
  const notice: Notice = { node: 0, offset: 0, byteLength: 0 };
  while (ring.next(notice)) {
    ring.finish(invalidateInode(fd, buffer, notice));
    ringEventFd(bell);
  }
}

run(workerData as RingThreadSetup & NotifierOptions);
unmapBuffers(threadBuffers());
