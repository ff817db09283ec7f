import type { Attributes, Time } from "../core/wire/attributes.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";
import { answerBuffer } from "./answer-buffer.js";
import { putAttributesAnswer, putEntry, type Validity } from "./entry-codec.js";
import type { MountFiles } from "./mount-files.js";
import type { Nodes } from "./nodes.js";
import type { Privileges } from "./privileges.js";
import type { Request } from "./request.js";

/** The kernel asks again at every use: what it is told is as fresh as the home's answer. */
export const validity: Validity = { name: 0, attributes: 0 };

/** Answers about inodes: what the home says, and what this mount knows better, being the one that writes. */
export class InodeAnswers {
  readonly #nodes: Nodes;
  readonly #files: MountFiles;
  readonly #privileges: Privileges;

  constructor(nodes: Nodes, files: MountFiles, privileges: Privileges) {
    this.#nodes = nodes;
    this.#files = files;
    this.#privileges = privileges;
  }

  attributes(request: Request, attributes: Attributes): void {
    this.exactly(request, this.current(attributes));
  }

  exactly(request: Request, attributes: Attributes): void {
    const out = answerBuffer();
    request.data(out.address, putAttributesAnswer(out, request.node, attributes, validity));
  }

  /** The kernel is told of a name and what it leads to; it will forget that some time. */
  entry(request: Request, parent: number, name: string, attributes: Attributes): void {
    const out = answerBuffer();
    request.data(out.address, this.putEntry(out, 0, parent, name, attributes));
  }

  /** Writes such an answer, or the part of one. @returns its length. */
  putEntry(to: NativeBuffer, at: number, parent: number, name: string, attributes: Attributes): number {
    const id = this.#nodes.remember(attributes.inode, parent, name);
    return putEntry(to, at, id, this.current(attributes), validity);
  }

  /**
   * Of a file that this mount has open, the size as the kernel knows it (see KernelSizes), and times of stores that may not have
   * reached the home yet.
   */
  current(attributes: Attributes): Attributes {
    this.#privileges.saw(attributes);
    const file = this.#files.find(attributes.inode);
    if (file === undefined) return attributes;
    const size = file.shownBytes >= 0 ? file.shownBytes : file.file.cache.sizeBytes;
    const { modifiedMillis } = file;
    if (modifiedMillis === 0) return { ...attributes, size };
    const written: Time = [Math.floor(modifiedMillis / 1000), (modifiedMillis % 1000) * 1e6];
    return { ...attributes, size, mtime: later(attributes.mtime, written), ctime: later(attributes.ctime, written) };
  }
}

function later(one: Time, other: Time): Time {
  return one[0] > other[0] || (one[0] === other[0] && one[1] >= other[1]) ? one : other;
}
