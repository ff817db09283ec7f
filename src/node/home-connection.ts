import { DmmapError, type ErrorCode } from "../core/error.js";
import { NodeLease } from "../core/token/node-lease.js";
import type { ControlOperations, Failure, Hello, Welcome } from "../core/wire/control.js";
import { Frame, FrameFlag, FrameType, protocolName, protocolVersion, requestBytesMax } from "../core/wire/frame.js";
import { encodeLock, lockPayloadMax } from "../core/wire/lock-frame.js";
import type { SetLock, Stored } from "../core/wire/tree-requests.js";
import { nowMicros } from "../kernel/clock.js";
import { Ready } from "../kernel/epoll.js";
import { errnoName } from "../kernel/errno.js";
import { closeSocket, connectError, connectTcp, type SocketAddress } from "../kernel/socket.js";
import type { Pager } from "../mapping/pager.js";
import { checkFailure, checkWelcome, tooLong } from "./home-answers.js";
import { Input, type InputSink } from "./input.js";
import { Output } from "./output.js";
import { at, unreachable } from "./unreachable.js";

const eagain = -11;
const retryMicrosMin = 50_000;
const retryMicrosMax = 250_000;
const connectMicrosMax = 5_000_000;

/** Why a home closes a connection, where trying again will not help. Any other reason may pass. */
const lastingReasons: ReadonlySet<string> = new Set(["DMMAP_PROTOCOL", "DMMAP_VERSION", "DMMAP_FENCED"]);

type State = "connecting" | "greeting" | "up" | "waiting" | "closed";

/** What the rest of the node does with what comes. */
export interface ConnectionSink {
  /** As `InputSink.payloadAddress`. */
  payloadAddress(frame: Frame): number;
  /** A frame that concerns a file, or what was told on a lease. */
  onFileFrame(frame: Frame, payload: Uint8Array): void;
  /** The home cannot take what was written to this file: it waits there, and syncs behind it. */
  onRefused(file: number, error: DmmapError): void;
  /** Sends what the home has to have heard before it is asked anything. */
  beforeRequest(): void;
  /** The home answered a hello. */
  onUp(welcome: Welcome): void;
  /** The lease may have run out at the home: nothing that is held may be used until the next `onUp`. */
  onLapsed(): void;
  /** Whether a revoke waits here for something, such as a hold. */
  isAsked(): boolean;
  /** The number of the last write that has been queued. */
  lastDuty(): number;
  /** The connection broke, or was closed by the home with a reason. It is tried again until `close`. */
  onDown(error: DmmapError): void;
}

/** An answer to a control request: either an object, or the error that the home named. */
export type ReplyHandler = (reply: object | undefined, error: DmmapError | undefined) => void;

/** Answers that say only that it is done. */
const done: object = {};
const delegated: ControlOperations["setLock"]["reply"] = { isDelegated: true };
const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** The node's one connection to its home, on the pager thread: frames in and out, control requests, ping, reconnect. */
export class HomeConnection implements InputSink {
  /** The header being composed for sending. */
  readonly outgoing = new Frame();
  readonly output = new Output();
  session: string | undefined;

  readonly #pager: Pager;
  readonly #address: SocketAddress;
  readonly #name: string;
  readonly #sink: ConnectionSink;
  readonly #input: Input;
  readonly #lease = new NodeLease();
  readonly #replies = new Map<number, ReplyHandler>();
  #state: State = "waiting";
  #fd = -1;
  #requestLast = 0;
  #wantsOut = false;
  #retryMicros = retryMicrosMin;
  #deadline = Number.POSITIVE_INFINITY;
  #heardAt = 0;
  #greetedAt = 0;
  #boot = "";
  /** Of the last ping, and the last duty before it. */
  #pingRequest = 0;
  #pingDuty = 0;
  /** Up to this one, the home has taken what we sent for our duties: it answers in order, and has answered what came behind. */
  takenDuty = 0;

