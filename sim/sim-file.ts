import type { DirectoryPort } from "../src/core/home/directory-port.js";
import { Duties, type StableDuties } from "../src/core/home/duties.js";
import { FileDirectory } from "../src/core/home/file-directory.js";
import { Mode, type NodeId, type PageIndex, type Policy, pageEndAt } from "../src/core/units.js";
import type { ToHome, ToNode } from "./message.js";
import type { SimDisk } from "./sim-disk.js";
import type { SimSession } from "./sim-home.js";
import { requireTrue } from "./violation.js";

/** Words to a page of the model: enough to have an end of file in the middle of a page. */
export const wordsPerPage = 2;
export const wordBytes = 4096 / wordsPerPage;

interface Stream {
  readonly request: number;
  readonly epoch: number;
  next: PageIndex;
  end: PageIndex;
}

/** Messages that concern a file, and what it holds. */
export type FileMessage = Exclude<
  ToHome,
  { type: "hello" | "open" | "openMore" | "close" | "ping" | "claimed" | "recovered" | "sync" }
>;

/** What a simulated file needs of its world. */
export interface FileWorld {
  send(node: NodeId, message: ToNode): void;
  /** The file's content has just been cut or extended to this size. */
  onSize(sizeBytes: number): void;
  /** Whether the store refuses the next change of size, or cannot read the next page. */
  refusesSize(): boolean;
  failsRead(): boolean;
}

/** The shell of an open file at its home, reduced: the shipped directory and duties, a file of numbers on a simulated disk. */
export class SimFile implements DirectoryPort {
  readonly directory: FileDirectory;
  readonly duties: Duties;
  /** One that is closed by everybody, and opened once more, has another. */
  readonly number: number;
  readonly #world: FileWorld;
  readonly #disk: SimDisk;
  readonly #chunkPages: number;
  readonly #streams = new Map<NodeId, Stream[]>();

  constructor(
    world: FileWorld,
    disk: SimDisk,
    number: number,
    options: { policy: Policy; chunkPages: number; recovering: boolean; stable: StableDuties },
  ) {
    this.#world = world;
    this.#disk = disk;
    this.number = number;
    this.#chunkPages = options.chunkPages;
    this.directory = new FileDirectory(this, { ...options, sizeBytes: disk.sizeBytes });
    this.duties = new Duties(options.stable, options.recovering);
  }

  get sizeBytes(): number {
    return this.#disk.sizeBytes;
  }

  endRecovery(): void {
    this.duties.endRecovery();
    this.directory.endRecovery();
  }

  streamCount(node: NodeId): number {
    return this.#streams.get(node)?.length ?? 0;
  }

