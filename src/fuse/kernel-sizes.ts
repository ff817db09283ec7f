import { pageAt } from "../core/units.js";
import type { Attributes } from "../core/wire/attributes.js";
import type { InodeAnswers } from "./inode-answers.js";
import type { MountFile } from "./mount-file.js";
import type { MountFiles } from "./mount-files.js";
import type { NodeIds } from "./node-ids.js";
import type { Request } from "./request.js";
import type { SizeProbes } from "./size-probes.js";

/**
 * Has the kernel learn the sizes of open files that other nodes change. Any answer with attributes in it carries a size; but
 *
 * - one that crosses with a notice for the same inode is thrown away, and a read that relied on it ends too early;
 * - one that changes the size, when the kernel comes to it, makes it zero what it has cached behind that size: which by then
 *   may be data, since the file has grown on.
 *
 * So answers carry the size that the kernel knows. A new one is brought home to it first, by a thread that stats the inode
 * until the kernel says so; then the kernel drops the page with that end in it.
 */
export class KernelSizes {
  readonly #files: MountFiles;
  readonly #ids: NodeIds;
  readonly #answers: InodeAnswers;
  readonly #probes: SizeProbes;
  readonly #probed = new Map<MountFile, { readonly attributes: Attributes; readonly waiters: (() => void)[] }>();

  constructor(files: MountFiles, ids: NodeIds, answers: InodeAnswers, probes: SizeProbes) {
    this.#files = files;
    this.#ids = ids;
    this.#answers = answers;
    this.#probes = probes;
  }

  /** Calls `then` when the kernel knows the size that the file of these attributes has by now. */
  settle({ ...attributes }: Attributes, then: () => void): void {
    const file = this.#files.find(attributes.inode);
    const id = this.#ids.idOf(attributes.inode);
    if (file === undefined || id === undefined || file.shownBytes === file.file.cache.sizeBytes) return then();
    const running = this.#probed.get(file);
    if (running !== undefined) {
      running.waiters.push(() => this.settle(attributes, then));
      return;
    }
    const size = file.file.cache.sizeBytes;
    const waiters = [then];
    this.#probed.set(file, { attributes: { ...attributes, size }, waiters });
    this.#probes.probe(id, size, () => {
      this.#probed.delete(file);
      file.shownBytes = size;
      const page = pageAt(size);
      file.whenDropped(page, page + 1, () => {
        for (const waiter of waiters) waiter();
      });
    });
  }

  /** Answers a GETATTR of the thread that brings sizes home. @returns whether it was one. */
  answersProbe(request: Request, inode: number): boolean {
    if (request.thread === 0 || request.thread !== this.#probes.thread) return false;
    const file = this.#files.find(inode);
    const probed = file === undefined ? undefined : this.#probed.get(file);
    if (probed === undefined) return false;
    this.#answers.exactly(request, probed.attributes);
    return true;
  }
}
