import { createServer, type Server, type Socket } from "node:net";
import type { Welcome } from "../../src/core/wire/control.js";
import { decodeHeader, encodeHeader, Frame, FrameType, headerBytes } from "../../src/core/wire/frame.js";

export interface Request {
  readonly op: string;
  readonly [field: string]: unknown;
}

/** What a home says at the greeting, when nothing else is wanted. */
export const welcome: Welcome = {
  version: 1,
  node: 1,
  session: "0123456789abcdef",
  boot: "fedcba9876543210",
  leaseMillis: 10_000,
  state: "new",
};

/** A home that says what its test tells it to. By default it does nothing at all with what it hears. */
export class FakeHome implements AsyncDisposable {
  readonly url: string;
  readonly sockets = new Set<Socket>();
  /** Every frame but the control requests, and what it carried. */
  onFrame: (peer: Peer, frame: Frame, payload: Uint8Array) => void = () => undefined;
  /** Answers to control requests; undefined for none. */
  onRequest: (peer: Peer, body: Request, request: number) => object | undefined = () => undefined;
  readonly #server: Server;

  /** `onConnection` gets the raw socket of everybody who comes. */
  static async start(onConnection: (socket: Socket, home: FakeHome) => void): Promise<FakeHome> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const home = new FakeHome(server);
    server.on("connection", (socket) => {
      home.sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => home.sockets.delete(socket));
      socket.resume();
      onConnection(socket, home);
    });
    return home;
  }

  /** One that greets, and then does as `onRequest` and `onFrame` say. */
  static speaking(): Promise<FakeHome> {
    return FakeHome.start((socket, home) => new Peer(socket, home).listen());
  }

  private constructor(server: Server) {
    this.#server = server;
    const { port } = server.address() as { port: number };
    this.url = `dmmap://127.0.0.1:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A node, as the home sees it. */
export class Peer {
  readonly socket: Socket;
  readonly #home: FakeHome;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, home: FakeHome) {
    this.socket = socket;
    this.#home = home;
  }

  listen(): void {
    this.socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      while (this.#takeFrame());
    });
  }

  send(type: FrameType, fields: Partial<Frame> = {}, payload: Uint8Array = new Uint8Array(0)): void {
    this.socket.write(frameBytes(type, fields, payload));
  }

  sendJson(type: FrameType, request: number, body: object): void {
    this.send(type, { request }, Buffer.from(JSON.stringify(body)));
  }

  #takeFrame(): boolean {
    if (this.#received.length < headerBytes) return false;
    const frame = new Frame();
    const { buffer, byteOffset, length } = this.#received;
    const wrong = decodeHeader(new DataView(buffer, byteOffset, length), 0, frame);
    if (wrong !== undefined) throw new Error(`the node sent what is no frame: ${wrong}`);
    if (length < headerBytes + frame.payloadBytes) return false;
    const payload = this.#received.subarray(headerBytes, headerBytes + frame.payloadBytes);
    this.#received = this.#received.subarray(headerBytes + frame.payloadBytes);
    this.#answer(frame, payload);
    return true;
  }

  #answer(frame: Frame, payload: Buffer): void {
    if (frame.type === FrameType.hello) return this.sendJson(FrameType.welcome, frame.request, welcome);
    if (frame.type === FrameType.ping) return this.send(FrameType.pong);
    if (frame.type !== FrameType.request) return this.#home.onFrame(this, frame, payload);
    const answer = this.#home.onRequest(this, JSON.parse(payload.toString()) as Request, frame.request);
    if (answer !== undefined) this.sendJson(FrameType.reply, frame.request, answer);
  }
}

/** One frame, sound or not. */
export function frameBytes(type: number, fields: Partial<Frame>, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(headerBytes + payload.byteLength);
  const frame = Object.assign(new Frame().reset(type as FrameType), fields);
  frame.payloadBytes = payload.byteLength;
  encodeHeader(frame, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
  bytes.set(payload, headerBytes);
  return bytes;
}
