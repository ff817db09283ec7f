import { DmmapError } from "../core/error.js";
import type { LeaseKey } from "../core/home/lease-table.js";
import { whenAll } from "../core/when-all.js";
import type { ControlOperations, Opened } from "../core/wire/control.js";
import { FrameType } from "../core/wire/frame.js";
import type { SetLock } from "../core/wire/tree-requests.js";
import type { FileTokensStatus } from "../observe/status.js";
import { changedBy } from "./changed-keys.js";
import { clippedStatus, clippedTokens } from "./clipped-status.js";
import type { Connection } from "./connection.js";
import { type ControlRequest, parseControlRequest } from "./control-schemas.js";
import { FileHandler, fileOf, keepOpen } from "./file-handler.js";
import { growingElsewhere } from "./growing-elsewhere.js";
import type { HomeContext } from "./home-context.js";
import { cancelLock, LockHandler } from "./lock-handler.js";
import type { OpenFile } from "./open-file.js";
import type { Session } from "./session.js";
import { checkThing, locate } from "./thing.js";
import { TreeHandler } from "./tree-handler.js";
import { isTreeRequest, type TreeRequest } from "./tree-schemas.js";

type NamedRequest = Exclude<ControlRequest, TreeRequest>;
type RequestOf<Op extends NamedRequest["op"]> = Extract<NamedRequest, { op: Op }>;

/** What tells sizes of files that nodes may have open. */
const sizeTellers: ReadonlySet<string> = new Set(["getattr", "lookup", "walk", "stat", "list", "readdir"]);

/** Serves requests that are not on any hot path, and locks. Each gets one answer, or a failure with a code. */
export class ControlHandler {
  readonly #home: HomeContext;
  readonly #tree: TreeHandler;
  readonly #files: FileHandler;
  readonly #locks: LockHandler;
  /** Requests that wait for the end of recovery, or for a node that decides about a file's locks. */
  readonly #parked = new Set<string>();

  constructor(home: HomeContext) {
    this.#tree = new TreeHandler(home);
    this.#files = new FileHandler(home);
    this.#locks = new LockHandler(home);
    this.#home = home;
  }

