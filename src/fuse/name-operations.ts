import { constants } from "node:fs";
import { type LeaseKey, nameKey } from "../core/home/lease-table.js";
import type { Attributes, FileKind, NodeKind } from "../core/wire/attributes.js";
import type { TreeRequests } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";
import { soundOpened } from "../node/home-answers.js";
import { answerBuffer } from "./answer-buffer.js";
import { kindBits } from "./entry-codec.js";
import { type FileOperations, isWriting } from "./file-operations.js";
import type { Operation } from "./fuse-loop.js";
import type { InodeAnswers } from "./inode-answers.js";
import type { Change, InodeRequests } from "./inode-requests.js";
import type { KernelSizes } from "./kernel-sizes.js";
import type { Leases } from "./leases.js";
import type { MovedFolders } from "./moved-folders.js";
import type { Nodes } from "./nodes.js";
import { entryBytes, Opcode } from "./protocol.js";
import type { Request } from "./request.js";

const { O_EXCL } = constants;
const kindMask = 0o170000;
const modeMask = 0o7777;
/** renameat2's flags. */
const noReplace = 1;
const exchange = 2;
const forgetOneBytes = 16;
/** As of Linux's own filesystems, and the home's. */
const nameBytesMax = 255;

interface Described {
  readonly attributes: Attributes;
}

/** What is made, under a name, and how. */
interface Making extends Pick<Change, "op" | "args" | "onAnswer" | "toErrno"> {
  readonly name: string;
}

/** What changes or looks up names: LOOKUP to RENAME, and the kernel's forgetting. */
export class NameOperations {
  readonly #nodes: Nodes;
  readonly #requests: InodeRequests;
  readonly #answers: InodeAnswers;
  readonly #leases: Leases;
  readonly #sizes: KernelSizes;
  readonly #moved: MovedFolders;
  readonly #open: FileOperations;

  constructor(
    nodes: Nodes,
    requests: InodeRequests,
    answers: InodeAnswers,
    parts: { readonly leases: Leases; readonly sizes: KernelSizes; readonly moved: MovedFolders },
    open: FileOperations,
  ) {
    this.#leases = parts.leases;
    this.#sizes = parts.sizes;
    this.#moved = parts.moved;
    this.#nodes = nodes;
    this.#requests = requests;
    this.#answers = answers;
    this.#open = open;
  }

