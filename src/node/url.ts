import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { DmmapError } from "../core/error.js";
import type { SocketAddress } from "../kernel/socket.js";

export const defaultPort = 7400;

/** `dmmap://HOST:PORT`, taken apart. */
export interface HomeUrl {
  readonly host: string;
  readonly port: number;
}

/** @throws DMMAP_BAD_URL, which says what was expected. */
export function parseHomeUrl(text: string): HomeUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw badUrl(text, cause);
  }
  if (url.protocol !== "dmmap:" || url.hostname === "" || url.username !== "" || url.search !== "" || url.hash !== "") {
    throw badUrl(text);
  }
  if (url.pathname !== "" && url.pathname !== "/") throw hasPath(text, url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { host, port: url.port === "" ? defaultPort : Number(url.port) };
}

/** The first address of the host. @throws DMMAP_UNREACHABLE when it has none. */
export async function resolveHome({ host, port }: HomeUrl): Promise<SocketAddress> {
  const family = isIP(host);
  if (family !== 0) return { host, port, family: family as 4 | 6 };
  try {
    const found = await lookup(host);
    return { host: found.address, port, family: found.family as 4 | 6 };
  } catch (cause) {
    throw new DmmapError("DMMAP_UNREACHABLE", `no address is known for the host "${host}"`, { cause });
  }
}

/** Whoever wrote it meant a part of the volume, and must not get the whole. */
function hasPath(text: string, { host, pathname }: URL): DmmapError {
  const message = `"${text}" is not a home's address: expected dmmap://HOST:PORT, without the path ${pathname}`;
  return new DmmapError("DMMAP_BAD_URL", message, { remedy: `dmmap://${host}, which is the whole volume` });
}

function badUrl(text: string, cause?: unknown): DmmapError {
  return new DmmapError("DMMAP_BAD_URL", `"${text}" is not a home's address: expected dmmap://HOST:PORT`, { cause });
}