  serve(session: Session, connection: Connection, request: number, text: string): void {
    this.#home.counters.requests++;
    session.counters.requests++;
    const body = parseControlRequest(text);
    const outcome = session.outcomes.find(keyOf(body));
    if (outcome !== undefined) {
      return this.#attempt(session, connection, request, () => {
        if ("error" in outcome) throw outcome.error;
        connection.reply(FrameType.reply, request, asOfNow(session, outcome.reply));
      });
    }
    const keysOf = changedBy(this.#home.store, session, body);
    const act = (looksAgain = true) => {
      const again = looksAgain ? act : undefined;
      const serve = (keys: readonly LeaseKey[]) => this.#serve(session, connection, request, body, keys, again);
      if (keysOf === undefined) serve([]);
      else this.#home.leases.change(session, keysOf, serve);
    };
    if (this.#mustWait(session, body, keysOf !== undefined)) this.#park(session, request, act);
    else if (body.op === "testLock") this.#decide(session, connection, request, body.file, act);
    else act();
  }

  /** Sets or ends a lock. */
  setLock(session: Session, connection: Connection, request: number, lock: SetLock): void {
    this.#home.counters.requests++;
    session.counters.requests++;
    const set = () => this.#attempt(session, connection, request, () => this.#locks.set(session, request, lock));
    const act = () => this.#decide(session, connection, request, lock.file, set);
    if (this.#home.recovery.isOpen) this.#park(session, request, act);
    else act();
  }

  /** Programs of the node have stored to a file, whose times others may go by. */
  stored(session: Session, connection: Connection, request: number, file: number): void {
    this.#home.counters.requests++;
    session.counters.requests++;
    const set = () => {
      this.#attempt(session, connection, request, () => {
        fileOf(session, file).times.stored();
        connection.done(FrameType.written, request, file);
      });
    };
    const keysOf = () => {
      const open = session.files.get(file);
      return open === undefined ? [] : [open.file.inode];
    };
    const act = () => this.#home.leases.change(session, keysOf, set);
    if (this.#home.recovery.isOpen) this.#park(session, request, act);
    else act();
  }

  /** Decides about a lock as soon as no node does so by itself. */
  #decide(session: Session, connection: Connection, request: number, file: number, act: () => void): void {
    this.#attempt(session, connection, request, () => {
      const { delegation } = fileOf(session, file);
      if (delegation.mayDecide(session.node)) return act();
      const again = () => this.#decide(session, connection, request, file, act);
      this.#park(session, request, again, (go) => delegation.whenEnded(go));
    });
  }

  #park(session: Session, request: number, act: () => void, until = (go: () => void) => this.#home.recovery.park(go)) {
    const parked = parkedKey(session, request);
    this.#parked.add(parked);
    until(() => {
      if (this.#parked.delete(parked)) act();
    });
  }

  /**
   * Nothing that nodes may go by changes, nor are locks given, nor sizes told, under nodes that have not said yet what they hold, and
   * how long they have made files by themselves. One that is about to say it opens its files for that.
   */
  #mustWait({ isRecovering, isBack }: Session, body: ControlRequest, isChange: boolean): boolean {
    const { op } = body;
    if (!this.#home.recovery.isOpen || (op === "setattr" && body.isClaim === true)) return false;
    if (op === "open" || op === "openInode") return !isRecovering || isBack;
    return isChange || op === "testLock" || sizeTellers.has(op);
  }

  #serve(
    session: Session,
    connection: Connection,
    request: number,
    body: ControlRequest,
    keys: readonly LeaseKey[],
    again: ((looksAgain: boolean) => void) | undefined,
  ): void {
    this.#attempt(session, connection, request, () => {
      // What another node makes longer by itself has the size that it says.
      const { files, store } = this.#home;
      const growing = again && growingElsewhere(files, store, session, body, keys);
      if (growing !== undefined) {
        const { growths, looksAgain } = growing;
        const until = (go: () => void) => whenAll(growths, (growth, done) => growth.whenEnded(done), go);
        return this.#park(session, request, () => again?.(looksAgain), until);
      }
      const reply = remembered(session, keyOf(body), () =>
        isTreeRequest(body) ? this.#answerTree(session, request, body, keys) : this.#answer(session, request, body),
      );
      if (reply === undefined) return;
      connection.reply(FrameType.reply, request, reply);
      if (isTreeRequest(body)) this.#files.offer(session, body, reply);
    });
  }

  #attempt(session: Session, connection: Connection, request: number, act: () => void): void {
    if (session.connection !== connection) return; // It will ask again, or has given up.
    try {
      act();
    } catch (error) {
      if (!(error instanceof DmmapError)) throw error;
      this.#home.counters.requestsFailed++;
      connection.fail(request, error);
    }
    this.#home.touched(connection);
  }

  #answerTree(session: Session, request: number, body: TreeRequest, keys: readonly LeaseKey[]): object | undefined {
    const locks = this.#locks.answer(session, body);
    if (locks !== null) return locks;
    const files = this.#files.answer(session, request, body);
    if (files !== null) return files;
    return this.#tree.answer(session, request, body, keys);
  }

  /** @returns undefined when the answer comes later, or has been given. */
  #answer(session: Session, request: number, body: NamedRequest): object | undefined {
    const { store } = this.#home;
    switch (body.op) {
      case "open":
        return this.#open(session, body);
      case "close":
        return this.#close(session, body.file);
      case "stat":
        return store.stat(body.name);
      case "list":
        return store.list(body);
      case "rename":
        return this.#rename(body);
      case "remove":
        store.remove(body.name);
        return {};
      case "truncate":
        return this.#truncate(session, request, body);
      case "cancelLock":
        return this.#cancelLock(session, body.request);
      case "claimed":
        return this.#claimed(session, request, body);
      case "recovered":
        session.isBack = true;
        for (const { growth, directory } of session.files.values()) {
          growth.ended(session.node);
          directory.recovered(session.node);
        }
        this.#home.leases.forget(session);
        this.#home.recovery.recovered(session.id);
        return {};
      case "status":
        return clippedStatus(this.#home.status());
      case "tokens":
        return this.#tokens(body.name);
    }
  }

  #open(session: Session, body: RequestOf<"open">): Opened {
    const { open, created } = this.#find(session, body);
    keepOpen(this.#home, session, open, created ? () => this.#home.store.remove(body.name) : undefined);
    session.claims = {};
    const { directory, number: file } = open;
    const { inode, policy } = open.file;
    return {
      file,
      size: directory.sizeBytes,
      policy,
      created,
      thing: { inode, born: this.#home.store.tree.attributes(inode).born },
    };
  }

  /** The thing that the node has had open by this name, whatever leads there now; else what the name leads to. */
  #find({ node }: Session, { name, thing, ...options }: RequestOf<"open">): { open: OpenFile; created: boolean } {
    const { files, store } = this.#home;
    if (thing === undefined) return files.open(name, options, node);
    locate(store.tree, thing.inode, name, true);
    checkThing(store.tree, thing);
    return { open: files.openAgain(thing.inode, node), created: false };
  }

  /** Asked again, as the connection took the answer with it, it is done: a number is never another file's in a home's life. */
  #close(session: Session, file: number): object {
    const open = session.files.get(file);
    if (open === undefined) return {};
    const waiting = Object.values(open.locks).flatMap((table) => table.waitingOf(session.node));
    this.#home.files.close(open, session);
    session.files.delete(file);
    const error = new DmmapError("DMMAP_CLOSED", "the file was closed while this waited for a lock of it");
    for (const request of waiting) session.connection?.fail(request, error);
    session.claimedLocks.delete(file);
    return {};
  }

  #truncate(session: Session, request: number, { file, size }: RequestOf<"truncate">): undefined {
    const open = fileOf(session, file);
    open.asksForSize(session.node);
    open.directory.truncate(session.node, request, size);
  }

  #rename({ from, to }: RequestOf<"rename">): object {
    const open = this.#home.files.find(from);
    this.#home.store.rename(from, to);
    if (open !== undefined) open.name = to;
    return {};
  }

  /** The request taken back gets its answer too, before this one: it was aborted. */
  #cancelLock(session: Session, request: number): object {
    if (this.#parked.delete(parkedKey(session, request)) || cancelLock(session, request)) {
      session.connection?.fail(request, new DmmapError("DMMAP_ABORTED", "the lock request was taken back"));
    }
    return {};
  }

  /** The answer goes first: what is asked of the node next must find it knowing what it holds, and of what size. */
  #claimed(session: Session, request: number, { file, epoch, duty }: RequestOf<"claimed">): undefined {
    const { directory, duties } = fileOf(session, file);
    session.claims = {};

    duties.heard(session.id, duty);
    const refused = session.refused.get(file) ?? [];
    session.refused.delete(file);
    const reply: ControlOperations["claimed"]["reply"] = { size: directory.sizeBytes, epoch: directory.epoch, refused };
    session.connection?.reply(FrameType.reply, request, reply);
    directory.endClaims(session.node, epoch);
  }

  #tokens(name: string): FileTokensStatus {
    const open = this.#home.files.find(name);
    if (open !== undefined) return clippedTokens(this.#home.tokens(open));
    const { size, policy } = this.#home.store.stat(name);
    return { name, sizeBytes: size, policy, epoch: 0, waiters: 0, segments: [], segmentCount: 0 };
  }
}

