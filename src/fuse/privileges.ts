import type { EndingBy } from "../core/wire/tree-requests.js";
import { Capability } from "../kernel/credentials.js";
import { groupsOf, isCapable } from "./caller.js";
import type { InodeRequests } from "./inode-requests.js";
import type { Leases } from "./leases.js";
import type { Request } from "./request.js";

/**
 * Files that run as their owner or group: a write or a cut by anybody without the right to that (CAP_FSETID) ends it. The
 * kernel leaves this to the mount (HANDLE_KILLPRIV_V2) and marks such requests, whatever the file's mode: that there is nothing to
 * end is known on a lease. What becomes of the mode is for the home to say, which knows what another host has made of it since.
 */
export class Privileges {
  readonly #requests: InodeRequests;
  readonly #leases: Leases;

  constructor(requests: InodeRequests, leases: Leases) {
    this.#requests = requests;
    this.#leases = leases;
  }

  mayHave(inode: number): boolean {
    return !this.#leases.lacksPrivileges(inode);
  }

  /** Who asks. The kernel marks the writes of those alone who lack the right, but every change of an owner. */
  endingBy(request: Request): EndingBy {
    return { groups: isCapable(request, Capability.fsetid) ? "all" : groupsOf(request) };
  }

  /** Ends them, and goes on: mostly at once. */
  end(request: Request, inode: number, then: () => void): void {
    if (!this.mayHave(inode)) return then();
    request.keep();
    const args = { inode, endsPrivileges: this.endingBy(request) };
    this.#requests.change(request, { op: "setattr", inodes: [inode], args, keys: [inode] }, then);
  }
}
