import { DmmapError } from "../core/error.js";
import type { FileDirectory } from "../core/home/file-directory.js";
import {
  type ByteOffset,
  Mode,
  type NodeId,
  type PageIndex,
  pageAt,
  pageBytes,
  pageEndAt,
  pageMax,
} from "../core/units.js";
import { type Opened, openingRequest } from "../core/wire/control.js";
import type { TreeRequests } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";
import type { HomeContext } from "./home-context.js";
import type { OpenFile } from "./open-file.js";
import type { Session } from "./session.js";
import { checkThing, locate } from "./thing.js";
import type { TreeRequest, TreeRequestOf } from "./tree-schemas.js";

/** The largest file that is sent along when it is opened to be read. */
const wholeFilePages = 16;

/** Of one `deallocate`: 64 MiB. */
export const deallocatedPagesMax = 16_384;

/** Requests of mounts for open files: opening by inode, sizes, room, holes and times. */
export class FileHandler {
  readonly #home: HomeContext;

  constructor(home: HomeContext) {
    this.#home = home;
  }

  /** @returns the answer, undefined when it comes later, null when the request is not one of these. */
  answer(session: Session, request: number, body: TreeRequest): object | undefined | null {
    switch (body.op) {
      case "openInode":
        return this.#open(session, body);
      case "extend":
        return this.#extend(session, request, body);
      case "allocate":
        fileOf(session, body.file).file.allocate(body.start, body.length);
        return {};
      case "deallocate":
        this.#deallocate(session, body);
        return {};
      case "seek":
        return { offset: seek(fileOf(session, body.file), session, body) };
      default:
        return null;
    }
  }

  /**
   * Behind the answer goes the token that a program mostly wants next of what it has just made, or of a small file that it has opened
   * to read, with all its pages: if nobody is in the way, and it has no claims to make, of which the home would not know what is newer.
   */
  offer(session: Session, body: TreeRequest, reply: object): void {
    if (!session.isBack) return;
    if (body.op === "create" && body.open === "write") {
      const { opened } = reply as TreeRequests["create"]["reply"];
      if (opened !== undefined) offerFrom(session, opened, Mode.write, pageMax);
    } else if (body.op === "openInode" && !body.write) {
      const opened = reply as Opened;
      const end = pageEndAt(opened.size);
      if (end > 0 && end <= wholeFilePages) offerFrom(session, opened, Mode.read, end);
    }
  }

  /** It looks at every page, and serves nobody else meanwhile. */
  #deallocate(session: Session, { file, start, end }: TreeRequestOf<"deallocate">): void {
    if (end - start > deallocatedPagesMax) {
      const message = `room is given back by up to ${deallocatedPagesMax} pages at a time`;
      throw new DmmapError("DMMAP_BAD_RANGE", message, { errno: Errno.EINVAL });
    }
    fileOf(session, file).file.deallocate(start, Math.min(end, pageMax));
  }

  #extend(session: Session, request: number, { file, size }: TreeRequestOf<"extend">): undefined {
    const open = fileOf(session, file);
    open.asksForSize(session.node);
    open.directory.extend(session.node, request, size);
  }

  #open(session: Session, body: TreeRequestOf<"openInode">): Opened {
    const { inode, write, path } = body;
    const { tree } = this.#home.store;
    locate(tree, inode, path, session.isRecovering);
    checkThing(tree, body);
    return openFor(this.#home, session, this.#home.files.openInode(inode, write, session.node), write);
  }
}

/** All of a file that has just been opened, up to `end`. */
function offerFrom({ node, files }: Session, { file }: Opened, mode: Mode, end: PageIndex): void {
  files.get(file)?.directory.offer(node, { request: openingRequest, mode, start: 0, end });
}

/**
 * The node has the file open from now on. Throws, and closes it, where the next home would not know of that; `unmake`: of a file that
 * was made for it just now, of which nobody else can know yet.
 */
export function keepOpen(
  { files, recovery }: HomeContext,
  session: Session,
  open: OpenFile,
  unmake: (() => void) | undefined,
): void {
  const refusal = recovery.remember(session.id, session.name, open.name);
  if (refusal === undefined) {
    session.files.set(open.number, open);
  } else {
    if (!session.files.has(open.number)) files.close(open, session);
    if (unmake !== undefined) attempt(unmake);
    throw refusal;
  }
}

/** What the store has against it does not matter: something else has failed, and is told. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof DmmapError)) throw error;
  }
}

/** A mount has the file open from now on. `unmake`: as of `keepOpen`. */
export function openFor(
  home: HomeContext,
  session: Session,
  open: OpenFile,
  write: boolean,
  unmake?: () => void,
): Opened {
  keepOpen(home, session, open, unmake);
  const { number: file, directory, name } = open;
  const opened: Opened = { file, size: directory.sizeBytes, policy: open.file.policy, created: false, name };
  if (!write) return opened;
  const isShared = open.beginWriting(session.node);
  open.tellsTimes(session.node);
  if (isShared) return { ...opened, isShared };
  return open.leaveGrowthTo(session.node) ? { ...opened, growsHere: true } : opened;
}

/** By whole pages, as the store has them; what another node may be storing counts as data. */
function seek(
  { file, directory }: OpenFile,
  session: Session,
  { offset, what }: TreeRequestOf<"seek">,
): ByteOffset | null {
  const size = file.sizeBytes;
  if (offset >= size) return null;
  const [first, end] = [pageAt(offset), pageEndAt(size)];
  if (what === "data") {
    const data = Math.min(file.nextData(first, end), directory.nextWritten(session.node, first, end));
    return data === end ? null : Math.max(offset, data * pageBytes);
  }
  for (let page = file.nextHole(first, end); page < end; page = file.nextHole(page, end)) {
    const written = directory.nextWritten(session.node, page, end);
    if (written > page) return Math.max(offset, page * pageBytes);
    page = writtenUntil(directory, session.node, page);
  }
  return size;
}

/** The end of what another node than this may be storing to, which it may from this page on. */
function writtenUntil(directory: FileDirectory, node: NodeId, page: PageIndex): PageIndex {
  for (const { node: other, mode, start, end } of directory.segments()) {
    if (other !== node && mode === Mode.write && start <= page && page < end) return end;
  }
  return page + 1;
}

export function fileOf(session: Session, file: number): OpenFile {
  const open = session.files.get(file);
  if (open !== undefined) return open;
  throw new DmmapError("DMMAP_CLOSED", `this node has no open file ${file}`, { errno: Errno.ESTALE });
}
