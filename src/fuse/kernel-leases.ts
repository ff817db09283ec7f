import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import type { NodeIds } from "./node-ids.js";
import type { Notifier } from "./notifier.js";

/**
 * What has changed may soon change again: so the kernel asks, and need not be told to forget, until it has asked so often since
 * the last change. To tell it costs about as much as so many questions.
 */
const questionsMin = 4;
const changedMax = 4096;

/** What `KernelLeases` needs of the mount. */
export interface KernelLeasesMount {
  readonly ids: NodeIds;
  /** One that never waits for pages. */
  readonly notifier: Notifier;
  /** Until when this node may go by what it was told. */
  until(): Micros;
  /** Whether the kernel can be told to look all names up again (Linux 6.16). */
  mayForgetNames(): boolean;
}

/**
 * What the kernel may go by without asking this mount: attributes of inodes, and names. Always for less long than this node's
 * lease lasts: so a mount that is stopped, or dead, does not keep its kernel believing what others change meanwhile.
 *
 * The kernel takes an answer into account some time after it was given. Attributes that were asked for before a notice are
 * thrown away (attr_version in fs/fuse/inode.c), names that were asked for before it are looked up again (epoch in
 * fs/fuse/dir.c). That does not hold for attributes in the answers to requests that change something, nor for names in
 * READDIRPLUS: so the former have no validity, and the latter is not asked for.
 */
export class KernelLeases {
  readonly #mount: KernelLeasesMount;
  readonly #inodes = new Set<number>();
  /** Of what has changed: how many more questions are answered for that moment only. */
  readonly #changed = new Map<number, number>();
  #hasNames = false;
  #isEnded = false;

  constructor(mount: KernelLeasesMount) {
    this.#mount = mount;
  }

  /** For how long the kernel may go by attributes that it is told now. */
  attributesMicros(inode: number): Micros {
    const micros = this.#mount.until() - nowMicros();
    const questions = this.#changed.get(inode) ?? 0;
    if (questions > 0) this.#changed.set(inode, questions - 1);
    if (micros <= 0 || questions > 0) return 0;
    this.#changed.delete(inode);
    this.#inodes.add(inode);
    return micros;
  }

  nameMicros(): Micros {
    const micros = this.#mount.until() - nowMicros();
    if (micros <= 0 || !this.#mount.mayForgetNames()) return 0;
    this.#hasNames = true;
    return micros;
  }

  /** Calls `done` when the kernel has no attributes of these that it does not ask for: mostly at once. */
  forget(inodes: readonly number[], done: () => void): void {
    if (this.#changed.size > changedMax) this.#changed.clear();
    let waiting = 1;
    const onTold = () => {
      waiting--;
      if (waiting === 0) done();
    };
    for (const inode of inodes) {
      this.#changed.set(inode, questionsMin);
      if (!this.#inodes.delete(inode)) continue;
      waiting++;
      this.#tell(inode, onTold);
    }
    onTold();
  }

  /**
   * The kernel looks every name up again. It is told so at once and by this thread: that waits for nobody. To tell it about one
   * name would wait for the folder's lock:
   *
   * 1. A program here unlinks a name in a folder: its kernel has locked it, and the home asks another mount to forget the name.
   * 2. A program there does the same in the same folder, and its request is on its way.
   * 3. Each mount would wait for its own kernel's lock before it acknowledges, and so for the other's request, for ever.
   */
  forgetNames(): void {
    if (!this.#hasNames) return;
    this.#hasNames = false;
    this.#mount.notifier.forgetNames();
  }

  forgetAll(done: () => void): void {
    this.forgetNames();
    this.forget([...this.#inodes], done);
  }

  /** The mount is gone, and with it all that the kernel had. */
  onUnmounted(): void {
    this.#isEnded = true;
  }

  /** ENOENT, though the kernel has been told of the inode and has not forgotten it: it is about to learn it, with what it was told. */
  #tell(inode: number, onTold: () => void): void {
    const { ids, notifier } = this.#mount;
    const id = ids.idOf(inode);
    if (id === undefined || this.#isEnded) return onTold();
    notifier.invalidateAttributes(id, (errno) => {
      if (errno === Errno.ENOENT) this.#tell(inode, onTold);
      else onTold();
    });
  }
}
