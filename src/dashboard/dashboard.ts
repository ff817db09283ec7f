import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { listenError } from "../core/listen-error.js";
import type { FileTokensStatus, HomeStatus } from "../observe/status.js";
import { Assets } from "./assets.js";
import { StatusFeed } from "./status-feed.js";

/** Who looks is not to take the descriptors that the home needs for its nodes and files. */
const connectionsMax = 100;
const portMax = 65_535;
/** Only completes what a request names. */
const base = "http://home";

const wrongHost = "ask by the machine's address, by localhost, or by the name that --http was given";

/** What is shown. */
export interface DashboardSource {
  status(): Promise<HomeStatus>;
  /** Who holds what of an open file; null of one that is not open. */
  tokens(name: string): Promise<FileTokensStatus | null>;
}

/** Where it listens. */
export interface DashboardPlace {
  /** An address. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The name that stands for the address, if it was given by name: a browser may call it so. */
  readonly name?: string | undefined;
}

/** A page about a home, for people and for Prometheus. Shows, and changes nothing. */
export class Dashboard implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #assets: Assets;
  readonly #source: DashboardSource;
  readonly #feed: StatusFeed;
  readonly #name: string | undefined;

  /**
   * @throws DMMAP_PORT_IN_USE, and DMMAP_UNREACHABLE for an address that this machine does not have
   */
  static async start(source: DashboardSource, place: DashboardPlace): Promise<Dashboard> {
    checkPlace(place);
    const assets = await Assets.load();
    const server = createServer();
    await listen(server, place);
    return new Dashboard(source, place, server, assets);
  }

  private constructor(source: DashboardSource, { name }: DashboardPlace, server: Server, assets: Assets) {
    const { address, port, family } = server.address() as AddressInfo;
    this.url = family === "IPv6" ? `http://[${address}]:${port}/` : `http://${address}:${port}/`;
    this.#name = name?.toLowerCase();
    this.#server = server;
    this.#assets = assets;
    this.#source = source;
    this.#feed = new StatusFeed(() => source.status());
    server.on("request", (request, response) => void this.#serve(request, response));
    server.maxConnections = connectionsMax;
    server.on("error", () => undefined); // One that cannot be accepted: no reason for a home to end.
    // The home keeps its process, not its page, nor who looks at it.
    server.unref();
    server.on("connection", (socket) => socket.unref());
  }

  async close(): Promise<void> {
    this.#feed.end();
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!this.#isAskedFor(request)) return refuse(response, 403, wrongHost);
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.setHeader("allow", "GET, HEAD");
        return refuse(response, 405, "there is nothing to change here");
      }
      const { url = "/" } = request;
      if (!URL.canParse(url, base)) return refuse(response, 404, "there is no such page");
      await this.#answer(new URL(url, base), response);
    } catch (error) {
      // The home is closing.
      if (!response.headersSent) refuse(response, 503, error instanceof Error ? error.message : String(error));
    }
  }

  async #answer({ pathname, searchParams }: URL, response: ServerResponse): Promise<void> {
    if (pathname === "/events") return this.#feed.watch(response);
    if (pathname === "/status") return sendJson(response, await this.#source.status());
    if (pathname === "/tokens") {
      const name = searchParams.get("file");
      const tokens = name === null ? null : await this.#source.tokens(name);
      return tokens === null ? refuse(response, 404, "no such file is open") : sendJson(response, tokens);
    }
    if (pathname === "/metrics") {
      const { metricsOf } = await import("./metrics.js"); // To load what it needs takes a tenth of a second.
      const { type, text } = await metricsOf(await this.#source.status());
      return send(response, type, text);
    }
    const asset = this.#assets.find(pathname);
    if (asset === undefined) return refuse(response, 404, "there is no such page");
    response.setHeader("content-security-policy", this.#policy);
    send(response, asset.type, asset.bytes);
  }

  get #policy(): string {
    const scripts = `script-src 'self' '${this.#assets.importMapHash}'`;
    return `default-src 'none'; ${scripts}; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'`;
  }

  /**
   * A page of somebody else's, whose name its owner lets stand for 127.0.0.1 a moment later, asks by that name (DNS rebinding): it
   * is not to read what is on this machine.
   */
  #isAskedFor({ headers: { host = "" } }: IncomingMessage): boolean {
    const name = host
      .toLowerCase()
      .replace(/:\d+$/, "")
      .replace(/^\[(.*)\]$/, "$1");
    return isIP(name) !== 0 || name === "localhost" || name === this.#name;
  }
}

/** The caller's mistakes, told before anything is touched. */
function checkPlace({ host, port }: DashboardPlace): void {
  if (typeof host !== "string") throw new TypeError(`host must be a string, not ${typeof host}`);
  if (typeof port !== "number") throw new TypeError(`port must be a number, not ${typeof port}`);
  if (!Number.isInteger(port) || port < 0 || port > portMax)
    throw new RangeError(`port must be a whole number from 0 to ${portMax}, not ${port}`);
}

async function listen(server: Server, { host, port }: DashboardPlace): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    throw listenError(host, port, (cause as NodeJS.ErrnoException).code, cause);
  }
}

function sendJson(response: ServerResponse, value: object): void {
  send(response, "application/json", `${JSON.stringify(value)}\n`);
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.setHeader("content-type", type);
  response.setHeader("cache-control", "no-cache");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("referrer-policy", "no-referrer");
  response.end(body);
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.statusCode = status;
  send(response, "text/plain; charset=utf-8", `${why}\n`);
}
