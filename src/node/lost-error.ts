import { DmmapError } from "../core/error.js";

export function lostError(name: string): DmmapError {
  const message = `stores to ${name} were lost before the home had them; which and why has been reported`;
  return new DmmapError("DMMAP_LOST", message);
}
