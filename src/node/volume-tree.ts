import { EventEmitter } from "node:events";
import { DmmapError } from "../core/error.js";
import type { Attributes, Space, Time, XattrMode } from "../core/wire/attributes.js";
import type { ControlOperation, ControlOperations } from "../core/wire/control.js";
import { checkChoice, checkMode, checkName, checkOwner, checkTime } from "./arguments.js";
import { type Patience, shared } from "./patience.js";

export interface FolderEntry {
  readonly name: string;
  readonly attributes: Attributes;
}

type Walked = ControlOperations["walk"]["reply"];

const pageEntries = 1000;

/**
 * A volume as a filesystem: folders, links, owners, times. Paths are relative to the served folder, "" the folder itself.
 * Symbolic links are followed as the home's system would, never out of the folder, in all parts but the last; `chmod`,
 * `chown`, `utimes` and the extended attributes follow the last one too.
 *
 * Failures are DmmapErrors whose `errno` is what Linux says of the same on a local disk.
 */
export abstract class VolumeTree<Events extends Record<keyof Events, unknown[]>> extends EventEmitter<Events> {
  protected abstract ask<Op extends ControlOperation>(
    op: Op,
    args: ControlOperations[Op]["request"],
    patience: Patience,
  ): Promise<ControlOperations[Op]["reply"]>;