  describeStreams(node: NodeId): string {
    return (this.#streams.get(node) ?? [])
      .map(({ next, end, epoch, request }) => `${next}..${end} @${epoch} #${request}`)
      .join(",");
  }

  receive({ id, node, isRecovering }: SimSession, message: FileMessage): void {
    const { directory, duties } = this;
    switch (message.type) {
      case "acquire": {
        const { request, mode, needStart, needEnd, wantStart, wantEnd, windowEnd, needsData, isUrgent } = message;
        return directory.acquire(
          node,
          request,
          mode,
          needStart,
          needEnd,
          wantStart,
          wantEnd,
          windowEnd,
          needsData,
          isUrgent,
        );
      }
      case "fetch":
        requireTrue(directory.mayFetch(node, message.start, message.end), "an honest node's fetch is never refused");
        return this.#answerFetch(node, message.request, message.start, message.end, message.epoch);
      case "release":
        if (message.mode === Mode.none) this.#cut(node, message.start, message.end);
        duties.heard(id, message.duty);
        return directory.release(node, message.mode, message.start, message.end, message.epoch);
      case "write":
        requireTrue(
          directory.mayWrite(node, message.page, message.page + 1),
          "an honest node's write-back is never refused",
        );
        this.#disk.write(message.page, message.words);
        return duties.onWrite(id, message.duty, message.page, message.page + 1);
      case "truncate":
        return directory.truncate(node, message.request, message.sizeBytes);
      case "resized":
        return directory.resized(node, message.epoch);
      case "restore": {
        const { page, version, duty, words } = message;
        const isWanted = isRecovering
          ? duties.mayRestore(id, page, version, duty)
          : duties.mayResend(id, duty) && directory.mayWrite(node, page, page + 1);
        if (!isWanted) return;
        this.#disk.write(page, words);
        return duties.onRestored(page, version);
      }
      case "claim": {
        const { mode, start, end, epoch } = message;
        return requireTrue(directory.claim(node, mode, start, end, epoch), "within its lease, a node loses nothing");
      }
    }
  }

  leave(node: NodeId): void {
    this.#streams.delete(node);
    this.directory.close(node);
  }

  disconnected(node: NodeId): void {
    this.#streams.delete(node);
    this.directory.disconnected(node);
  }

  /** The next piece of an answer is read now, whatever was sent meanwhile. */
  stream(node: NodeId): void {
    const streams = this.#streams.get(node);
    const stream = streams?.[0];
    if (streams === undefined || stream === undefined) return;
    if (this.#world.failsRead()) {
      streams.shift();
      return this.#world.send(node, { type: "failure", request: stream.request });
    }
    const { next: dataStart, end, request, epoch } = stream;
    const dataEnd = Math.min(end, dataStart + this.#chunkPages);
    stream.next = dataEnd;
    if (dataEnd === end) streams.shift();
    const words = this.#read(dataStart, dataEnd);
    const unstable = this.duties.isUnstable(dataStart, dataEnd);
    this.#world.send(node, { type: "data", request, epoch, dataStart, dataEnd, words, unstable, more: dataEnd < end });
  }

  grant(
    node: NodeId,
    request: number,
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    epoch: number,
    dataStart: PageIndex,
    dataEndAsked: PageIndex,
    windowEndAsked: PageIndex,
  ): void {
    const fileEnd = pageEndAt(this.sizeBytes);
    const windowEnd = Math.max(dataStart, Math.min(Math.max(dataEndAsked, windowEndAsked), fileEnd));
    const wanted = Math.min(dataEndAsked, windowEnd, dataStart + this.#chunkPages);
    const failed = wanted > dataStart && this.#world.failsRead();
    const dataEnd = failed ? dataStart : Math.max(dataStart, wanted);
    const more = !failed && dataEnd < windowEnd;
    const words = this.#read(dataStart, dataEnd);
    this.#world.send(node, {
      type: "grant",
      request,
      mode,
      start,
      end,
      epoch,
      dataStart,
      dataEnd,
      windowEnd,
      words,
      unstable: dataStart < dataEnd && this.duties.isUnstable(dataStart, dataEnd),
      more,
    });
    if (more) this.#begin(node, { request, epoch, next: dataEnd, end: windowEnd });
  }

  revoke(
    node: NodeId,
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    epoch: number,
    wantStart: PageIndex,
    wantEnd: PageIndex,
  ): void {
    if (mode === Mode.none) this.#cut(node, start, end);
    this.#world.send(node, { type: "revoke", mode, start, end, epoch, wantStart, wantEnd });
  }

  resize(node: NodeId, sizeBytes: number, epoch: number): void {
    this.#world.send(node, { type: "resize", sizeBytes, epoch });
  }

  setSize(sizeBytes: number): void {
    if (this.#world.refusesSize()) throw new Error("no space");
    this.#disk.setSize(sizeBytes);
    this.#world.onSize(sizeBytes);
  }

  truncated(node: NodeId, request: number, error: unknown): void {
    this.#world.send(node, { type: "truncated", request, refused: error !== undefined });
  }

  #answerFetch(node: NodeId, request: number, start: PageIndex, end: PageIndex, epoch: number): void {
    const last = Math.max(start, Math.min(end, pageEndAt(this.sizeBytes)));
    if (start < last) return this.#begin(node, { request, epoch, next: start, end: last });
    this.#endAnswer(node, request, epoch, start);
  }

  #begin(node: NodeId, stream: Stream): void {
    const streams = this.#streams.get(node);
    if (streams === undefined) this.#streams.set(node, [stream]);
    else streams.unshift(stream);
  }

  /** As a home does: an answer under way ends before what is being taken away. */
  #cut(node: NodeId, start: PageIndex, end: PageIndex): void {
    const streams = this.#streams.get(node);
    if (streams === undefined) return;
    const kept = streams.filter((stream) => {
      if (stream.next >= end || stream.end <= start) return true;
      stream.end = Math.max(stream.next, start);
      if (stream.end > stream.next) return true;
      this.#endAnswer(node, stream.request, stream.epoch, stream.next);
      return false;
    });
    this.#streams.set(node, kept);
  }

  #endAnswer(node: NodeId, request: number, epoch: number, at: PageIndex): void {
    this.#world.send(node, {
      type: "data",
      request,
      epoch,
      dataStart: at,
      dataEnd: at,
      words: [],
      unstable: false,
      more: false,
    });
  }

  #read(start: PageIndex, end: PageIndex): number[] {
    return [...this.#disk.words.subarray(start * wordsPerPage, end * wordsPerPage)];
  }
}
