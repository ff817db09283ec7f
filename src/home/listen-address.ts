import { lookup } from "node:dns/promises";
import { DmmapError } from "../core/error.js";
import type { SocketAddress } from "../kernel/socket.js";

export const defaultPort = 7400;

/**
 * "HOST:PORT", "HOST", ":PORT", "PORT", "[IPv6]:PORT". Names are looked up; without a host it is this machine only. `what`: what
 * says so, for the error. A number alone is a port, though the system would take 7655 for the address 0.0.29.231.
 */
export async function resolveListenAddress(
  listen: string,
  what = "listen",
  portDefault = defaultPort,
): Promise<SocketAddress> {
  const place = /^\d+$/.test(listen) ? `:${listen}` : listen;
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(place) ?? [];
  const port = portText === undefined ? portDefault : Number(portText);
  if ((bracketed === undefined && plain === undefined) || port > 65_535) {
    throw new TypeError(`${what}: "HOST:PORT" such as "127.0.0.1:${portDefault}", not ${JSON.stringify(listen)}`);
  }
  const host = bracketed ?? (plain === "" ? "127.0.0.1" : plain);
  try {
    const { address, family } = await lookup(host);
    return { host: address, port, family: family === 6 ? 6 : 4 };
  } catch (cause) {
    const remedy = "listen on an address or a name of this machine, or on 0.0.0.0, which is all of them";
    throw new DmmapError("DMMAP_UNREACHABLE", `cannot listen on ${host}: no such host`, { cause, remedy });
  }
}

export function urlOf({ host, port, family }: SocketAddress): string {
  return family === 6 ? `dmmap://[${host}]:${port}` : `dmmap://${host}:${port}`;
}
