import { credentialsOf } from "../kernel/credentials.js";
import type { Request } from "./request.js";

/** As many as fit into a request to the home. */
const groupsMax = 16_384;

type Caller = Pick<Request, "uid" | "gid" | "thread">;

/** The groups of who asks: none of those that cannot be known. */
export function groupsOf({ gid, thread }: Caller): number[] {
  return [gid, ...(credentialsOf(thread)?.groups ?? [])].slice(0, groupsMax);
}

/** Whether who asks has this right over the whole machine. In a user namespace of its own any program has every right there. */
export function isCapable({ uid, thread }: Caller, capability: number): boolean {
  if (uid !== 0) return false;
  const known = credentialsOf(thread);
  return known === undefined || (known.capabilities & capability) !== 0;
}