  operations(): [number, Operation][] {
    return [
      [Opcode.lookup, named(0, (request) => this.#moved.settle(request, () => this.#lookup(request)))],
      [Opcode.forget, (request) => this.#forget(request)],
      [Opcode.batchForget, (request) => this.#forgetMany(request)],
      [Opcode.create, named(16, (request) => this.#create(request))],
      [Opcode.mkdir, named(8, (request) => this.#mkdir(request))],
      [Opcode.mknod, named(16, (request) => this.#mknod(request))],
      [Opcode.symlink, named(0, (request) => this.#symlink(request))],
      [Opcode.link, named(8, (request) => this.#link(request))],
      [Opcode.unlink, named(0, (request) => this.#remove(request, "unlink"))],
      [Opcode.rmdir, named(0, (request) => this.#remove(request, "rmdir"))],
      [Opcode.rename, (request) => this.#rename(request, 0, 8)],
      [Opcode.rename2, (request) => this.#rename(request, request.u32(8), 16)],
    ];
  }

  #lookup(request: Request): void {
    const name = request.name(0);
    this.#withParent(request, (parent) => {
      const answer = (attributes: Attributes | null) => {
        if (attributes === null) this.#answers.absent(request, parent, name);
        else {
          this.#nodes.saw(attributes); // As in GETATTR.
          const tell = () => {
            this.#moved.found(request, { parent, name }, attributes);
            this.#answers.entry(request, parent, name, attributes);
          };
          this.#sizes.settle(attributes, tell, request.thread);
        }
      };
      const known = this.#leases.isAbsent(parent, name) ? null : this.#leases.lookup(parent, name);
      if (known === undefined) this.#requests.tell(request, "lookup", parent, { parent, name }, answer);
      else answer(known);
    });
  }

  #forget(request: Request): void {
    this.#nodes.forget(request.node, request.u64(0));
    request.drop();
  }

  #forgetMany(request: Request): void {
    const count = request.u32(0);
    for (let index = 0; index < count; index++) {
      const at = 8 + index * forgetOneBytes;
      this.#nodes.forget(request.u64(at), request.u64(at + 8));
    }
    request.drop();
  }

  /**
   * fuse_create_in: flags, mode, umask, open_flags; the name. Of several hosts one makes it. The others hear so by EEXIST if
   * they want it new (O_EXCL); else by ESTALE, upon which the kernel looks the name up again and opens what it finds: with its
   * check of permissions, and O_TRUNC, both of which it skips for what CREATE has made.
   */
  #create(request: Request): void {
    const [flags, mode, name] = [request.u32(0), request.u32(4), request.name(16)];
    const isExclusive = (flags & O_EXCL) !== 0;
    const args = { mode: mode & modeMask, exclusive: true, open: isWriting(flags) ? "write" : "read" };
    const toErrno = (errno: number) => (errno === Errno.EEXIST && !isExclusive ? Errno.ESTALE : errno);
    const onAnswer = (answer: object) => {
      const { attributes, opened, mayHaveList } = answer as TreeRequests["create"]["reply"];
      const sound = soundOpened(opened ?? {});
      if (sound !== undefined) this.#open.adopt(attributes, flags, sound, mayHaveList === true);
    };
    const onMade = (parent: number, attributes: Attributes) => {
      this.#open.openHandle(
        attributes.inode,
        flags,
        (handle, answerFlags) => {
          if (request.isAnswered) return this.#open.closeHandle(handle);
          const out = answerBuffer();
          this.#answers.putMade(out, parent, name, attributes);
          if (isWriting(flags)) this.#answers.created(request, attributes);
          out.setUint64(entryBytes, handle);
          out.uint32[(entryBytes + 8) / 4] = answerFlags;
          out.uint32[(entryBytes + 12) / 4] = 0;
          request.data(out.address, entryBytes + 16);
        },
        (errno) => request.fail(errno),
        { inode: attributes.inode, born: attributes.born },
      );
    };
    this.#makeIn(request, { op: "create", name, args, onAnswer, toErrno }, onMade);
  }

  #mkdir(request: Request): void {
    const name = request.name(8);
    this.#make(request, "mkdir", name, { mode: request.u32(0) & modeMask });
  }

  #mknod(request: Request): void {
    const [mode, device, name] = [request.u32(0), request.u32(4), request.name(16)];
    const kind = kindOf(mode);
    if (kind === undefined) return request.fail(Errno.EINVAL);
    this.#make(request, "mknod", name, { mode: mode & modeMask, kind, device });
  }

  #symlink(request: Request): void {
    const name = request.name(0);
    this.#make(request, "symlink", name, { target: request.name(request.afterName(0)) });
  }

  #link(request: Request): void {
    const inode = this.#nodes.inodeOf(request.u64(0));
    const name = request.name(8);
    if (inode === undefined) return request.fail(Errno.ESTALE);
    this.#withParent(request, (parent) => {
      const inodes = [inode, parent];
      const keys = [...inodes, nameKey(parent, name)];
      const onAnswer = (answer: object) => this.#open.relinked(inode, (answer as Described).attributes.links);
      const change = { op: "link", inodes, args: { inode, parent, name }, keys, onAnswer };
      this.#requests.change(request, change, (answer) => {
        const { attributes } = answer as Described;
        this.#answers.made(request, parent, name, attributes);
      });
    });
  }

  #remove(request: Request, op: "unlink" | "rmdir"): void {
    const name = request.name(0);
    this.#withParent(request, (parent) => {
      const keys = [parent, ...this.#named(parent, name)];
      const inode = this.#leases.inodeOf(parent, name);
      const onAnswer = () => {
        this.#removed(inode);
        if (op === "unlink") this.#open.relinked(inode);
      };
      const change = { op, inodes: [parent], args: { parent, name, inode }, keys, onAnswer };
      this.#requests.change(request, change, () => request.ok());
    });
  }

  /** What has lost its last name, as far as is known here, is not kept open for whoever comes next. */
  #removed(inode: number | undefined): void {
    if (inode !== undefined && this.#nodes.lastSeen(inode)?.links === 1) this.#open.removed(inode);
  }

  /** fuse_rename_in or fuse_rename2_in: the new parent, flags; both names. */
  #rename(request: Request, flags: number, namesAt: number): void {
    const newParent = this.#nodes.inodeOf(request.u64(0));
    const [name, newName] = [request.name(namesAt), request.name(request.afterName(namesAt))];
    if (isTooLong(request, namesAt) || isTooLong(request, request.afterName(namesAt))) {
      return request.fail(Errno.ENAMETOOLONG);
    }
    if (newParent === undefined) return request.fail(Errno.ESTALE);
    if ((flags & ~(noReplace | exchange)) !== 0) return request.fail(Errno.EINVAL);
    const how = flags === noReplace ? "noReplace" : flags === exchange ? "exchange" : "replace";
    this.#withParent(request, (parent) => {
      const from = { parent, name, inode: this.#leases.inodeOf(parent, name) };
      const to = { parent: newParent, name: newName, inode: this.#leases.inodeOf(newParent, newName) };
      const args = { ...from, newParent, newName, flags: how };
      const inodes = [parent, newParent];
      const keys = [...inodes, ...this.#named(parent, name), ...this.#named(newParent, newName)];
      const isNew = to.inode === undefined && this.#leases.absentMicros(newParent, newName) > 0;
      const onAnswer = () => {
        if (!isNew) this.#open.relinked(to.inode);
      };
      this.#requests.change(request, { op: "move", inodes, args, keys, onAnswer }, () => {
        this.#nodes.moved(from, to, how === "exchange");
        request.ok();
      });
    });
  }

  #make(request: Request, op: string, name: string, args: object): void {
    this.#makeIn(request, { op, name, args }, (parent, attributes) => {
      this.#answers.made(request, parent, name, attributes);
    });
  }

  #makeIn(
    request: Request,
    { op, name, args, ...more }: Making,
    onMade: (parent: number, attributes: Attributes) => void,
  ): void {
    const { uid, gid } = request;
    this.#withParent(request, (parent) => {
      const keys = [parent, nameKey(parent, name)];
      const change = { op, inodes: [parent], args: { parent, name, uid, gid, ...args }, keys, ...more };
      this.#requests.change(request, change, (answer) => onMade(parent, (answer as Described).attributes));
    });
  }

  /** A name and what it leads to, as far as it is known here. */
  #named(parent: number, name: string): LeaseKey[] {
    const inode = this.#leases.inodeOf(parent, name);
    return inode === undefined ? [nameKey(parent, name)] : [nameKey(parent, name), inode];
  }

  #withParent(request: Request, act: (parent: number) => void): void {
    const parent = this.#nodes.inodeOf(request.node);
    if (parent === undefined) request.fail(Errno.ESTALE);
    else act(parent);
  }
}

/** What is asked of the name that begins there, unless there can be none that long. */
function named(at: number, act: Operation): Operation {
  return (request) => {
    if (isTooLong(request, at)) request.fail(Errno.ENAMETOOLONG);
    else act(request);
  };
}

function isTooLong(request: Request, nameAt: number): boolean {
  return request.afterName(nameAt) - nameAt - 1 > nameBytesMax;
}

function kindOf(mode: number): NodeKind | undefined {
  const kinds: FileKind[] = ["file", "fifo", "socket", "character", "block"];
  const kind = kinds.find((candidate) => kindBits[candidate] === (mode & kindMask));
  return (mode & kindMask) === 0 ? "file" : (kind as NodeKind | undefined);
}
