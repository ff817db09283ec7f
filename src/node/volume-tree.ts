import { EventEmitter } from "node:events";
import { DmmapError } from "../core/error.js";
import type { Attributes, Space, Time, XattrMode } from "../core/wire/attributes.js";
import type { ControlOperation, ControlOperations } from "../core/wire/control.js";
import { checkChoice, checkName } from "./arguments.js";

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
  ): Promise<ControlOperations[Op]["reply"]>;

  /** What has this name; of a symbolic link its own attributes. */
  async lstat(path: string): Promise<Attributes> {
    return found(path, await this.#walk(path, false));
  }

  /** Everything in a folder, in the order of the names' bytes. */
  async readdir(path = ""): Promise<FolderEntry[]> {
    return await this.#at(path, true, async ({ inode }) => {
      const entries: FolderEntry[] = [];
      for (;;) {
        const after = entries.at(-1)?.name ?? "";
        const page = await this.ask("readdir", { inode, after, limit: pageEntries });
        entries.push(...page.entries);
        if (!page.more) return entries;
      }
    });
  }

  /** Makes a folder; `recursive`: those above it too, and none that is there is an error. */
  async mkdir(path: string, options: { readonly mode?: number; readonly recursive?: boolean } = {}): Promise<void> {
    const { mode = 0o777, recursive = false } = options;
    const parts = checkName(path, "a folder's path").split("/");
    const paths = recursive ? parts.map((_, index) => parts.slice(0, index + 1).join("/")) : [path];
    for (const each of paths) await this.#mkdir(each, checkMode(mode), recursive);
  }

  /** Removes an empty folder. */
  async rmdir(path: string): Promise<void> {
    await this.#named(path, (place) => this.ask("rmdir", place));
  }

  async symlink(target: string, path: string): Promise<void> {
    checkName(target, "a target");
    await this.#named(path, (place) => this.ask("symlink", { ...place, target, ...owner() }));
  }

  async readlink(path: string): Promise<string> {
    return await this.#at(path, false, async ({ inode }) => (await this.ask("readlink", { inode })).target);
  }

  /** Gives a file another name. */
  async link(existing: string, path: string): Promise<void> {
    await this.#at(existing, false, ({ inode }) => this.#named(path, (place) => this.ask("link", { ...place, inode })));
  }

  /** Renames anything, folders too: atomically, over what has the new name (a folder only when empty), unless asked otherwise. */
  async move(from: string, to: string, options: { readonly onExisting?: MoveChoice } = {}): Promise<void> {
    const choice = checkChoice(options.onExisting ?? "replace", "onExisting", ["replace", "fail", "exchange"]);
    const flags = choice === "fail" ? "noReplace" : choice;
    await this.#named(from, (source) =>
      this.#named(to, ({ parent, name }) => this.ask("move", { ...source, newParent: parent, newName: name, flags })),
    );
  }

  async chmod(path: string, mode: number): Promise<void> {
    checkMode(mode);
    await this.#at(path, true, ({ inode }) => this.ask("setattr", { inode, mode }));
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    await this.#at(path, true, ({ inode }) => this.ask("setattr", { inode, uid, gid }));
  }

  /** "now" is the home's clock. */
  async utimes(path: string, atime: Time | Date | "now", mtime: Time | Date | "now"): Promise<void> {
    const times = { atime: timeOf(atime), mtime: timeOf(mtime) };
    await this.#at(path, true, ({ inode }) => this.ask("setattr", { inode, ...times }));
  }

  async getxattr(path: string, name: string): Promise<Uint8Array> {
    return await this.#at(path, true, async ({ inode }) => {
      const { value } = await this.ask("getxattr", { inode, name });
      return new Uint8Array(Buffer.from(value, "base64"));
    });
  }

  async setxattr(path: string, name: string, value: Uint8Array, mode: XattrMode = "any"): Promise<void> {
    const text = Buffer.from(value).toString("base64");
    await this.#at(path, true, ({ inode }) => this.ask("setxattr", { inode, name, value: text, mode }));
  }

  async listxattr(path: string): Promise<string[]> {
    return await this.#at(path, true, async ({ inode }) => (await this.ask("listxattr", { inode })).names);
  }

  async removexattr(path: string, name: string): Promise<void> {
    await this.#at(path, true, ({ inode }) => this.ask("removexattr", { inode, name }));
  }

  /** Room in the home's filesystem. */
  async statfs(): Promise<Space> {
    return await this.ask("statfs", {});
  }

  /** Resolves when every change of names before this call is on the home's stable storage. */
  async syncNames(): Promise<void> {
    await this.ask("syncNames", {});
  }

  async #mkdir(path: string, mode: number, mayExist: boolean): Promise<void> {
    try {
      const umasked = mode - (mode & process.umask());
      await this.#named(path, (place) => this.ask("mkdir", { ...place, mode: umasked, ...owner() }));
    } catch (error) {
      if (!mayExist || (error as DmmapError).code !== "DMMAP_EXISTS") throw error;
    }
  }

  /** Runs `act` on what has this path. */
  #at<Result>(path: string, follow: boolean, act: (attributes: Attributes) => Promise<Result>): Promise<Result> {
    return again(async () => act(found(path, await this.#walk(path, follow))));
  }

  /** Runs `act` on the folder and the name that a path means, whether or not there is something. */
  #named<Result>(path: string, act: (place: { parent: number; name: string }) => Promise<Result>): Promise<Result> {
    return again(async () => {
      const { parent, name } = await this.#walk(path, false);
      if (name === "") throw new DmmapError("DMMAP_BAD_NAME", "the served folder itself has no name");
      return await act({ parent, name });
    });
  }

  async #walk(path: string, follow: boolean): Promise<Walked> {
    return await this.ask("walk", { path: checkName(path, "a path"), follow });
  }
}

/** What `move` does when the new name is there. */
export type MoveChoice = "replace" | "fail" | "exchange";

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

function checkMode(mode: number): number {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    throw new RangeError(`mode must be permissions from 0 to 0o7777, not ${mode}`);
  }
  return mode;
}

function timeOf(time: Time | Date | "now"): Time | "now" {
  if (!(time instanceof Date)) return time;
  const millis = time.getTime();
  const seconds = Math.floor(millis / 1000);
  return [seconds, Math.round((millis - seconds * 1000) * 1_000_000)];
}
