import { DmmapError } from "./error.js";

/** Why nothing can listen there. `code`: the system's, such as EADDRINUSE. */
export function listenError(host: string, port: number, code: string | undefined, cause: unknown): DmmapError {
  if (code === "EADDRINUSE") {
    const remedy = "stop what listens there, or choose another port (0 takes any that is free)";
    return new DmmapError("DMMAP_PORT_IN_USE", `port ${port} of ${host} is in use: ${remedy}`, { cause });
  }
  return new DmmapError("DMMAP_UNREACHABLE", `cannot listen on port ${port} of ${host}: ${code}`, { cause });
}
