import { DmmapError } from "../core/error.js";
import type { LeaseKey } from "../core/home/lease-table.js";
import type { Attributes } from "../core/wire/attributes.js";
import { FrameType, pathLengthMax } from "../core/wire/frame.js";
import { capabilityName } from "../core/wire/leases.js";
import type { EndingBy } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";
import { hasSetId, withoutSetId } from "../kernel/set-id.js";
import { storeError } from "../store/store-error.js";
import type { FolderPage, Tree } from "../store/tree.js";
import { walkPath } from "../store/tree-path.js";
import { doneBefore } from "./done-before.js";
import { openFor } from "./file-handler.js";
import { fitting } from "./folder-page.js";
import type { HomeContext } from "./home-context.js";
import type { Session } from "./session.js";
import { checkThing } from "./thing.js";
import type { TreeRequest, TreeRequestOf } from "./tree-schemas.js";

const withoutXattr: ReadonlySet<number> = new Set([Errno.ENODATA, Errno.EOPNOTSUPP]);

/** Requests for names, attributes and all else that the tree of the store answers at once. */
export class TreeHandler {
  readonly #home: HomeContext;

  constructor(home: HomeContext) {
    this.#home = home;
  }

  get #tree(): Tree {
    return this.#home.store.tree;
  }

  /** `keys`: what the request changes. @returns the answer; undefined when it comes later. */
  answer(session: Session, request: number, body: TreeRequest, keys: readonly LeaseKey[]): object | undefined {
    checkThing(this.#tree, body);
    const takesLeases = "lease" in body && body.lease === true;
    if (takesLeases && body.op === "move") this.#home.leases.begin(session);
    const done = session.hasForgotten ? doneBefore(this.#tree, body) : undefined;
    const answer = done ?? this.#answer(session, request, body);
    return answer === undefined || !takesLeases ? answer : this.#onLease(session, body, answer, keys);
  }

  /** The same answer, with what of it the node may go by. */
  #onLease(session: Session, body: TreeRequest, answer: object, keys: readonly LeaseKey[]): object {
    const { leases } = this.#home;
    const changed = keys.length > 0 ? leases.changed(session, keys, (inode) => this.#find(inode)) : {};
    if (body.op === "readdir") {
      const { entries, more } = answer as FolderPage;
      const told = entries.map(({ name, attributes }) => {
        return { name, attributes, leased: leases.listed(session, body.inode, name, attributes) };
      });
      return { entries: told, more };
    }
    if (body.op === "move") {
      leases.insist(session, body.newParent, body.newName);
      if (body.flags === "exchange") leases.insist(session, body.parent, body.name);
    }
    const { attributes } = answer as { attributes?: Attributes | null };
    const told = attributes ? leases.attributes(session, attributes) : 0;
    const named = attributes && "parent" in body && "name" in body ? leases.name(session, body.parent, body.name) : 0;
    const plain = this.#withoutPrivileges(body, answer);
    const missing = plain === undefined ? 0 : leases.noPrivileges(session, plain);
    const absent = this.#leadsNowhere(body, attributes) ? leases.absent(session, body.parent, body.name) : 0;
    return { ...answer, leased: told + named + missing + absent, ...changed };
  }

  /** The file whose writes have nothing to end, told to who is about to want to know: it has asked, or has made the file. */
  #withoutPrivileges(body: TreeRequest, answer: object): number | undefined {
    if (body.op === "getxattr") {
      const found = (answer as { value: string | null }).value === null ? this.#find(body.inode) : undefined;
      return found !== undefined && isPlain(found) ? body.inode : undefined;
    }
    const { attributes } = answer as { attributes?: Attributes };
    const isToldOf = body.op === "create" ? body.exclusive : body.op === "setattr" && this.#endsAll(body);
    return isToldOf && attributes !== undefined && isPlain(attributes) ? attributes.inode : undefined;
  }

  #endsAll({ inode, endsPrivileges }: TreeRequestOf<"setattr">): boolean {
    if (!endsPrivileges) return false;
    try {
      return this.#getxattr({ op: "getxattr", inode, name: capabilityName, lease: true }) === null;
    } catch (error) {
      if (error instanceof DmmapError) return false; // The change is done: this only asks what else can be told.
      throw error;
    }
  }

  /** A name that was removed may be there: again, or still, as one of two names of a file of which one was moved onto the other. */
  #leadsNowhere(
    body: TreeRequest,
    attributes: Attributes | null | undefined,
  ): body is TreeRequestOf<"lookup" | "unlink" | "rmdir" | "move"> {
    if (body.op === "lookup") return attributes === null;
    const isRemoved = body.op === "unlink" || body.op === "rmdir" || body.op === "move";
    return isRemoved && this.#isFree(body.parent, body.name);
  }

  /** False as well where the folder is not there any more, as when the node asks once more for what was done before. */
  #isFree(parent: number, name: string): boolean {
    return this.#seen(parent, name) === undefined;
  }

  /** What is there; null where that cannot be told. */
  #seen(parent: number, name: string): Attributes | undefined | null {
    try {
      return this.#tree.lookup(parent, name);
    } catch (error) {
      if (error instanceof DmmapError) return null;
      throw error;
    }
  }

  #find(inode: number): Attributes | undefined {
    try {
      return this.#tree.attributes(inode);
    } catch (error) {
      if (error instanceof DmmapError) return undefined;
      throw error;
    }
  }

  #answer(session: Session, request: number, body: TreeRequest): object | undefined {
    const tree = this.#tree;
    switch (body.op) {
      case "identify":
        return { attributes: tree.identify(body.inode, body.path) };
      case "lookup":
        return { attributes: this.#lookup(body) ?? null };
      case "walk":
        return this.#walk(body);
      case "getattr":
        return { attributes: tree.attributes(body.inode) };
      case "setattr":
        return { attributes: this.#setattr(body) };
      case "create":
        return this.#create(session, body);
      case "mkdir":
        return { attributes: tree.mkdir(body.parent, body.name, body) };
      case "mknod":
        return { attributes: tree.mknod(body.parent, body.name, body.kind, body.device, body) };
      case "symlink":
        return { attributes: tree.symlink(body.parent, body.name, body.target, body) };
      case "link":
        return { attributes: tree.link(body.inode, body.parent, body.name) };
      case "unlink":
        tree.unlink(body.parent, body.name);
        return {};
      case "rmdir":
        tree.rmdir(body.parent, body.name);
        return {};
      case "move":
        return this.#move(body);
      case "syncNames":
        return this.#sync(session, request);
      default:
        return this.#read(body);
    }
  }

  #read(body: TreeRequest): object {
    const tree = this.#tree;
    switch (body.op) {
      case "readlink":
        return { target: tree.readlink(body.inode) };
      case "readdir":
        return fitting(tree.readdir(body.inode, body.after, body.limit));
      case "getxattr":
        return { value: this.#getxattr(body) };
      case "setxattr":
        tree.setxattr(body.inode, body.name, Buffer.from(body.value, "base64"), body.mode);
        return {};
      case "listxattr":
        return { names: tree.listxattr(body.inode) };
      case "removexattr":
        tree.removexattr(body.inode, body.name);
        return {};
      case "statfs":
        return tree.statfs();
      default:
        throw new DmmapError("DMMAP_UNSUPPORTED", `this home knows no request ${body.op}`);
    }
  }

  #getxattr({ inode, name, lease }: TreeRequestOf<"getxattr">): string | null {
    try {
      return Buffer.from(this.#tree.getxattr(inode, name)).toString("base64");
    } catch (error) {
      // Where there are no such attributes at all, no file has one.
      const isMissing = error instanceof DmmapError && withoutXattr.has(error.errno ?? 0);
      if (isMissing && name === capabilityName && lease === true) return null;
      throw error;
    }
  }

  #lookup({ parent, name }: TreeRequestOf<"lookup">): Attributes | undefined {
    const tree = this.#tree;
    return parent === 0 ? tree.attributes(tree.root) : tree.lookup(parent, name);
  }

  #walk({ path, follow }: TreeRequestOf<"walk">): object {
    const { parent, name, attributes, missing } = walkPath(this.#tree, path, { followLast: follow });
    if (missing.length > 0) throw storeError(path, Errno.ENOENT);
    return { parent, name, attributes: attributes ?? null };
  }

  #setattr({
    inode,
    op: _,
    born: _born,
    endsPrivileges,
    isClaim: _isClaim,
    ...changes
  }: TreeRequestOf<"setattr">): Attributes {
    const mode = changes.mode ?? (endsPrivileges && this.#modeWithoutPrivileges(inode, endsPrivileges));
    const attributes = this.#tree.setAttributes(inode, { ...changes, mode });
    if (changes.mtime !== undefined) this.#home.files.byInode(inode)?.times.set(attributes.mtime);
    return attributes;
  }

  /** Undefined where there are none to end. */
  #modeWithoutPrivileges(inode: number, { groups }: EndingBy): number | undefined {
    const { kind, gid } = this.#tree.attributes(inode);
    if (kind !== "file") return undefined;
    const mode = this.#tree.storedMode(inode);
    const left = withoutSetId(mode, groups === "all" || groups.includes(gid));
    return left === mode ? undefined : left;
  }

  #create(session: Session, { parent, name, open, ...options }: TreeRequestOf<"create">): object {
    const write = open === "write";
    const { file, attributes, created, mayHaveList } = this.#tree.create(parent, name, { ...options, write });
    if (open !== undefined) {
      const adopted = this.#home.files.adopt(file, session.node);
      const unmake = created ? () => this.#tree.unlink(parent, name) : undefined;
      const opened = openFor(this.#home, session, adopted, write, unmake);
      return { attributes, opened, ...(mayHaveList && { mayHaveList }) };
    }
    file.close();
    return { attributes };
  }

  #move({ parent, name, newParent, newName, flags }: TreeRequestOf<"move">): object {
    this.#tree.move(parent, name, newParent, newName, flags);
    this.#moved(newParent, newName);
    if (flags === "exchange") this.#moved(parent, name);
    return {};
  }

  /** Only with a folder do others move along: there may be thousands of open files, and each wants a look at the disk. */
  #moved(parent: number, name: string): void {
    const { files } = this.#home;
    const { kind, inode = 0 } = this.#seen(parent, name) ?? {};
    const moved = kind === "folder" ? files.all() : [files.byInode(inode) ?? []].flat();
    for (const open of moved) this.#rename(open);
  }

  /** What people see of an open file follows its name. */
  #rename(open: { name: string; readonly file: { readonly inode: number } }): void {
    try {
      const path = this.#tree.pathOf(open.file.inode);
      if (path.length <= pathLengthMax) open.name = path;
    } catch {
      // It has none any more.
    }
  }

  #sync(session: Session, request: number): undefined {
    this.#tree.sync((error) => {
      const { connection } = session;
      if (connection === undefined) return; // It will ask again.
      if (error === undefined) connection.reply(FrameType.reply, request, {});
      else connection.fail(request, error);
      this.#home.touched(connection);
    });
  }
}

function isPlain({ mode }: Attributes): boolean {
  return !hasSetId(mode);
}
