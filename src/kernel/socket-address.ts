import { isIPv4, isIPv6 } from "node:net";

/** A numeric address: names are resolved before they come here. */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
}

export const socketAddressBytesMax = 28;

const afInet = 2;
const afInet6 = 10;

/**
 * Writes a struct sockaddr_in or sockaddr_in6 at the start of `data`.
 *
 * @returns its length.
 */
export function encodeSocketAddress({ host, port, family }: SocketAddress, data: DataView): number {
  if (!(family === 4 ? isIPv4(host) : isIPv6(host))) throw new TypeError(`not a numeric IPv${family} address: ${host}`);
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw new RangeError(`not a port: ${port}`);
  for (let at = 0; at < socketAddressBytesMax; at++) data.setUint8(at, 0);
  data.setUint16(0, family === 6 ? afInet6 : afInet, true);
  data.setUint16(2, port, false);
  if (family === 4) {
    for (const [index, byte] of host.split(".").entries()) data.setUint8(4 + index, Number(byte));
    return 16;
  }
  const [groups, scope] = parseIPv6(host);
  for (const [index, group] of groups.entries()) data.setUint16(8 + index * 2, group, false);
  data.setUint32(24, scope, true);
  return 28;
}

/** The address in a struct sockaddr_in or sockaddr_in6, in the form that `encodeSocketAddress` takes. */
export function decodeSocketAddress(data: DataView): SocketAddress {
  const port = data.getUint16(2, false);
  if (data.getUint16(0, true) === afInet) {
    return { host: [4, 5, 6, 7].map((at) => data.getUint8(at)).join("."), port, family: 4 };
  }
  const groups = Array.from({ length: 8 }, (_, index) => data.getUint16(8 + index * 2, false));
  const scope = data.getUint32(24, true);
  return { host: formatIPv6(groups) + (scope === 0 ? "" : `%${scope}`), port, family: 6 };
}

/** Its eight groups, and the index of the network interface that a link-local address names: `fe80::1%2`. */
function parseIPv6(host: string): [groups: number[], scope: number] {
  const [address, scope = "0"] = host.split("%");
  if (!/^\d+$/.test(scope)) throw new TypeError(`give the interface of ${host} as a number`);
  const [head, tail] = address.split("::");
  const first = parseGroups(head);
  const last = parseGroups(tail);
  const zeros = new Array<number>(8 - first.length - last.length).fill(0);
  return [[...first, ...zeros, ...last], Number(scope)];
}

/** The last 32 bits may be written as an IPv4 address: `::ffff:127.0.0.1`. */
function parseGroups(part: string | undefined): number[] {
  if (part === undefined || part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a, b, c, d] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** As RFC 5952 wants it: small letters, the longest run of two or more zero groups as `::`. */
function formatIPv6(groups: readonly number[]): string {
  const run = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(":");
  return `${hex.slice(0, run.start).join(":")}::${hex.slice(run.start + run.length).join(":")}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
