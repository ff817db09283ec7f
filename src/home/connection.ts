import type { DmmapError } from "../core/error.js";
import type { Failure } from "../core/wire/control.js";
import { Frame, FrameType } from "../core/wire/frame.js";
import { Errno } from "../kernel/errno.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";
import { closeSocket, shutdownSending } from "../kernel/socket.js";
import type { HomeCounters } from "../observe/status.js";
import { OutputQueue } from "./output-queue.js";
import { PageSender } from "./page-sender.js";
import { ReceiveBuffer } from "./receive-buffer.js";
import type { Session } from "./session.js";

/** Pieces of long answers that one connection sends before the others have their turn. */
const chunksPerTurn = 8;
/** UTF-16 units. */
const messageLengthMax = 16_384;
/** A peer with more answers under way than this is not read from until some are done. */
const streamsMax = 1024;

/**
 * - `greeting`: no hello yet.
 * - `open`: has a session.
 * - `ending`: told why, nothing more is read; closes when the peer has heard it.
 * - `closed`: the descriptor is gone.
 */
export type ConnectionState = "greeting" | "open" | "ending" | "closed";

/** One socket, its buffers, and whether it may go on. Has no view on what the frames mean. */
export class Connection {
  readonly fd: number;
  readonly address: string;
  readonly receiving: ReceiveBuffer;
  readonly output: OutputQueue;
  readonly sender: PageSender;
  readonly receiveMemory: NativeBuffer;
  readonly outputMemory: NativeBuffer;
  /** Scratch for the frame that is being built: encode it before another one is. */
  readonly frame = new Frame();
  state: ConnectionState = "greeting";
  session: Session | undefined;
  /** When it came, was last heard, or began to end. */
  sinceMicros: number;
  lastHeardMicros: number;
  /** The store has no room for the next write: nothing more is read until it has. */
  isBlocked = false;
  /** It has had its turn, and there are frames left. */
  isInLine = false;
  /** What the loop has asked epoll for. */
  watched = 0;
  #endSent = false;

  constructor(
    fd: number,
    address: string,
    nowMicros: number,
    memory: { receive: NativeBuffer; output: NativeBuffer },
    counters: HomeCounters,
  ) {
    this.fd = fd;
    this.address = address;
    this.sinceMicros = nowMicros;
    this.lastHeardMicros = nowMicros;
    this.receiveMemory = memory.receive;
    this.outputMemory = memory.output;
    this.receiving = new ReceiveBuffer(memory.receive);
    this.output = new OutputQueue(memory.output);
    this.sender = new PageSender(this.output, counters);
  }

  /** Whether reading from it waits for the store, for the peer to take what it has been sent, or for its next turn. */
  get isPaused(): boolean {
    return this.isInLine || this.isBlocked || this.output.isSpilling || this.sender.streamCount > streamsMax;
  }

  /** Whether frames still go both ways. */
  get isTalking(): boolean {
    return this.state === "greeting" || this.state === "open";
  }

  get wantsToSend(): boolean {
    return !this.output.isEmpty || this.sender.streamCount > 0;
  }

  /** Queues a frame without pages. Dropped when the connection is over: its session's lease decides what follows. */
  push(frame: Frame, payload?: Uint8Array): void {
    if (this.isTalking) this.output.push(frame, payload);
  }

  /** Answers a request without anything more to say. */
  done(type: typeof FrameType.written | typeof FrameType.synced, request: number, file: number): void {
    const frame = this.frame.reset(type);
    frame.file = file;
    frame.request = request;
    this.push(frame);
  }

  /** Answers a request with JSON. */
  reply(type: FrameType, request: number, body: object, file = 0): void {
    const frame = this.frame.reset(type);
    frame.request = request;
    frame.file = file;
    this.push(frame, Buffer.from(JSON.stringify(body)));
  }

  /** A message may have a path in it, which may be longer than any frame. */
  fail(request: number, { code, message, errno }: Pick<DmmapError, "code" | "message" | "errno">, file = 0): void {
    const said = message.slice(0, messageLengthMax);
    const failure: Failure = { code, message: said, ...(errno === undefined ? {} : { errno }) };
    this.reply(FrameType.failure, request, failure, file);
  }

  /** Says why, then closes as soon as the peer has heard it. */
  end(code: string, message: string, nowMicros: number): void {
    if (!this.isTalking) return;
    this.sender.clear();
    this.reply(FrameType.closing, 0, { code, message });
    this.state = "ending";
    this.sinceMicros = nowMicros;
    this.receiving.clear();
  }

  /** Sends what the socket takes, and goes on with long answers. @returns false when the peer is gone. */
  flush(): boolean {
    for (let chunks = 0; ; chunks++) {
      const errno = this.output.flush(this.fd);
      if (errno === Errno.EAGAIN) return !this.output.isOverfull;
      if (errno !== 0) return false;
      if (chunks === chunksPerTurn || !this.sender.pump()) break;
    }
    if (this.state === "ending" && !this.#endSent) {
      this.#endSent = true;
      shutdownSending(this.fd);
    }
    return true;
  }

  /** Reads on, to throw it away: closing with unread input would reset the connection before the peer has read why. */
  drain(): boolean {
    const count = this.receiving.fill(this.fd);
    this.receiving.clear();
    return count > 0 || count === -Errno.EAGAIN || count === -Errno.EINTR;
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.sender.clear();
    this.output.clear();
    closeSocket(this.fd);
  }
}
