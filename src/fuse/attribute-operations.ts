import { privilegesKey } from "../core/home/lease-table.js";
import {
  type AttributeChanges,
  type Attributes,
  hiddenXattrs,
  type Space,
  type Time,
} from "../core/wire/attributes.js";
import { capabilityName } from "../core/wire/leases.js";
import type { EndingBy } from "../core/wire/tree-requests.js";
import { Capability } from "../kernel/credentials.js";
import { Errno } from "../kernel/errno.js";
import { encodeName } from "../kernel/name-bytes.js";
import { hasSetId } from "../kernel/set-id.js";
import { answerBuffer, answerBytesMax } from "./answer-buffer.js";
import { isCapable } from "./caller.js";
import { errnoOf } from "./errno-of.js";
import type { FileSpace } from "./file-space.js";
import type { Operation } from "./fuse-loop.js";
import type { InodeAnswers } from "./inode-answers.js";
import type { InodeRequests } from "./inode-requests.js";
import type { KernelSizes } from "./kernel-sizes.js";
import type { Leases } from "./leases.js";
import type { MountFiles } from "./mount-files.js";
import type { Nodes } from "./nodes.js";
import type { Privileges } from "./privileges.js";
import type { Probes } from "./probes.js";
import { Opcode, rootId, SetattrValid } from "./protocol.js";
import type { Request } from "./request.js";

type Changes = AttributeChanges & { readonly endsPrivileges?: EndingBy };

const modeMask = 0o7777;
const xattrModes = ["any", "create", "replace"] as const;
/** XATTR_CREATE and XATTR_REPLACE: of nothing that is there, nor of anything that is not. */
const createAndReplace = 3;
/** Any disk may have attributes of such names. */
const commonNames = /^(?:user|security|trusted)\../;
const nothing = new Uint8Array(0);

/** What stat, chmod and their like ask: GETATTR, SETATTR, extended attributes, READLINK, STATFS. */
export class AttributeOperations {
  readonly #nodes: Nodes;
  readonly #requests: InodeRequests;
  readonly #answers: InodeAnswers;
  readonly #leases: Leases;
  readonly #files: MountFiles;
  readonly #space: FileSpace;
  readonly #sizes: KernelSizes;
  readonly #probes: Probes;
  readonly #privileges: Privileges;

  constructor(
    nodes: Nodes,
    requests: InodeRequests,
    answers: InodeAnswers,
    files: MountFiles,
    parts: {
      readonly leases: Leases;
      readonly space: FileSpace;
      readonly sizes: KernelSizes;
      readonly probes: Probes;
      readonly privileges: Privileges;
    },
  ) {
    this.#leases = parts.leases;
    this.#sizes = parts.sizes;
    this.#probes = parts.probes;
    this.#privileges = parts.privileges;
    this.#nodes = nodes;
    this.#requests = requests;
    this.#answers = answers;
    this.#files = files;
    this.#space = parts.space;
  }

