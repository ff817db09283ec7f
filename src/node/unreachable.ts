import { DmmapError } from "../core/error.js";
import type { SocketAddress } from "../kernel/socket.js";

/** For people. */
export function at({ host, port, family }: SocketAddress): string {
  return family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

export function unreachable(address: SocketAddress, reason: string, cause?: unknown): DmmapError {
  const message = `the home at ${at(address)} cannot be reached: ${reason}. Is "dmmap serve" running there?`;
  return new DmmapError("DMMAP_UNREACHABLE", message, { cause });
}
