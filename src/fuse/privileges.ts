import type { Attributes } from "../core/wire/attributes.js";
import type { InodeRequests } from "./inode-requests.js";
import type { Request } from "./request.js";

const setUserId = 0o4000;
const setGroupId = 0o2000;
const groupExecute = 0o010;

/**
 * Files that run as their owner or group: a write or a cut by anybody without the right to that (CAP_FSETID) ends it. The
 * kernel leaves this to the mount (HANDLE_KILLPRIV_V2) and marks such requests, whatever the file's mode: so the modes of
 * the few such files are kept, as this mount's kernel was told of them last.
 */
export class Privileges {
  readonly #requests: InodeRequests;
  /** Modes without the privileges, by inode. */
  readonly #without = new Map<number, number>();

  constructor(requests: InodeRequests) {
    this.#requests = requests;
  }

  /** The kernel is told of these attributes. */
  saw({ inode, kind, mode }: Attributes): void {
    const without = kind === "file" ? withoutPrivileges(mode) : mode;
    if (without !== mode) this.#without.set(inode, without);
    else if (this.#without.size > 0) this.#without.delete(inode);
  }

  /** The mode that the file has without them; undefined when it has none. */
  modeWithout(inode: number): number | undefined {
    return this.#without.get(inode);
  }

  /** Ends them, and goes on: mostly at once. */
  end(request: Request, inode: number, then: () => void): void {
    const mode = this.#without.get(inode);
    if (mode === undefined) return then();
    request.keep();
    const change = { op: "setattr", inodes: [inode], args: { inode, mode }, keys: [inode] };
    this.#requests.change(request, change, () => {
      this.#without.delete(inode);
      then();
    });
  }
}

/** As notify_change in Linux has it: set-group-id without execution by the group is a mark of something else. */
function withoutPrivileges(mode: number): number {
  const group = (mode & groupExecute) === 0 ? 0 : setGroupId;
  return mode & ~(setUserId | group);
}
