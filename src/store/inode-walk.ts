import { Errno } from "../kernel/errno.js";
import { type InodeFacts, type Stat, statAt, statOf } from "../kernel/facts.js";
import { OpenFlag, openExactly } from "../kernel/folder.js";
import * as libc from "../kernel/libc.js";
import { InodePlaces } from "./inode-places.js";
import { ownFolder } from "./names.js";
import { ReplacedFiles } from "./replaced-files.js";
import { storeError } from "./store-error.js";

const itself = OpenFlag.path | OpenFlag.noFollow;
/** A path goes to the kernel in parts of so many UTF-16 units, each at most three bytes, of 4095. */
const partLengthMax = 1300;

interface Opened {
  readonly fd: number;
  readonly facts: InodeFacts;
}

const nothing = { attributes: undefined, device: undefined };

/** From an inode to a descriptor: by the places where it was seen, each checked when it is used. */
export class InodeWalk {
  readonly root: number;
  readonly places: InodePlaces;
  readonly replaced = new ReplacedFiles();
  readonly #rootFd: number;
  readonly #device: string;

  /** `rootFd` stays the caller's. */
  constructor(rootFd: number) {
    const { attributes, device } = statOf(rootFd);
    this.root = attributes.inode;
    this.places = new InodePlaces(this.root);
    this.#rootFd = rootFd;
    this.#device = device;
  }

  /** Tells files apart as `FileFacts.key` does. */
  keyOf(inode: number): string {
    return `${this.#device}:${Math.floor(inode / 0x1_0000_0000)}:${inode % 0x1_0000_0000}`;
  }

  /** Runs `call` with a descriptor of this inode, O_PATH perhaps. Throws ESTALE when it is at none of its known places. */
  with<Result>(inode: number, call: (fd: number, facts: InodeFacts) => Result): Result {
    if (inode === this.root) return call(this.#rootFd, statOf(this.#rootFd).attributes);
    const { fd, facts } = this.#open(inode);
    try {
      return call(fd, facts);
    } finally {
      libc.close(fd);
    }
  }

  /** As `with`, of a folder: ENOTDIR of anything else. */
  withFolder<Result>(inode: number, call: (fd: number, facts: InodeFacts) => Result): Result {
    return this.with(inode, (fd, facts) => {
      if (facts.kind !== "folder") throw storeError(this.nameOf(inode), Errno.ENOTDIR);
      return call(fd, facts);
    });
  }

  /** What has this name in an open folder, and its place noted. Undefined when there is nothing. */
  look(parent: number, parentFd: number, name: string): InodeFacts | undefined {
    if (parent === this.root && name === ownFolder) return undefined;
    const stat = statAt(parentFd, name);
    if (stat === undefined) {
      const errno = libc.errno();
      if (errno === Errno.ENOENT) return undefined;
      throw storeError(name, errno);
    }
    this.#check(stat, name);
    this.places.note(stat.attributes.inode, parent, name);
    return stat.attributes;
  }

  /** For messages. */
  nameOf(inode: number): string {
    return this.places.pathOf(inode) || (inode === this.root ? "the served folder" : `inode ${inode}`);
  }

  /** A path to it that leads there now. */
  pathOf(inode: number): string {
    if (inode !== this.root) libc.close(this.#open(inode).fd); // Drops the places where it is not.
    const path = this.places.pathOf(inode);
    if (path === undefined) throw storeError(`inode ${inode}`, Errno.ESTALE);
    return path;
  }

  #open(inode: number): Opened {
    for (let place = this.places.latest(inode); place !== undefined; place = this.places.latest(inode)) {
      const path = this.places.pathOf(inode);
      if (path === undefined) break;
      const fd = this.#openPath(path);
      const { attributes, device } = fd < 0 ? nothing : statOf(fd);
      if (attributes?.inode === inode && device === this.#device) return { fd, facts: attributes };
      if (fd >= 0) libc.close(fd);
      else if (!isElsewhere(-fd)) throw storeError(path, -fd);
      this.places.forget(inode, place.parent, place.name);
    }
    const fd = this.replaced.open(inode);
    if (fd !== undefined) return { fd, facts: statOf(fd).attributes };
    throw storeError(`inode ${inode}`, Errno.ESTALE);
  }

  /** In parts, each at most as long as the kernel takes. */
  #openPath(path: string): number {
    let from = this.#rootFd;
    let left = path;
    while (left.length > partLengthMax) {
      const cut = left.lastIndexOf("/", partLengthMax);
      const fd = openExactly(from, left.slice(0, cut), itself);
      if (from !== this.#rootFd) libc.close(from);
      if (fd < 0) return fd;
      from = fd;
      left = left.slice(cut + 1);
    }
    const fd = openExactly(from, left, itself);
    if (from !== this.#rootFd) libc.close(from);
    return fd;
  }

  #check({ attributes, device }: Stat, name: string): void {
    if (device !== this.#device) throw storeError(name, Errno.EXDEV);
    if (!Number.isSafeInteger(attributes.inode)) throw storeError(name, Errno.EOVERFLOW);
  }
}

/** What the walk answers when somebody moved, replaced or removed a part of the path. */
function isElsewhere(errno: number): boolean {
  return errno === Errno.ENOENT || errno === Errno.ENOTDIR || errno === Errno.ELOOP || errno === Errno.EXDEV;
}
