import type { Micros } from "../core/units.js";
import type { Attributes } from "../core/wire/attributes.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";
import { answerBuffer } from "./answer-buffer.js";
import { putAttributesAnswer, putEntry, type Validity } from "./entry-codec.js";
import type { Leases } from "./leases.js";
import type { MountFiles } from "./mount-files.js";
import type { Nodes } from "./nodes.js";
import type { Notifier } from "./notifier.js";
import type { Request } from "./request.js";

const none: Validity = { name: 0, attributes: 0 };
/** Within so long the kernel asks for the attributes of what it has made, on behalf of the same open(2). */
const sameCallMicros = 10_000;

/** What a thread has made, and opened for writing. */
interface Created {
  readonly thread: number;
  readonly attributes: Attributes;
  readonly until: Micros;
}

/** Answers about inodes: what the home says, and what this mount knows better, being the one that writes. */
export class InodeAnswers {
  readonly #nodes: Nodes;
  readonly #files: MountFiles;
  readonly #leases: Leases;
  readonly #notifier: Notifier;
  #created: Created | undefined;

  constructor(nodes: Nodes, files: MountFiles, leases: Leases, notifier: Notifier) {
    this.#notifier = notifier;
    this.#leases = leases;
    this.#nodes = nodes;
    this.#files = files;
  }

  /** Answers a question. */
  attributes(request: Request, attributes: Attributes): void {
    this.#attributes(request, this.current(attributes), {
      name: 0,
      attributes: this.#attributesMicros(attributes.inode),
    });
  }

  /** Answers a change. */
  changed(request: Request, attributes: Attributes): void {
    this.#attributes(request, this.current(attributes), none);
  }

  /** Of what the home does not find any more, and a program here works with: as it was, without a name. */
  nameless(request: Request, inode: number): void {
    const attributes = this.#nodes.lastSeen(inode);
    if (attributes === undefined) request.fail(Errno.ESTALE);
    else this.#attributes(request, { ...attributes, links: 0 }, none);
  }

  /**
   * CREATE is about to be answered, with attributes that have no validity as long as the file is open for writing: so the kernel
   * asks for them at once, to see whether the same open(2) may open the file (may_open in fs/namei.c).
   */
  created({ thread }: Request, attributes: Attributes): void {
    this.#created = thread === 0 ? undefined : { thread, attributes, until: nowMicros() + sameCallMicros };
  }

  /**
   * If this GETATTR is that question, which comes once: what CREATE was told. It is one call, and one answer of the home: who made
   * the file is not to hear by this that another host has removed it since, upon which open(2) would begin anew, and find itself late.
   */
  createdBy({ thread }: Request, inode: number): Attributes | undefined {
    const created = this.#created;
    if (created?.thread !== thread || created.attributes.inode !== inode) return undefined;
    this.#created = undefined;
    return nowMicros() < created.until ? created.attributes : undefined;
  }

  /** Answers a question so that the kernel keeps to what it knows. The size is for kernels that believe it all the same. */
  unbelieved(request: Request, inode: number): void {
    const attributes = this.#nodes.lastSeen(inode);
    if (attributes === undefined) return request.fail(Errno.ESTALE);
    const shownBytes = this.#files.find(inode)?.shownBytes ?? -1;
    this.#notifier.outdateAttributes(request.node);
    this.#attributes(request, shownBytes < 0 ? attributes : { ...attributes, size: shownBytes }, none);
  }

  /** Answers with the size as it is, whatever the kernel knows. */
  resized(request: Request, attributes: Attributes): void {
    const file = this.#files.find(attributes.inode);
    if (file !== undefined) {
      file.shownBytes = file.file.cache.sizeBytes;
      file.sizeThread = request.thread;
    }
    this.changed(request, attributes);
  }

  /** Answers a question: the kernel is told of a name and what it leads to; it will forget that some time. */
  entry(request: Request, parent: number, name: string, attributes: Attributes): void {
    const out = answerBuffer();
    const validity = {
      name: this.#nameMicros(parent, name, attributes.inode),
      attributes: this.#attributesMicros(attributes.inode),
    };
    request.data(out.address, this.#entry(out, parent, name, attributes, validity));
  }

  /** Answers a question for a name that leads nowhere. */
  absent(request: Request, parent: number, name: string): void {
    const micros = Math.min(this.#leases.absentMicros(parent, name), this.#leases.kernel.nameMicros());
    if (micros <= 0) return request.fail(Errno.ENOENT);
    const out = answerBuffer();
    request.data(out.address, putEntry(out, 0, 0, undefined, { name: micros, attributes: 0 }));
  }

  /** Answers a request that made the name. */
  made(request: Request, parent: number, name: string, attributes: Attributes): void {
    const out = answerBuffer();
    request.data(out.address, this.putMade(out, parent, name, attributes));
  }

  /** Writes such an answer, or the first part of one. @returns its length. */
  putMade(to: NativeBuffer, parent: number, name: string, attributes: Attributes): number {
    const validity = { name: this.#nameMicros(parent, name, attributes.inode), attributes: 0 };
    return this.#entry(to, parent, name, attributes, validity);
  }

  #attributes(request: Request, attributes: Attributes, validity: Validity): void {
    if (this.#nodes.isOther(request.node, attributes)) return request.fail(Errno.ESTALE);
    const out = answerBuffer();
    request.data(out.address, putAttributesAnswer(out, request.node, attributes, validity));
  }

  #entry(to: NativeBuffer, parent: number, name: string, attributes: Attributes, validity: Validity): number {
    const id = this.#nodes.remember(attributes, parent, name);
    return putEntry(to, 0, id, this.current(attributes), validity);
  }

  /** By now: the lease may have been called back since the home answered. */
  #attributesMicros(inode: number): Micros {
    const isStable = this.#files.find(inode)?.isStable !== false;
    return isStable && this.#leases.attributesOf(inode) !== undefined ? this.#leases.kernel.attributesMicros(inode) : 0;
  }

  #nameMicros(parent: number, name: string, inode: number): Micros {
    return this.#leases.inodeOf(parent, name) === inode ? this.#leases.kernel.nameMicros() : 0;
  }

  /** Of a file that this mount has open, the size as the kernel knows it: see KernelSizes. */
  current(attributes: Attributes): Attributes {
    this.#nodes.saw(attributes);
    const file = this.#files.find(attributes.inode);
    // A number is used again once its file is gone for good, which this mount may hear of last.
    if (file === undefined || file.open.isGone || attributes.kind !== "file") {
      this.#nodes.told(attributes.inode, attributes.size);
      return attributes;
    }
    if (file.shownBytes < 0) file.shownBytes = file.file.cache.sizeBytes;
    return { ...attributes, size: file.shownBytes };
  }
}