  constructor(pager: Pager, address: SocketAddress, name: string, sink: ConnectionSink) {
    this.#pager = pager;
    this.#address = address;
    this.#name = name;
    this.#sink = sink;
    this.#input = new Input(new Frame(), this);
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  /** Until when this node may act on what it holds (R15). */
  get leaseUntil(): number {
    return this.#lease.until;
  }

  get deadline(): number {
    return Math.min(this.#deadline, this.#lease.deadline);
  }

  /** Whether the time is over for which this node may act on what it holds (R15); says so to the sink, once. */
  hasLapsed(now: number): boolean {
    return this.#lease.hasLapsed(now, () => this.#sink.onLapsed());
  }

  open(): void {
    this.#state = "connecting";
    this.#deadline = nowMicros() + connectMicrosMax;
    try {
      this.#fd = connectTcp(this.#address);
    } catch (cause) {
      this.#down(unreachable(this.#address, cause instanceof Error ? cause.message : String(cause), cause));
      return;
    }
    this.#wantsOut = true;
    this.#pager.watch(this.#fd, Ready.in | Ready.out, (events) => this.#onReady(events));
  }

  /** Sends a control request; the handler is called with the answer, or when the connection breaks. */
  request(operation: string, args: object, onReply: ReplyHandler): number {
    const request = this.nextRequest();
    if (this.#state !== "up") {
      onReply(undefined, unreachable(this.#address, "the connection is down"));
      return request;
    }
    this.#sink.beforeRequest();
    this.#replies.set(request, onReply);
    const frame = this.outgoing.reset(FrameType.request);
    frame.request = request;
    if (operation === "setLock") this.#queueLock(frame, args as SetLock);
    else if (operation === "stored") this.#queueStored(frame, args as Stored);
    else this.#queue(frame, { op: operation, ...args });
    return request;
  }

  /** Registers for the answer (`synced`, `failure`) to a frame that the caller composes itself. */
  expectReply(onReply: ReplyHandler): number {
    const request = this.nextRequest();
    this.#replies.set(request, onReply);
    return request;
  }

  nextRequest(): number {
    this.#requestLast = (this.#requestLast + 1) % 0xffff_fffe;
    return this.#requestLast + 1;
  }

  /** Queues a frame without payload. */
  send(frame: Frame): void {
    if (this.#state !== "up") return; // What a broken connection would have carried is asked again when it is up.
    frame.payloadBytes = 0;
    if (!this.output.header(frame)) this.#overflow();
  }

  flush(): void {
    if (this.#fd < 0 || this.#state === "connecting" || this.output.isEmpty) return;
    const result = this.output.send(this.#fd);
    if (result < 0 && result !== eagain) {
      this.#down(unreachable(this.#address, errnoName(-result)));
      return;
    }
    this.#watchOut(result === eagain);
  }

  onTime(now: number): void {
    const hasLapsed = this.hasLapsed(now);
    // A connection that lives tells nothing of what the home did while nothing came: a new hello asks for that.
    if (hasLapsed && this.#state === "up") return this.#down(unreachable(this.#address, "no answer within the lease"));
    if (now < this.#deadline) return;
    if (this.#state === "waiting") this.open();
    else if (this.#state === "up") this.#ping(now);
    else if (this.#state !== "closed") this.#down(unreachable(this.#address, "no answer within 5 s"));
  }

  /** Says goodbye, if that is still possible, and ends for good. */
  close(): void {
    if (this.#state === "up") {
      this.send(this.outgoing.reset(FrameType.goodbye));
      this.flush();
    }
    this.#closeSocket();
    this.#state = "closed";
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#failReplies(new DmmapError("DMMAP_CLOSED", "the volume was closed"));
  }

  payloadAddress(frame: Frame): number {
    return this.#sink.payloadAddress(frame);
  }

  onFrame(frame: Frame, payload: Uint8Array): void {
    this.#heardAt = nowMicros();
    const isGreeting = frame.type === FrameType.welcome;
    if (isGreeting !== (this.#state === "greeting") && frame.type !== FrameType.closing) {
      throw new DmmapError("DMMAP_PROTOCOL", isGreeting ? "it greets twice" : "it does not greet");
    }
    switch (frame.type) {
      case FrameType.welcome:
        this.#onWelcome(checkWelcome(parse<Welcome>(payload)));
        break;
      case FrameType.pong:
        this.#lease.ponged();
        if (frame.request === this.#pingRequest) this.takenDuty = this.#pingDuty;
        break;
      case FrameType.closing:
        this.#onClosing(checkFailure(parse(payload)));
        break;
      case FrameType.reply:
        this.#answer(frame.request, parse(payload), undefined);
        break;
      case FrameType.synced:
      case FrameType.written:
      case FrameType.locked:
        this.#answer(frame.request, (frame.flags & FrameFlag.delegated) === 0 ? done : delegated, undefined);
        break;
      case FrameType.failure:
        this.#onFailure(frame, payload);
        break;
      default:
        this.#sink.onFileFrame(frame, payload);
    }
  }

  #onReady(events: number): void {
    // What waited in the socket while this process was stopped is not looked at before what that stop cost.
    this.hasLapsed(nowMicros());
    if (this.#state === "connecting") {
      if ((events & (Ready.out | Ready.error | Ready.hangUp)) === 0) return;
      const failed = connectError(this.#fd);
      if (failed !== 0) {
        this.#down(unreachable(this.#address, errnoName(failed)));
        return;
      }
      this.#greet();
    }
    if ((events & (Ready.in | Ready.error | Ready.hangUp | Ready.readHangUp)) !== 0) this.#receive();
    if (this.#fd >= 0 && (events & Ready.out) !== 0) this.flush();
  }

  #greet(): void {
    this.#state = "greeting";
    this.#greetedAt = nowMicros();
    const hello: Hello = {
      protocol: protocolName,
      version: protocolVersion,
      name: this.#name,
      ...(this.session === undefined ? {} : { session: this.session }),
    };
    this.#queue(this.outgoing.reset(FrameType.hello), hello);
    this.flush();
  }

  #receive(): void {
    let result: number | string;
    try {
      result = this.#input.read(this.#fd);
    } catch (error) {
      if (!(error instanceof DmmapError)) throw error;
      if (error.code === "DMMAP_VERSION") return this.#down(error);
      result = error.message;
    }
    if (result === 0 || this.#fd < 0) return;
    if (typeof result === "string") {
      const message = `what answers at ${at(this.#address)} does not speak ${protocolName}: ${result}`;
      this.#down(new DmmapError("DMMAP_PROTOCOL", message));
    } else {
      this.#down(unreachable(this.#address, result === 1 ? "the home closed the connection" : errnoName(-result)));
    }
  }

  #onWelcome(welcome: Welcome): void {
    this.#state = "up";
    if (welcome.boot !== this.#boot) this.takenDuty = 0; // Another life of the home may have lost what it had taken.
    this.#boot = welcome.boot;
    this.#pingRequest = 0;
    this.session = welcome.session;
    this.#retryMicros = retryMicrosMin;
    this.#lease.begin(this.#greetedAt, welcome.leaseMillis * 1000);
    this.#deadline = nowMicros() + this.#lease.pingMicros;
    this.#sink.onUp(welcome);
  }

  #onClosing(failure: Failure): void {
    const code = lastingReasons.has(failure.code) ? (failure.code as ErrorCode) : "DMMAP_UNREACHABLE";
    this.#down(new DmmapError(code, `the home closed the connection: ${failure.message}`));
  }

  #onFailure(frame: Frame, payload: Uint8Array): void {
    if (frame.file !== 0 && frame.request === 0) {
      const { code, message } = checkFailure(parse(payload));
      this.#sink.onRefused(frame.file, new DmmapError(code as ErrorCode, message));
      return;
    }
    // Of pages, whose requests each file numbers by itself: it answers no control request of that number.
    if (frame.file !== 0) return this.#sink.onFileFrame(frame, payload);
    const { code, message, errno } = checkFailure(parse(payload));
    this.#answer(frame.request, undefined, new DmmapError(code as ErrorCode, message, { errno }));
  }

  #answer(request: number, reply: object | undefined, error: DmmapError | undefined): void {
    const onReply = this.#replies.get(request);
    this.#replies.delete(request);
    onReply?.(reply, error); // None: the caller gave up waiting.
  }

  #ping(now: number): void {
    this.#deadline = now + this.#lease.pingMicros;
    if (now - this.#heardAt > this.#lease.leaseMicros) {
      this.#down(unreachable(this.#address, `silent for ${Math.round((now - this.#heardAt) / 1e6)} s`));
    } else if (!this.#lease.isPinged) {
      this.#lease.pinged(now);
      this.#pingDuty = this.#sink.lastDuty();
      const ping = this.outgoing.reset(FrameType.ping);
      ping.request = this.nextRequest();
      this.#pingRequest = ping.request;
      ping.extra = this.#sink.isAsked() ? 1 : 0;
      this.send(ping);
    }
  }

  #queue(frame: Frame, payload: object): void {
    const bytes = encoder.encode(JSON.stringify(payload));
    // The home would cut off whoever sends that, and with it all else that is under way.
    if (bytes.byteLength > requestBytesMax) this.#answer(frame.request, undefined, tooLong());
    else if (!this.output.frame(frame, bytes)) this.#overflow();
  }

  #queueLock(frame: Frame, lock: SetLock): void {
    frame.type = FrameType.lock;
    frame.file = lock.file;
    const at = this.output.payloadAt(lockPayloadMax);
    if (at < 0) return this.#overflow();
    frame.payloadBytes = encodeLock(lock, this.output.data, at);
    this.output.put(frame);
  }

  #queueStored(frame: Frame, { file }: Stored): void {
    frame.type = FrameType.stored;
    frame.file = file;
    this.send(frame);
  }

  #overflow(): void {
    this.#down(unreachable(this.#address, "the home has stopped reading"));
  }

  #watchOut(wanted: boolean): void {
    if (wanted === this.#wantsOut) return;
    this.#wantsOut = wanted;
    this.#pager.rewatch(this.#fd, Ready.in | (wanted ? Ready.out : 0));
  }

  #down(error: DmmapError): void {
    if (this.#state === "closed" || this.#state === "waiting") return; // Said already.
    this.#closeSocket();
    this.#state = "waiting";
    this.#deadline = nowMicros() + this.#retryMicros;
    this.#retryMicros = Math.min(this.#retryMicros * 2, retryMicrosMax);
    this.#failReplies(error);
    this.#sink.onDown(error);
  }

  #closeSocket(): void {
    if (this.#fd >= 0) {
      this.#pager.unwatch(this.#fd);
      closeSocket(this.#fd);
    }
    this.#fd = -1;
    this.#input.reset();
    this.output.clear();
  }

  #failReplies(error: DmmapError): void {
    const waiting = [...this.#replies.values()];
    this.#replies.clear();
    for (const onReply of waiting) onReply(undefined, error);
  }
}

function parse<T extends object>(payload: Uint8Array): T {
  try {
    const value: unknown = JSON.parse(decoder.decode(payload));
    if (typeof value === "object" && value !== null) return value as T;
  } catch {
    // Said below, with what it was.
  }
  throw new DmmapError("DMMAP_PROTOCOL", "a control frame that is no JSON object");
}
