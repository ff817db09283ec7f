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
  /** By inode, since when: another object each time that it is in doubt again. */
  readonly #mayHave = new Map<number, object>();

  constructor(requests: InodeRequests) {
    this.#requests = requests;
  }

  /** The kernel is told of these attributes. */
  saw({ inode, kind, mode }: Attributes): void {
    if (kind === "file" && withoutSetId(mode) !== mode) this.#mayHave.set(inode, {});
    else if (this.#mayHave.size > 0) this.#mayHave.delete(inode);
  }

  /** Others change this, or may have. */
  doubt(inode: number): void {
    this.#mayHave.set(inode, {});
  }

  /** The kernel does not know it any more: it is told of it again before it writes to it. */
  forgotten(inode: number): void {
    this.#mayHave.delete(inode);
  }

  mayHave(inode: number): boolean {
    return this.#mayHave.has(inode);
  }

  /**
   * Ends them, and goes on: mostly at once. What is called back meanwhile may change after the answer: 1. The home asks this mount
   * to forget the attributes, for another host's chmod. 2. It ends the privileges, and answers. 3. It hears that the mount has
   * forgotten, and does the chmod.
   */
  end(request: Request, inode: number, then: () => void): void {
    const since = this.#mayHave.get(inode);
    if (since === undefined) return then();
    request.keep();
    const change = { op: "setattr", inodes: [inode], args: { inode, endsPrivileges: true }, keys: [inode] };
    const onAnswer = () => {
      if (this.#mayHave.get(inode) === since) this.#mayHave.delete(inode);
    };
    this.#requests.change(request, { ...change, onAnswer }, then);
  }
}