/**
 * Answers, and keeps what became of it for whoever asks again: by then it has lost with the connection all its leases, and what was
 * left to it.
 */
function remembered(
  { outcomes }: Session,
  key: number | undefined,
  answer: () => object | undefined,
): object | undefined {
  if (key === undefined) return answer();
  try {
    const reply = answer();
    if (reply !== undefined) outcomes.add(key, { reply: { ...asKept(reply), leased: 0, fresh: [] } });
    return reply;
  } catch (error) {
    // What it is about was not known: the node says where it is, and asks again by the same number.
    if (error instanceof DmmapError && error.code !== "DMMAP_STALE") outcomes.add(key, { error });
    throw error;
  }
}

function asKept(reply: { readonly opened?: Opened }): object {
  const { opened } = reply;
  return opened === undefined ? reply : { ...reply, opened: { ...opened, growsHere: undefined } };
}

/**
 * 1. A node makes a file, and the connection takes the answer with it. 2. It is back, and another node opens the file, and makes it
 * longer: the first is asked, and says that it has no such file. 3. It asks again what has become of the file.
 */
function asOfNow({ files }: Session, reply: { readonly opened?: Opened }): object {
  const { opened, ...rest } = reply;
  const open = opened && files.get(opened.file);
  return open === undefined ? rest : { ...rest, opened: { ...opened, size: open.directory.sizeBytes } };
}

function keyOf(body: ControlRequest): number | undefined {
  return "key" in body ? body.key : undefined;
}

function parkedKey({ id }: Session, request: number): string {
  return `${id} ${request}`;
}
