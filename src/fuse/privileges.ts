import type { Attributes } from "../core/wire/attributes.js";
import { withoutSetId } from "../kernel/set-id.js";
import type { InodeRequests } from "./inode-requests.js";
import type { Request } from "./request.js";

/**
 * Files that run as their owner or group: a write or a cut by anybody without the right to that (CAP_FSETID) ends it. The
 * kernel leaves this to the mount (HANDLE_KILLPRIV_V2) and marks such requests, whatever the file's mode: so it is kept which
 * few files may be such. What becomes of the mode is for the home to say, which knows what another host has made of it since.
 */
export class Privileges {
  readonly #requests: InodeRequests;
  readonly #mayHave = new Set<number>();

  constructor(requests: InodeRequests) {
    this.#requests = requests;
  }

  /** The kernel is told of these attributes. */
  saw({ inode, kind, mode }: Attributes): void {
    if (kind === "file" && withoutSetId(mode) !== mode) this.#mayHave.add(inode);
    else if (this.#mayHave.size > 0) this.#mayHave.delete(inode);
  }

  /** Others may have changed these. */
  doubt(inodes: Iterable<number>): void {
    for (const inode of inodes) this.#mayHave.add(inode);
  }

  mayHave(inode: number): boolean {
    return this.#mayHave.has(inode);
  }

  /** Ends them, and goes on: mostly at once. */
  end(request: Request, inode: number, then: () => void): void {
    if (!this.#mayHave.has(inode)) return then();
    request.keep();
    const change = { op: "setattr", inodes: [inode], args: { inode, endsPrivileges: true }, keys: [inode] };
    const onAnswer = () => this.#mayHave.delete(inode);
    this.#requests.change(request, { ...change, onAnswer }, then);
  }
}