  operations(): [number, Operation][] {
    return [
      [Opcode.getattr, (request) => this.#getattr(request)],
      [Opcode.setattr, (request) => this.#setattr(request)],
      [Opcode.readlink, (request) => this.#readlink(request)],
      [Opcode.statfs, (request) => this.#statfs(request)],
      [Opcode.getxattr, (request) => this.#getxattr(request)],
      [Opcode.setxattr, (request) => this.#setxattr(request)],
      [Opcode.listxattr, (request) => this.#listxattr(request)],
      [Opcode.removexattr, (request) => this.#removexattr(request)],
    ];
  }

  #getattr(request: Request): void {
    const inode = this.#nodes.inodeOf(request.node);
    if (inode === undefined) return request.fail(Errno.ESTALE);
    const isProber = this.#probes.isProber(request) && request.node !== rootId;
    const isQuestion = isProber && this.#probes.isQuestion(request);
    if (isProber && !isQuestion) return this.#answers.unbelieved(request, inode);
    if (!isQuestion) this.#files.find(inode)?.times.tell();
    const answer = (attributes: Attributes | null) => {
      if (attributes === null) return request.fail(Errno.ESTALE);
      if (isQuestion && this.#sizes.isTelling(inode)) return this.#answers.resized(request, attributes);
      if (isQuestion) return this.#answers.unbelieved(request, inode);
      this.#nodes.saw(attributes); // Who brings the size home meanwhile brings these, and the kernel throws this answer away.
      this.#sizes.settle(attributes, () => this.#answers.attributes(request, attributes), request.thread);
    };
    const onFail = (error: unknown) => {
      if (errnoOf(error) === Errno.ESTALE) this.#answers.nameless(request, inode);
      else request.fail(errnoOf(error));
    };
    // Whoever brings the size home wants nothing but that, which is known here.
    const seen = isQuestion ? this.#nodes.lastSeen(inode) : undefined;
    const known = seen ?? this.#answers.createdBy(request, inode) ?? this.#leases.attributesOf(inode);
    if (known === undefined) this.#requests.tell(request, "getattr", inode, { inode }, answer, onFail);
    else answer(known);
  }

  /** fuse_setattr_in: what is valid, then each at its place. A size first, since it changes times too. */
  #setattr(request: Request): void {
    const inode = this.#nodes.inodeOf(request.node);
    if (inode === undefined) return request.fail(Errno.ESTALE);
    const valid = request.u32(0);
    const isResize = (valid & SetattrValid.size) !== 0;
    if (!isResize && this.#changeAhead(request, inode, changesOf(request, valid))) return;
    const changes = this.#withoutPrivileges(request, inode, changesOf(request, valid));
    const finish = () => {
      if (changes.mtime !== undefined) this.#files.find(inode)?.times.set();
      else this.#files.find(inode)?.times.tell();
      const onReply = (answer: object) => {
        const attributes = attributesOf(answer);
        this.#files.find(inode)?.attributes.answered(attributes);
        if (isResize) this.#answers.resized(request, attributes);
        else this.#whenNotAsked(inode, () => this.#answers.changed(request, attributes));
      };
      // A change to nothing is one too, as of chown(2), and not what is left of a size.
      const { onGiveUp } = request;
      const isLeft = Object.keys(changes).length > 0 || !isResize;
      if (isLeft) this.#change(request, "setattr", changes, onReply);
      else this.#ask(request, "getattr", {}, onReply);
      if (isResize) request.onGiveUp = onGiveUp;
    };
    if (isResize) this.#space.setSize(request, inode, request.u64(16), finish);
    else finish();
  }

  /** @returns whether it is a change that waits for nobody: see AttributesBehind */
  #changeAhead(request: Request, inode: number, changes: AttributeChanges): boolean {
    const file = this.#files.find(inode);
    const attributes = file?.attributes.change(changes);
    if (file === undefined || attributes === undefined) return false;
    if (changes.mtime !== undefined) file.times.set();
    file.whenNotAsked(() => this.#answers.changed(request, attributes));
    return true;
  }

  /** The kernel lives by the size in the answer to SETATTR, whatever it has heard since it asked: so that does not change meanwhile. */
  #whenNotAsked(inode: number, act: () => void): void {
    const file = this.#files.find(inode);
    if (file === undefined) act();
    else file.whenNotAsked(act);
  }

  /** What ends privileges ends them with the same request. A change to nothing does: it is fallocate(2)'s, or chown(2)'s to nobody. */
  #withoutPrivileges(request: Request, inode: number, changes: AttributeChanges): Changes {
    const valid = request.u32(0);
    const isEnd = (valid & SetattrValid.killPrivileges) !== 0 || valid === 0;
    if (!isEnd || changes.mode !== undefined || !this.#privileges.mayHave(inode)) return changes;
    return { ...changes, endsPrivileges: this.#privileges.endingBy(request) };
  }

  #readlink(request: Request): void {
    this.#ask(request, "readlink", {}, (answer) => {
      sendBytes(request, encodeName((answer as { target: string }).target) ?? new Uint8Array(0));
    });
  }

  #statfs(request: Request): void {
    this.#requests.serve(request, "statfs", [], {}, (answer) => {
      const { blockSize, blocks, free, available, files, filesFree, nameMax } = answer as Space;
      const out = answerBuffer();
      [blocks, free, available, files, filesFree].forEach((value, index) => {
        out.setUint64(index * 8, value);
      });
      out.bytes.fill(0, 40, 80);
      out.uint32[10] = blockSize;
      out.uint32[11] = nameMax;
      out.uint32[12] = blockSize;
      request.data(out.address, 80);
    });
  }

  /** fuse_getxattr_in: room for the value, 0 to ask for its length; the name. */
  #getxattr(request: Request): void {
    const room = request.u32(0);
    const name = request.name(8);
    const inode = this.#nodes.inodeOf(request.node) ?? 0;
    if (name.startsWith(hiddenXattrs)) return request.fail(Errno.EOPNOTSUPP);
    // Of the one that writes ask for, the home tells something that lasts longer.
    const isMissing = name === capabilityName ? this.#leases.lacksPrivileges(inode) : this.#lacks(inode, name);
    if (isMissing) return request.fail(Errno.ENODATA);
    this.#ask(request, "getxattr", { name, lease: true }, (answer) => {
      const { value } = answer as { value: string | null };
      if (value !== null) return sendOrMeasure(request, room, Buffer.from(value, "base64"));
      this.#leases.learnPrivileges(inode, answer);
      request.fail(Errno.ENODATA);
    });
  }

  #listxattr(request: Request): void {
    const room = request.u32(0);
    if (this.#lacksXattrs(this.#nodes.inodeOf(request.node) ?? 0)) return sendOrMeasure(request, room, nothing);
    this.#ask(request, "listxattr", {}, (answer) => {
      const { names } = answer as { names: string[] };
      const shown =
        names.some(isTrusted) && !isCapable(request, Capability.sysAdmin)
          ? names.filter((name) => !isTrusted(name))
          : names;
      sendOrMeasure(request, room, Buffer.concat(shown.map((name) => encodeName(`${name}\0`) ?? new Uint8Array(0))));
    });
  }

  /** fuse_setxattr_in, in its short form: the value's length, XATTR_CREATE or XATTR_REPLACE; the name, the value. */
  #setxattr(request: Request): void {
    const [length, flags, name] = [request.u32(0), request.u32(4), request.name(8)];
    if (flags === createAndReplace) return this.#ask(request, "getxattr", { name }, () => request.fail(Errno.EEXIST));
    const value = Buffer.from(request.bytes(request.afterName(8), length)).toString("base64");
    this.#change(request, "setxattr", { name, value, mode: xattrModes[flags] ?? "any" }, () => request.ok());
  }

  #removexattr(request: Request): void {
    this.#change(request, "removexattr", { name: request.name(0) }, () => request.ok());
  }

  #change(request: Request, op: string, args: object, onReply: (answer: object) => void): void {
    const inode = this.#nodes.inodeOf(request.node);
    if (inode === undefined) return request.fail(Errno.ESTALE);
    const keys = mayGivePrivileges(args) ? [inode, privilegesKey(inode)] : [inode];
    this.#requests.change(request, { op, inodes: [inode], args: { inode, ...args }, keys }, onReply);
  }

  /** Whether that is known: programs ask it of file after file, as `ls -l` does. */
  #lacks(inode: number, name: string): boolean {
    return commonNames.test(name) && this.#lacksXattrs(inode);
  }

  #lacksXattrs(inode: number): boolean {
    return this.#leases.attributesOf(inode)?.xattrs === false;
  }

  #ask(request: Request, op: string, args: object, onReply: (answer: object) => void): void {
    const inode = this.#nodes.inodeOf(request.node);
    if (inode === undefined) request.fail(Errno.ESTALE);
    else this.#requests.serve(request, op, [inode], { inode, ...args }, onReply);
  }
}

