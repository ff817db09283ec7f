import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ControlOperation, ControlOperations, Welcome } from "../../src/core/wire/control.js";
import {
  decodeHeader,
  encodeHeader,
  Frame,
  FrameFlag,
  FrameType,
  headerBytes,
  protocolName,
  protocolVersion,
} from "../../src/core/wire/frame.js";
import { encodeLock, lockPayloadMax } from "../../src/core/wire/lock-frame.js";
import type { SetLock } from "../../src/core/wire/tree-requests.js";
import { until, within } from "../support/until.js";

export interface ReceivedFrame extends Frame {
  readonly payload: Buffer;
  readonly json: { readonly code?: string; readonly message?: string } & Record<string, unknown>;
}

type Fields = Partial<Omit<Frame, "reset">>;
const typeNames = new Map(Object.entries(FrameType).map(([name, type]) => [type as number, name]));

/** A node made by hand: says what the test says, when it says it, and keeps all that it hears, in order. */
export class RawNode {
  readonly socket: Socket;
  readonly heard: ReceivedFrame[] = [];
  isClosed = false;
  #input = Buffer.alloc(0);
  readonly #looks = new Set<() => void>();
  #lastRequest = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", () => undefined); // Told by `close`.
    socket.on("close", () => {
      this.isClosed = true;
      for (const look of this.#looks) look();
    });
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<RawNode> {
    const socket = connect(port, host);
    await once(socket, "connect");
    return new RawNode(socket);
  }

  /** Connects and says hello. */
  static async greet(
    port: number,
    name = "raw",
    session?: string,
    host?: string,
  ): Promise<{ node: RawNode; welcome: Welcome }> {
    const node = await RawNode.connect(port, host);
    const hello = { protocol: protocolName, version: protocolVersion, name, ...(session && { session }) };
    node.send({ type: FrameType.hello }, JSON.stringify(hello));
    const { json } = await node.next(FrameType.welcome);
    return { node, welcome: json as unknown as Welcome };
  }

  send(fields: Fields, payload: string | Uint8Array = ""): void {
    const body = typeof payload === "string" ? Buffer.from(payload) : payload;
    const frame = Object.assign(new Frame(), fields);
    frame.payloadBytes = body.byteLength;
    const bytes = Buffer.alloc(headerBytes + body.byteLength);
    encodeHeader(frame, new DataView(bytes.buffer, bytes.byteOffset), 0);
    bytes.set(body, headerBytes);
    this.socket.write(bytes);
  }

  /** Takes the first frame that fits out of what was heard, or waits for it. */
  async take(what: string, fits: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame> {
    let look = () => undefined as void;
    const found = new Promise<ReceivedFrame>((resolve, reject) => {
      look = () => {
        const index = this.heard.findIndex(fits);
        if (index >= 0) resolve(this.heard.splice(index, 1)[0]);
        else if (this.isClosed) reject(new Error(`closed without ${what}; heard: ${this.story()}`));
      };
    });
    this.#looks.add(look);
    look();
    try {
      return await within(`${what}; heard: ${this.story()}`, found);
    } finally {
      this.#looks.delete(look);
    }
  }

  async next(type: number, fits: (frame: ReceivedFrame) => boolean = () => true): Promise<ReceivedFrame> {
    return await this.take(`a ${typeNames.get(type)}`, (frame) => frame.type === type && fits(frame));
  }

  /** The answer to a request: of the type of success, or a failure, which rejects with its code. */
  async outcome(request: number, ...success: number[]): Promise<ReceivedFrame> {
    const frame = await this.take(
      `the outcome of request ${request}`,
      (frame) => frame.request === request && (success.includes(frame.type) || frame.type === FrameType.failure),
    );
    if (frame.type === FrameType.failure) throw Object.assign(new Error(frame.json.message), { code: frame.json.code });
    return frame;
  }

  async request<Op extends ControlOperation>(
    op: Op,
    body: ControlOperations[Op]["request"],
  ): Promise<ControlOperations[Op]["reply"]> {
    const request = this.ask(op, body);
    return await this.answer(request);
  }

  ask(op: string, body: object): number {
    const request = ++this.#lastRequest;
    if (op === "setLock") this.#askLock(request, body as SetLock);
    else this.send({ type: FrameType.request, request }, JSON.stringify({ op, ...body }));
    return request;
  }

  #askLock(request: number, lock: SetLock): void {
    const payload = new Uint8Array(lockPayloadMax);
    const byteLength = encodeLock(lock, new DataView(payload.buffer), 0);
    this.send({ type: FrameType.lock, request, file: lock.file }, payload.subarray(0, byteLength));
  }

  async answer(request: number): Promise<Record<string, unknown>> {
    return (await this.outcome(request, FrameType.reply, FrameType.locked)).json;
  }

  async closed(): Promise<void> {
    await until("the connection is closed", () => this.isClosed);
  }

  /** A ping and its pong: all that was sent before has been served, and its answers are here. */
  async settled(): Promise<void> {
    this.send({ type: FrameType.ping });
    await this.next(FrameType.pong);
  }

  acquire(file: number, mode: 1 | 2, start: number, end: number, fields: Fields = {}): number {
    const request = ++this.#lastRequest;
    const range = { start, end, dataStart: start, dataEnd: end, extra: end };
    this.send({ type: FrameType.acquire, file, request, mode, ...range, ...fields });
    return request;
  }

  async granted(request: number): Promise<ReceivedFrame> {
    return await this.next(FrameType.grant, (frame) => frame.request === request);
  }

  write(file: number, page: number, payload: Uint8Array, fields: Fields = {}): number {
    const request = ++this.#lastRequest;
    const dataEnd = page + payload.byteLength / 4096;
    this.send({ type: FrameType.write, file, request, dataStart: page, dataEnd, ...fields }, payload);
    return request;
  }

  fetch(file: number, start: number, end: number, epoch: number): number {
    const request = ++this.#lastRequest;
    this.send({ type: FrameType.fetch, file, request, dataStart: start, dataEnd: end, epoch });
    return request;
  }

  release(file: number, mode: 0 | 1, start: number, end: number, epoch: number): void {
    this.send({ type: FrameType.release, file, mode, start, end, epoch });
  }

  /** Rejects with the failure's code. */
  async sync(file: number): Promise<void> {
    const request = ++this.#lastRequest;
    this.send({ type: FrameType.sync, file, request });
    await this.outcome(request, FrameType.synced);
  }

  /** Collects an answer's data until its last frame. */
  async data(request: number): Promise<ReceivedFrame[]> {
    const frames: ReceivedFrame[] = [];
    do frames.push(await this.next(FrameType.data, (frame) => frame.request === request));
    while (((frames.at(-1)?.flags ?? 0) & FrameFlag.more) !== 0);
    return frames;
  }

  story(): string {
    return this.heard.map(({ type, request }) => `${typeNames.get(type)} ${request}`).join(", ");
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#input = Buffer.concat([this.#input, bytes]);
    while (this.#input.byteLength >= headerBytes) {
      const frame = new Frame();
      const problem = decodeHeader(new DataView(this.#input.buffer, this.#input.byteOffset), 0, frame);
      if (problem !== undefined) throw new Error(`the home sent a bad frame: ${problem}`);
      const frameBytes = headerBytes + frame.payloadBytes;
      if (this.#input.byteLength < frameBytes) break;
      const payload = Buffer.from(this.#input.subarray(headerBytes, frameBytes));
      const json = payload[0] === 0x7b ? safeJson(payload) : {};
      this.heard.push(Object.assign(frame, { payload, json }) as ReceivedFrame);
      this.#input = this.#input.subarray(frameBytes);
    }
    for (const look of this.#looks) look();
  }
}

function safeJson(payload: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(payload.toString()) as Record<string, unknown>;
  } catch {
    return {}; // Page data that begins with a brace.
  }
}

export function page(fill: number, count = 1): Buffer {
  return Buffer.alloc(count * 4096, fill);
}

/** By default for a whole file, exclusively, at once or not at all. */
export function lockRequest(request: Partial<SetLock> & Pick<SetLock, "file">): SetLock {
  const whole = { owner: "owner", kind: "posix", start: 0, end: null, type: "exclusive", pid: 1 } as const;
  return { ...whole, wait: false, inLine: false, pages: [], ...request };
}
