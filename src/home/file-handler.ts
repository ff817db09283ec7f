import { DmmapError } from "../core/error.js";
import { type ByteOffset, Mode, pageAt, pageBytes, pageEndAt, pageMax } from "../core/units.js";
import { type Opened, openingRequest } from "../core/wire/control.js";
import { Errno } from "../kernel/errno.js";
import type { HomeContext } from "./home-context.js";
import type { OpenFile } from "./open-file.js";
import type { Session } from "./session.js";
import { checkThing, locate } from "./thing.js";
import type { TreeRequest, TreeRequestOf } from "./tree-schemas.js";

/** The largest file that is sent along when it is opened to be read. */
const wholeFilePages = 16;

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
        fileOf(session, body.file).file.deallocate(body.start, Math.min(body.end, pageMax));
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
    const { opened = reply } = reply as { opened?: object };
    const open = session.files.get((opened as Partial<Opened>).file ?? 0);
    if (open === undefined || !session.isBack) return;
    const { directory } = open;
    const offered = { request: openingRequest, start: 0 };
    const end = pageEndAt(directory.sizeBytes);
    if (body.op === "create" && body.open === "write")
      directory.offer(session.node, { ...offered, mode: Mode.write, end: pageMax });
    else if (body.op === "openInode" && !body.write && end > 0 && end <= wholeFilePages)
      directory.offer(session.node, { ...offered, mode: Mode.read, end });
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

/** A mount has the file open from now on. */
export function openFor({ recovery }: HomeContext, session: Session, open: OpenFile, write: boolean): Opened {
  session.files.set(open.number, open);
  recovery.remember(session.id, session.name, open.name);
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
  for (let page = first; page < end; ) {
    const data = Math.min(file.nextData(page, end), directory.nextWritten(session.node, page, end));
    if (what === "data") return data === end ? null : Math.max(offset, data * pageBytes);
    if (data > page) return Math.max(offset, page * pageBytes);
    const hole = file.nextHole(page, end);
    page = Math.max(hole, page + 1);
  }
  return size;
}

export function fileOf(session: Session, file: number): OpenFile {
  const open = session.files.get(file);
  if (open !== undefined) return open;
  throw new DmmapError("DMMAP_CLOSED", `this node has no open file ${file}`, { errno: Errno.ESTALE });
}
