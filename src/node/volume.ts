import { DmmapError } from "../core/error.js";
import type { Policy } from "../core/units.js";
import type { ControlOperation, ControlOperations, FileStat } from "../core/wire/control.js";
import type { PagerThread } from "../mapping/pager-thread.js";
import type { FileTokensStatus, HomeStatus } from "../observe/status.js";
import { checkChoice, checkName, checkOffset } from "./arguments.js";
import { File } from "./file.js";
import type { NodeMetrics } from "./metrics.js";
import type { NodeEvents, OpenArgs, OpenedFile } from "./node-commands.js";
import { checkPatience, type Patience, shared, within } from "./patience.js";
import { askPatiently, type PatientCall } from "./patient-calls.js";
import { VolumeTree } from "./volume-tree.js";

export interface OpenOptions extends Patience {
  /** Make the file if there is none. */
  readonly create?: boolean;
  /** With `create`: fail with DMMAP_EXISTS if there is one. One of several nodes wins. */
  readonly exclusive?: boolean;
  /** Size of a file that is made, in bytes; default 0. A file that exists keeps its size. */
  readonly size?: number;
  /** How its tokens work; chosen when it is made. Default "optimal". */
  readonly policy?: Policy;
}

export interface ListOptions extends Patience {
  /** Only names that begin with this. */
  readonly prefix?: string;
}

interface VolumeEvents {
  /** The connection broke; it is tried again, and what waits goes on waiting. */
  disconnect: [{ message: string }];
  reconnect: [];
}

/** The files of one home, as seen from this node. Made by `connect`. */
export class Volume extends VolumeTree<VolumeEvents> implements AsyncDisposable {
  /** `dmmap://HOST:PORT` */
  readonly url: string;
  readonly #thread: PagerThread;
  readonly #files = new Map<number, Set<File>>();
  #closing: Promise<void> | undefined;

  /** Use `connect`. */
  constructor(thread: PagerThread, url: string) {
    super();
    this.#thread = thread;
    this.url = url;
  }

  /**
   * Opens a file by its path under the served folder.
   *
   * @throws DMMAP_NOT_FOUND, DMMAP_EXISTS, DMMAP_BAD_NAME, DMMAP_NO_SPACE
   */
  async open(name: string, options: OpenOptions = {}): Promise<File> {
    const { create = false, exclusive = false, size, policy, ...patience } = options;
    if (exclusive && !create) throw new TypeError("exclusive goes with create: it asks that the file be made");
    const args: OpenArgs = {
      name: checkName(name, "a file's name"),
      create,
      exclusive,
      ...(size === undefined ? {} : { size: checkOffset(size, "size") }),
      ...(policy === undefined ? {} : { policy: checkChoice(policy, "policy", ["simple", "optimal"]) }),
    };
    // At once: an event that follows the answer is for this file too.
    const onAnswer = (answer: unknown) => this.#add(args.name, answer as OpenedFile);
    const onLateAnswer = (answer: unknown) => {
      const { id: file, opening } = answer as OpenedFile;
      this.#thread.post("close", { file, opening });
    };
    const call = { what: `open of ${args.name}`, method: "open", args, onAnswer, onLateAnswer };
    return (await this.#call(call, patience)) as File;
  }

  /** All files in the order of their names, or those whose name begins with `prefix`. */
  async list({ prefix, ...options }: ListOptions = {}): Promise<FileStat[]> {
    const patience = shared(options);
    const which = prefix === undefined ? {} : { prefix: checkName(prefix, "prefix") };
    const files: FileStat[] = [];
    for (;;) {
      const after = files.at(-1)?.name;
      const page = await this.ask("list", { ...which, ...(after === undefined ? {} : { after }) }, patience);
      files.push(...page.files);
      if (!page.more) return files;
    }
  }

  async stat(name: string, options: Patience = {}): Promise<FileStat> {
    return await this.ask("stat", { name: checkName(name, "a file's name") }, options);
  }

  /** Renames atomically, over an existing file too. Open files stay open, under the new name. */
  async rename(from: string, to: string, options: Patience = {}): Promise<void> {
    const names = { from: checkName(from, "a file's name"), to: checkName(to, "a file's name") };
    await this.ask("rename", names, options);
  }

  /** Removes the name. Whoever has the file open keeps it until they close it. */
  async remove(name: string, options: Patience = {}): Promise<void> {
    await this.ask("remove", { name: checkName(name, "a file's name") }, options);
  }

  /** What the home says of itself, its files and its nodes. */
  async status(options: Patience = {}): Promise<HomeStatus> {
    return (await this.ask("status", {}, options)) as HomeStatus;
  }

  /** Who holds which token on a file. */
  async tokens(name: string, options: Patience = {}): Promise<FileTokensStatus> {
    return (await this.ask("tokens", { name: checkName(name, "a file's name") }, options)) as FileTokensStatus;
  }

  /** What this node has done since it connected. */
  async metrics(): Promise<NodeMetrics> {
    return (await this.#call({ what: "metrics", method: "metrics", args: {} }, {})) as NodeMetrics;
  }

  /**
   * Closes every file, gives everything back to the home, and ends the pager thread. Who gives up on it does not keep it from
   * that; a process that ends meanwhile loses what the home has not taken, and says so.
   */
  async close(options: Patience = {}): Promise<void> {
    checkPatience(options);
    this.#closing ??= this.#close();
    await within(`close of ${this.url}`, options, this.#closing, () => this.#thread.abandonAll());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the thread's owner: something happened there. */
  onPagerEvent(event: string, value: unknown): void {
    if (event === "disconnect") {
      this.emit("disconnect", value as NodeEvents["disconnect"]);
    } else if (event === "reconnect") {
      this.emit("reconnect");
    } else {
      const { file } = value as { file: number };
      for (const open of this.#files.get(file) ?? []) open.onPagerEvent(event, value);
    }
  }

  async #close(): Promise<void> {
    for (const same of [...this.#files.values()]) for (const file of [...same]) await file.close();
    await this.#thread.close();
  }

  #add(name: string, opened: OpenedFile): File {
    const file = new File(this.#thread, this, name, opened, () => this.#forget(opened.id, file));
    const same = this.#files.get(opened.id) ?? new Set();
    this.#files.set(opened.id, same.add(file));
    return file;
  }

  #forget(id: number, file: File): void {
    const same = this.#files.get(id);
    same?.delete(file);
    if (same?.size === 0) this.#files.delete(id);
  }

  protected async ask<Op extends ControlOperation>(
    op: Op,
    args: ControlOperations[Op]["request"],
    patience: Patience,
  ): Promise<ControlOperations[Op]["reply"]> {
    return (await this.#call(
      { what: op, method: "request", args: { op, args } },
      patience,
    )) as ControlOperations[Op]["reply"];
  }

  async #call(call: PatientCall, patience: Patience): Promise<unknown> {
    if (this.#closing !== undefined) throw new DmmapError("DMMAP_CLOSED", "the volume has been closed");
    return await askPatiently(this.#thread, call, patience);
  }
}
