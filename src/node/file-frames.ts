import { FileGrowth } from "../core/token/file-growth.js";
import type { ByteOffset, Epoch, Mode, PageIndex } from "../core/units.js";
import { type Frame, FrameFlag, FrameType } from "../core/wire/frame.js";
import { AskedSizes } from "./asked-sizes.js";
import { goneError } from "./gone-error.js";
import type { HomeConnection, ReplyHandler } from "./home-connection.js";

/** Composes and queues the frames of one file. */
export class FileFrames {
  /** The home knows what is held here. Not so between a disconnect and the end of the claims: nothing but those is sent. */
  isReady = true;
  /** Whatever of the file goes by its size leaves behind what this node has made it longer. */
  readonly growth = new FileGrowth();
  readonly askedSizes = new AskedSizes();
  readonly name: string;
  /** Called when the home is sent pages, which changes the room that the file takes, and when that was. */
  onPagesSent: () => void = () => undefined;
  readonly #connection: HomeConnection;
  #number: number;
  #hasNumber = true;

  constructor(connection: HomeConnection, name: string, number: number) {
    this.#connection = connection;
    this.name = name;
    this.#number = number;
  }

  /**
   * The home's number for the file, in the present session. A request must not go by an older one, which may be another file's.
   *
   * @throws DMMAP_STALE: it has none, as the home does not find the file any more
   */
  get number(): number {
    if (!this.#hasNumber) throw goneError(this.name);
    return this.#number;
  }

  set number(number: number) {
    this.#number = number;
    this.#hasNumber = true;
  }

  forgetNumber(): void {
    this.#hasNumber = false;
  }

  /** The number that it has, or had last. */
  get numberLast(): number {
    return this.#number;
  }

  hasRoom(payloadBytes: number): boolean {
    return this.#connection.output.hasRoom(payloadBytes);
  }

  /** What the socket has not taken yet. */
  get pendingBytes(): number {
    return this.#connection.output.pendingBytes;
  }

  /** The last duty of which the home is known to have heard. */
  get takenDuty(): number {
    return this.#connection.takenDuty;
  }

  acquire(
    request: number,
    mode: Mode,
    needStart: PageIndex,
    needEnd: PageIndex,
    wantStart: PageIndex,
    wantEnd: PageIndex,
    windowEnd: PageIndex,
    needsData: boolean,
    isUrgent: boolean,
  ): void {
    this.tellGrowth();
    const frame = this.#frame(FrameType.acquire);
    frame.request = request;
    frame.mode = mode;
    frame.start = wantStart;
    frame.end = wantEnd;
    frame.dataStart = needStart;
    frame.dataEnd = needEnd;
    frame.extra = windowEnd;
    frame.flags = (needsData ? FrameFlag.needsData : 0) | (isUrgent ? FrameFlag.urgent : 0);
    this.#send(frame);
  }

  fetch(request: number, start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.tellGrowth();
    const frame = this.#frame(FrameType.fetch);
    frame.request = request;
    frame.dataStart = start;
    frame.dataEnd = end;
    frame.epoch = epoch;
    this.#send(frame);
  }

  /** `duty`: the last that this node has taken on. */
  release(mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch, duty: number): void {
    const frame = this.#range(FrameType.release, mode, start, end, epoch);
    frame.extra = duty;
    this.#send(frame);
  }

  claim(mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.#connection.send(this.#range(FrameType.claim, mode, start, end, epoch));
  }

  resized(epoch: Epoch): void {
    const frame = this.#frame(FrameType.resized);
    frame.epoch = epoch;
    this.#send(frame);
  }

  /** Only when ready: else it would be asked of nobody, and answered never. `isUrgent`: somebody waits for it. */
  sync(isUrgent: boolean, onReply: ReplyHandler): void {
    this.tellGrowth();
    const grown = this.growth.beginSync();
    const frame = this.#frame(FrameType.sync);
    frame.flags = isUrgent ? 0 : FrameFlag.background;
    frame.request = this.#connection.expectReply((reply, error) => {
      if (error === undefined) this.growth.synced(grown);
      onReply(reply, error);
    });
    this.#send(frame);
  }

  /** Queues a write; ask `hasRoom` first. @returns where its pages are to be copied to. */
  write(start: PageIndex, end: PageIndex, duty: number, payloadBytes: number): number {
    this.tellGrowth();
    return this.#pages(FrameType.write, start, end, duty, payloadBytes);
  }

  /** The home hears how long this node has made the file. */
  tellGrowth(): void {
    const sizeBytes = this.growth.tell();
    if (sizeBytes >= 0) this.#grow(sizeBytes);
  }

  /** The home hears it again, before it hears what is held. */
  claimGrowth(): void {
    if (this.growth.unstableBytes > 0) this.#grow(this.growth.unstableBytes);
  }

  /** The home does not leave it to this node any more to make the file longer. */
  recallGrowth(): void {
    this.tellGrowth();
    this.growth.recalled();
  }

  sessionLost(): void {
    this.growth.clear();
    this.askedSizes.sessionLost();
  }

  /** Nobody here writes the file any more: who looks at it elsewhere need not wait for this node. */
  endWriting(): void {
    if (this.growth.isOurs) {
      this.recallGrowth();
      this.#send(this.#frame(FrameType.growthEnded));
    }
    this.#send(this.#frame(FrameType.writingEnded));
  }

  #grow(sizeBytes: ByteOffset): void {
    const frame = this.#frame(FrameType.grow);
    frame.extra = sizeBytes;
    this.#connection.send(frame);
  }

  restore(page: PageIndex, version: Epoch, duty: number, payloadBytes: number): number {
    return this.#pages(FrameType.restore, page, page + 1, duty, payloadBytes, version);
  }

  #pages(
    type: FrameType,
    start: PageIndex,
    end: PageIndex,
    duty: number,
    payloadBytes: number,
    version: Epoch = 0,
  ): number {
    this.onPagesSent();
    const frame = this.#frame(type);
    frame.dataStart = start;
    frame.dataEnd = end;
    frame.epoch = version;
    frame.extra = duty;
    frame.payloadBytes = payloadBytes;
    return this.#connection.output.pages(frame);
  }

  #range(type: FrameType, mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch): Frame {
    const frame = this.#frame(type);
    frame.mode = mode;
    frame.start = start;
    frame.end = end;
    frame.epoch = epoch;
    return frame;
  }

  #send(frame: Frame): void {
    if (this.isReady) this.#connection.send(frame);
  }

  #frame(type: FrameType): Frame {
    const frame = this.#connection.outgoing.reset(type);
    frame.file = this.#number;
    return frame;
  }
}
