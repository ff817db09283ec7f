import { DmmapError } from "./error.js";

const portFree = 1024;

/** Why nothing can listen there. `code`: the system's, such as EADDRINUSE. */
export function listenError(host: string, port: number, code: string | undefined, cause: unknown): DmmapError {
  const place = `port ${port} of ${host}`;
  if (code === "EADDRINUSE") {
    const remedy = "stop what listens there, or choose another port (0 takes any that is free)";
    return new DmmapError("DMMAP_PORT_IN_USE", `${place} is in use: ${remedy}`, { cause });
  }
  const isReserved = code === "EACCES" && port < portFree;
  const reason = isReserved
    ? `ports below ${portFree} are for root (CAP_NET_BIND_SERVICE)`
    : (code ?? "no reason given");
  const remedy = isReserved ? `choose a port from ${portFree} on` : remedies[code ?? ""];
  return new DmmapError("DMMAP_UNREACHABLE", `cannot listen on ${place}: ${reason}`, { cause, remedy });
}

const remedies: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "listen on an address of this machine (ip address), or on 0.0.0.0, which is all of them",
};
