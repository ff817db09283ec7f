import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface ProxyFault {
  /** Resets the connection when so many bytes have gone this way: mostly in the middle of a frame. */
  readonly cutUpAfter?: number;
  readonly cutDownAfter?: number;
}

/** Stands between nodes and their home, and breaks connections as it is told. Up: towards the home. */
export class Proxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #host: string;
  readonly #sockets = new Set<Socket>();
  /** For the next connections, one each; none: they are left alone. */
  readonly faults: ProxyFault[] = [];
  cuts = 0;
  /** When this has gone up, nothing comes down any more, until `cut`: the home does what it is asked, and nobody hears of it. */
  deafAfter: RegExp | undefined;
  #isDeaf = false;

  /** `target`: the home's port, whenever somebody comes. */
  static async start(target: () => number, host = "127.0.0.1"): Promise<Proxy> {
    const proxy = new Proxy(target, host);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: () => number, host: string) {
    this.#target = target;
    this.#host = host;
    this.#server = createServer((near) => this.#join(near));
  }

  get url(): string {
    return `dmmap://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets every connection now. */
  cut(): void {
    this.cuts++;
    this.deafAfter = undefined;
    this.#isDeaf = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket): void {
    const far = connect(this.#target(), this.#host);
    const { cutUpAfter = Infinity, cutDownAfter = Infinity } = this.faults.shift() ?? {};
    near.on("data", (bytes: Buffer) => {
      if (this.deafAfter?.test(bytes.toString("latin1")) === true) this.#isDeaf = true;
    });
    this.#pass(near, far, cutUpAfter, false);
    this.#pass(far, near, cutDownAfter, true);
  }

  #pass(from: Socket, to: Socket, cutAfter: number, isDown: boolean): void {
    let left = cutAfter;
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on("error", () => undefined);
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on("data", (bytes) => {
      if (this.#isDeaf && isDown) return;
      const part = bytes.subarray(0, left);
      left -= part.byteLength;
      to.write(part, () => {
        if (left > 0) return;
        this.cuts++;
        from.resetAndDestroy();
        to.resetAndDestroy();
      });
    });
  }
}