  /** What has this name; of a symbolic link its own attributes. */
  async lstat(path: string, options: Patience = {}): Promise<Attributes> {
    return found(path, await this.#walk(path, false, options));
  }

  /** Everything in a folder, in the order of the names' bytes. */
  async readdir(path = "", options: Patience = {}): Promise<FolderEntry[]> {
    return await this.#at(path, true, options, async ({ inode }, patience) => {
      const entries: FolderEntry[] = [];
      for (;;) {
        const after = entries.at(-1)?.name ?? "";
        const page = await this.ask("readdir", { inode, after, limit: pageEntries }, patience);
        entries.push(...page.entries);
        if (!page.more) return entries;
      }
    });
  }

  /** Makes a folder; `recursive`: those above it too, and none that is there is an error. */
  async mkdir(path: string, options: MkdirOptions = {}): Promise<void> {
    const { recursive = false } = options;
    const mode = checkMode(options.mode ?? 0o777);
    const patience = shared(options);
    const parts = checkName(path, "a folder's path").split("/");
    const paths = recursive ? parts.map((_, index) => parts.slice(0, index + 1).join("/")) : [path];
    for (const each of paths) await this.#mkdir(each, mode, recursive, patience);
  }

  /** Removes an empty folder. */
  async rmdir(path: string, options: Patience = {}): Promise<void> {
    await this.#named(path, options, (place, patience) => this.ask("rmdir", place, patience));
  }

  async symlink(target: string, path: string, options: Patience = {}): Promise<void> {
    checkName(target, "a target");
    await this.#named(path, options, (place, patience) =>
      this.ask("symlink", { ...place, target, ...owner() }, patience),
    );
  }

  async readlink(path: string, options: Patience = {}): Promise<string> {
    return await this.#at(path, false, options, async ({ inode }, patience) => {
      return (await this.ask("readlink", { inode }, patience)).target;
    });
  }

  /** Gives a file another name. */
  async link(existing: string, path: string, options: Patience = {}): Promise<void> {
    await this.#at(existing, false, options, ({ inode }, patience) =>
      this.#named(path, patience, (place) => this.ask("link", { ...place, inode }, patience)),
    );
  }

  /** Renames anything, folders too: atomically, over what has the new name (a folder only when empty), unless asked otherwise. */
  async move(from: string, to: string, { onExisting, ...options }: MoveOptions = {}): Promise<void> {
    const choice = checkChoice(onExisting ?? "replace", "onExisting", ["replace", "fail", "exchange"]);
    const flags = choice === "fail" ? "noReplace" : choice;
    await this.#named(from, options, (source, patience) =>
      this.#named(to, patience, ({ parent, name }) =>
        this.ask("move", { ...source, newParent: parent, newName: name, flags }, patience),
      ),
    );
  }

  async chmod(path: string, mode: number, options: Patience = {}): Promise<void> {
    await this.#setattr(path, { mode: checkMode(mode) }, options);
  }

  async chown(path: string, uid: number, gid: number, options: Patience = {}): Promise<void> {
    await this.#setattr(path, { uid: checkOwner(uid, "uid"), gid: checkOwner(gid, "gid") }, options);
  }

  /** "now" is the home's clock. */
  async utimes(path: string, atime: SetTime, mtime: SetTime, options: Patience = {}): Promise<void> {
    await this.#setattr(path, { atime: checkTime(atime, "atime"), mtime: checkTime(mtime, "mtime") }, options);
  }

  async getxattr(path: string, name: string, options: Patience = {}): Promise<Uint8Array> {
    checkName(name, "an attribute's name");
    return await this.#at(path, true, options, async ({ inode }, patience) => {
      const { value } = await this.ask("getxattr", { inode, name }, patience);
      return new Uint8Array(Buffer.from(value ?? "", "base64")); // Null only for who takes leases.
    });
  }

  async setxattr(path: string, name: string, value: Uint8Array, options: SetxattrOptions = {}): Promise<void> {
    const { mode = "any", ...patience } = options;
    checkName(name, "an attribute's name");
    if (!(value instanceof Uint8Array)) throw new TypeError("setxattr takes the value as a Uint8Array");
    checkChoice(mode, "mode", ["any", "create", "replace"]);
    const text = Buffer.from(value).toString("base64");
    await this.#at(path, true, patience, ({ inode }, left) =>
      this.ask("setxattr", { inode, name, value: text, mode }, left),
    );
  }

  async listxattr(path: string, options: Patience = {}): Promise<string[]> {
    return await this.#at(path, true, options, async ({ inode }, patience) => {
      return (await this.ask("listxattr", { inode }, patience)).names;
    });
  }

  async removexattr(path: string, name: string, options: Patience = {}): Promise<void> {
    checkName(name, "an attribute's name");
    await this.#at(path, true, options, ({ inode }, patience) => this.ask("removexattr", { inode, name }, patience));
  }

  /** Room in the home's filesystem. */
  async statfs(options: Patience = {}): Promise<Space> {
    return await this.ask("statfs", {}, options);
  }

  /** Resolves when every change of names before this call is on the home's stable storage. */
  async syncNames(options: Patience = {}): Promise<void> {
    await this.ask("syncNames", {}, options);
  }

  async #setattr(path: string, change: AttributeChange, options: Patience): Promise<void> {
    await this.#at(path, true, options, ({ inode }, patience) => this.ask("setattr", { inode, ...change }, patience));
  }

  async #mkdir(path: string, mode: number, mayExist: boolean, patience: Patience): Promise<void> {
    try {
      const umasked = mode - (mode & process.umask());
      await this.#named(path, patience, (place) =>
        this.ask("mkdir", { ...place, mode: umasked, ...owner() }, patience),
      );
    } catch (error) {
      if (!mayExist || (error as DmmapError).code !== "DMMAP_EXISTS") throw error;
    }
  }

  /** Runs `act` on what has this path, with the patience that is left. */
  #at<Result>(
    path: string,
    follow: boolean,
    options: Patience,
    act: (attributes: Attributes, patience: Patience) => Promise<Result>,
  ): Promise<Result> {
    const patience = shared(options);
    return again(async () => act(found(path, await this.#walk(path, follow, patience)), patience));
  }

  /** Runs `act` on the folder and the name that a path means, whether or not there is something. */
  #named<Result>(
    path: string,
    options: Patience,
    act: (place: { parent: number; name: string }, patience: Patience) => Promise<Result>,
  ): Promise<Result> {
    const patience = shared(options);
    return again(async () => {
      const { parent, name } = await this.#walk(path, false, patience);
      if (name === "") throw new DmmapError("DMMAP_BAD_NAME", "the served folder itself has no name");
      return await act({ parent, name }, patience);
    });
  }

  async #walk(path: string, follow: boolean, patience: Patience): Promise<Walked> {
    return await this.ask("walk", { path: checkName(path, "a path"), follow }, patience);
  }
}

type SetTime = Time | Date | "now";
type AttributeChange = Omit<ControlOperations["setattr"]["request"], "inode">;

/** What `move` does when the new name is there. */
export type MoveChoice = "replace" | "fail" | "exchange";

export interface MoveOptions extends Patience {
  /** Default "replace". */
  readonly onExisting?: MoveChoice;
}

export interface MkdirOptions extends Patience {
  readonly mode?: number;
  readonly recursive?: boolean;
}

export interface SetxattrOptions extends Patience {
  /** Whether it has to be new, or to be there. Default "any". */
  readonly mode?: XattrMode;
}

/** Between the walk and the act somebody moved it, or the home started anew: the second walk sees what is so now. */
async function again<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if ((error as DmmapError).code !== "DMMAP_STALE") throw error;
    return await act();
  }
}

function found(path: string, { attributes }: Walked): Attributes {
  if (attributes === null) throw new DmmapError("DMMAP_NOT_FOUND", `${path}: there is no such file`, { errno: 2 });
  return attributes;
}

function owner(): { uid: number; gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}