function mayGivePrivileges(args: { readonly name?: string; readonly mode?: number | string }): boolean {
  const { name, mode } = args;
  return name === capabilityName || (typeof mode === "number" && hasSetId(mode));
}

/** Read and listed by those alone who may do everything. The kernel sees to the first itself. */
function isTrusted(name: string): boolean {
  return name.startsWith("trusted.");
}

function attributesOf(answer: object): Attributes {
  return (answer as { attributes: Attributes }).attributes;
}

function changesOf(request: Request, valid: number): AttributeChanges {
  const { mode, uid, gid, atime, mtime, atimeNow, mtimeNow } = SetattrValid;
  return {
    ...(valid & mode ? { mode: request.u32(68) & modeMask } : {}),
    ...(valid & uid ? { uid: request.u32(76) } : {}),
    ...(valid & gid ? { gid: request.u32(80) } : {}),
    ...(valid & atime ? { atime: valid & atimeNow ? "now" : timeAt(request, 32, 56) } : {}),
    ...(valid & mtime ? { mtime: valid & mtimeNow ? "now" : timeAt(request, 40, 60) } : {}),
  };
}

/** No disk has times beyond those that the home can be told: it takes the last that it has for either. */
function timeAt(request: Request, secondsAt: number, nanosecondsAt: number): Time {
  const seconds = request.i32(secondsAt + 4) * 0x1_0000_0000 + request.u32(secondsAt);
  const told = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(seconds, Number.MAX_SAFE_INTEGER));
  return [told, request.u32(nanosecondsAt)];
}

function sendBytes(request: Request, bytes: Uint8Array): void {
  const out = answerBuffer();
  out.bytes.set(bytes);
  request.data(out.address, bytes.length);
}

function sendOrMeasure(request: Request, room: number, bytes: Uint8Array): void {
  if (room > 0 && bytes.length > room) return request.fail(Errno.ERANGE);
  if (bytes.length > answerBytesMax) return request.fail(Errno.E2BIG);
  if (room > 0) return sendBytes(request, bytes);
  const out = answerBuffer();
  out.uint32[0] = bytes.length;
  out.uint32[1] = 0;
  request.data(out.address, 8);
}
