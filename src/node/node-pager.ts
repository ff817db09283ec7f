import { writeSync } from "node:fs";
import { DmmapError } from "../core/error.js";
import { type ByteOffset, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import type { Opened, Welcome } from "../core/wire/control.js";
import { carriesPages, type Frame } from "../core/wire/frame.js";
import { nowMicros } from "../kernel/clock.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { Pager } from "../mapping/pager.js";
import type { Emit, PagerProgram, Reply } from "../mapping/pager-commands.js";
import { CacheBudget } from "./cache-budget.js";
import { HomeConnection } from "./home-connection.js";
import { noMetrics } from "./metrics.js";
import {
  type LockArgs,
  type NodeEvents,
  type NodeSetup,
  type OpenArgs,
  type OpenedFile,
  type PinArgs,
  type PinRef,
  pieceBytes,
  type ReadArgs,
  type RequestArgs,
  type ViewArgs,
  type ViewRef,
  type WriteArgs,
} from "./node-commands.js";
import { NodeFile, payloadBuffer } from "./node-file.js";
import { NodeLocks } from "./node-locks.js";
import { PageAttic } from "./page-attic.js";
import { StallWatch } from "./stall-watch.js";

/** How long a dirty page stays on this node alone, when nobody asks for it and nobody syncs. */
const writeBackMicros = 1_000_000;

/** An open file, counted: a program that opens it twice has one cache of it. */
interface OpenFile {
  readonly file: NodeFile;
  readonly id: number;
  opens: number;
}

/** The pager thread's program on a node: its files, its connection, and the calls that the program's thread makes. */
export class NodePager {
  readonly #pager: Pager;
  readonly #connection: HomeConnection;
  readonly #attic = new PageAttic();
  readonly #locks = new NodeLocks();
  readonly #metrics = noMetrics();
  readonly #emit: <Name extends keyof NodeEvents>(event: Name, value: NodeEvents[Name]) => void;
  readonly #files = new Map<number, OpenFile>();
  readonly #byNumber = new Map<number, OpenFile>();
  readonly #budget: CacheBudget;
  readonly #stalls: StallWatch;
  readonly #pinWaiters = new Map<number, () => void>();
  readonly #pinned: number[] = [];
  readonly #piece = new NativeBuffer(pieceBytes + 2 * pageBytes);
  /** Requests that can be cancelled: the program's number for each, and the connection's. */
  readonly #tickets = new Map<number, number>();
  /** What waits for the connection to be up again, in order. */
  readonly #parked: (() => void)[] = [];
  #isStopping = false;
  #idLast = 0;
  #onFirstUp: Reply | undefined;
  #wasUp = false;
  #downReason = "";
  #writeBackAt = Number.POSITIVE_INFINITY;

  constructor(setup: NodeSetup, emit: Emit) {
    this.#pager = new Pager({ spinMicros: setup.spinMicros });
    this.#emit = emit;
    this.#connection = new HomeConnection(this.#pager, setup, setup.name, {
      payloadAddress: (frame) => this.#payloadAddress(frame),
      onFileFrame: (frame) => this.#fileOf(frame)?.onFrame(frame),
      onUp: (welcome) => this.#onUp(welcome),
      onDown: (error) => this.#onDown(error),
      onLapsed: (now) => this.#onLapsed(now),
    });
    this.#budget = new CacheBudget(setup.cachePages, this.#metrics);
    this.#stalls = new StallWatch(this.#emit);
    this.#pager.onIdle = () => this.#onIdle();
    this.#pager.onDeadline = (now) => this.#onTime(now);
  }

  program(): PagerProgram {
    return {
      pager: this.#pager,
      onStop: (done) => this.#stop(done),
      methods: {
        connect: (_args, reply) => this.#connect(reply),
        request: (args: RequestArgs, reply) => this.#request(args, reply),
        lock: (args: LockArgs, reply) => this.#lock(args, reply),
        unlock: ({ lock }: { lock: number }, reply) => this.#unlock(lock, reply),
        cancel: ({ ticket }: { ticket: number }) => this.#cancel(ticket),
        open: (args: OpenArgs, reply) => this.#open(args, reply),
        close: ({ file }: { file: number }, reply) => this.#close(file, reply),
        openView: (args: ViewArgs, reply) => reply(this.#openView(args)),
        closeView: ({ file, view }: ViewRef, reply) => reply(this.#files.get(file)?.file.cache.closeView(view)),
        pin: (args: PinArgs, reply) => this.#pin(args, reply),
        unpin: ({ file, pin }: PinRef) => this.#unpin(file, pin),
        read: (args: ReadArgs, reply) => this.#read(args, reply),
        write: (args: WriteArgs, reply) => this.#write(args, reply),
        sync: ({ file }: { file: number }, reply) => this.#sync(file, reply),
        listen: ({ file, on }: { file: number; on: boolean }) => this.#stalls.listen(file, on),
        metrics: (_args, reply) => reply({ ...this.#metrics, cachedPages: this.#pager.cachedPages }),
      },
    };
  }

  #connect(reply: Reply): void {
    this.#onFirstUp = reply;
    this.#connection.open();
  }

  #request({ op, args, file }: RequestArgs, reply: Reply): void {
    const number = file === undefined ? {} : { file: this.#get(file).file.number };
    this.#ask(op, () => ({ ...args, ...number }), reply, reply);
  }

  /**
   * Asks the home, and asks again when the connection broke before the answer came: a program sees a pause. What had been
   * done by then is done; so a rename that is asked twice may find nothing to rename any more.
   */
  #ask(op: string, args: () => object, onReply: (answer: object) => void, reply: Reply, ticket?: number): void {
    const request = this.#connection.request(op, args(), (answer, error) => {
      if (ticket !== undefined) this.#tickets.delete(ticket);
      if (answer !== undefined) onReply(answer);
      else if (isDown(error) && !this.#isStopping) this.#whenUp(() => this.#ask(op, args, onReply, reply, ticket));
      else reply.fail(error);
    });
    if (ticket !== undefined) this.#tickets.set(ticket, request);
  }

  #whenUp(action: () => void): void {
    this.#parked.push(action);
  }

  #lock({ file: id, ticket, ...args }: LockArgs, reply: Reply): void {
    const { file } = this.#get(id);
    const onReply = (answer: object) => {
      const { lock } = answer as { lock: number | null };
      reply({ lock: lock === null ? null : this.#locks.add(id, lock, args) });
    };
    this.#ask("lock", () => ({ ...args, file: file.number }), onReply, reply, ticket);
  }

  #unlock(lock: number, reply: Reply): void {
    const args = () => {
      const held = this.#locks.find(lock);
      return { lock: held.number, file: this.#get(held.file).file.number };
    };
    this.#ask("unlock", args, () => reply(this.#locks.remove(lock)), reply);
  }

  /** The program has given up a request that waits at the home. */
  #cancel(ticket: number): void {
    const request = this.#tickets.get(ticket);
    if (request !== undefined) this.#connection.request("cancelLock", { request }, () => undefined);
  }

  #open(args: OpenArgs, reply: Reply): void {
    const onReply = (answer: object) => {
      const opened = answer as Opened;
      const known = this.#byNumber.get(opened.file) ?? this.#add(args.name, opened);
      known.opens++;
      const { id, file } = known;
      const result: OpenedFile = { id, size: file.cache.sizeBytes, policy: opened.policy, created: opened.created };
      reply(result);
    };
    this.#ask("open", () => args, onReply, reply);
  }

  #add(name: string, { file: number, policy, size }: Opened): OpenFile {
    const id = ++this.#idLast;
    const file = new NodeFile(
      this.#pager,
      this.#connection,
      this.#attic,
      this.#metrics,
      { name, number, policy, sizeBytes: size },
      {
        onDeadline: (deadline) => this.#wakeAt(deadline),
        onPinned: (pin) => this.#pinned.push(pin),
        onResize: (resized) => this.#emit("resize", { file: id, size: resized.cache.sizeBytes }),
      },
    );
    const open: OpenFile = { file, id, opens: 0 };
    this.#files.set(id, open);
    this.#byNumber.set(number, open);
    return open;
  }

  /** Everything dirty goes to the home, then every token, and then the file is closed there. */
  #close(id: number, reply: Reply): void {
    const open = this.#get(id);
    if (--open.opens > 0) return reply();
    const { file } = open;
    file.leave(nowMicros(), () => {
      const onClosed = () => {
        this.#files.delete(id);
        this.#byNumber.delete(file.number);
        this.#locks.removeFile(id);
        this.#stalls.listen(id, false);
        file.cache.close();
        reply();
      };
      this.#ask("close", () => ({ file: file.number }), onClosed, reply);
    });
  }

  #openView({ file, ...options }: ViewArgs): object {
    const { id, address, byteLength } = this.#get(file).file.cache.openView(options);
    return { id, address, byteLength };
  }

  #pin({ file, pin, mode, start, end, hold }: PinArgs, reply: Reply): void {
    const open = this.#get(file).file;
    this.#pinWaiters.set(pin, reply);
    open.whenUsable(() => {
      if (!this.#pinWaiters.has(pin)) return; // Given up meanwhile.
      if (hold) open.tokens.pin(pin, mode, start, end, nowMicros());
      else open.tokens.prefetch(pin, mode, start, end, nowMicros());
      this.#wakeAt(open.tokens.deadline);
    });
  }

  #unpin(id: number, pin: number): void {
    this.#pinWaiters.delete(pin);
    const open = this.#files.get(id);
    if (open === undefined) return; // Closed: its pins went with it.
    open.file.tokens.unpin(pin, nowMicros());
    this.#wakeAt(open.file.tokens.deadline);
  }

  #read({ file: id, pin, offset, length }: ReadArgs, reply: Reply): void {
    const { file } = this.#get(id);
    const available = Math.max(0, Math.min(length, file.cache.sizeBytes - offset));
    if (available === 0) return reply(new Uint8Array(0));
    this.#held(id, pin, 1, offset, available, () => {
      // The file may have become shorter while we waited.
      const end = Math.min(offset + available, file.cache.sizeBytes);
      const startPage = pageAt(offset);
      const byteLength = Math.max(0, end - offset);
      if (byteLength > 0)
        file.cache.readBytes(startPage, this.#piece.address, (pageEndAt(end) - startPage) * pageBytes);
      const skip = offset - startPage * pageBytes;
      const bytes = this.#piece.bytes.slice(skip, skip + byteLength);
      reply(bytes, [bytes.buffer]);
    });
  }

  #write({ file: id, pin, offset, bytes }: WriteArgs, reply: Reply): void {
    const { file } = this.#get(id);
    if (offset + bytes.byteLength > file.cache.sizeBytes) return reply.fail(beyondEnd(file));
    this.#held(id, pin, 2, offset, bytes.byteLength, () => {
      if (offset + bytes.byteLength > file.cache.sizeBytes) return reply.fail(beyondEnd(file));
      file.cache.allowWrite(pageAt(offset), pageEndAt(offset + bytes.byteLength));
      this.#piece.bytes.set(bytes);
      copyToCache(file, offset, this.#piece.address, bytes.byteLength);
      reply();
    });
  }

  /** Runs `act` while this node holds the pages of a byte range, all of them cached. */
  #held(id: number, pin: number, mode: 1 | 2, offset: ByteOffset, length: number, act: () => void): void {
    const { file } = this.#get(id);
    this.#pinWaiters.set(pin, () => {
      act();
      this.#unpin(id, pin);
    });
    file.whenUsable(() => {
      if (!this.#pinWaiters.has(pin)) return; // Given up meanwhile.
      file.tokens.pin(pin, mode, pageAt(offset), pageEndAt(offset + length), nowMicros());
      this.#wakeAt(file.tokens.deadline);
    });
  }

  #sync(id: number, reply: Reply): void {
    this.#get(id).file.sync((error) => {
      if (error === undefined) reply();
      else if (isDown(error) && !this.#isStopping) this.#whenUp(() => this.#sync(id, reply));
      else reply.fail(error);
    });
  }

  #onUp(welcome: Welcome): void {
    if (!this.#wasUp) {
      this.#wasUp = true;
      this.#onFirstUp?.(welcome);
      this.#onFirstUp = undefined;
      return;
    }
    this.#downReason = "the home is taking stock of who holds what";
    if (welcome.state === "new") this.#beginSession();
    else this.#reclaim(welcome.state);
  }

  #onDown(error: DmmapError): void {
    this.#downReason = error.message;
    if (!this.#wasUp) {
      this.#connection.close();
      this.#onFirstUp?.fail(error);
      this.#onFirstUp = undefined;
      return;
    }
    for (const { file } of this.#files.values()) file.onDisconnected();
    this.#emit("disconnect", { message: error.message });
  }

  /** R15: from here on every shared page may be somebody else's. */
  #onLapsed(now: number): void {
    for (const { file } of this.#files.values()) file.suspend(now);
  }

  /** Goes on with what is held, once the home has heard of it. */
  #reclaim(state: Welcome["state"]): void {
    this.#eachFile((open, done) => {
      if (state === "resumed") this.#reclaimFile(open, open.file.number, done);
      else this.#reopen(open, done, ({ file: number }) => this.#reclaimFile(open, number, done));
    });
  }

  #reclaimFile(open: OpenFile, number: number, done: () => void): void {
    open.file.restoreAndClaim(number, () => {
      this.#locks.claim(open.id, number, this.#connection);
      this.#connection.request("claimed", { file: number }, (answer) => {
        if (answer === undefined) return; // Down once more: all this begins anew.
        const { size, epoch, refused } = answer as { size: number; epoch: number; refused: [number, number][] };
        this.#byNumber.set(number, open);
        open.file.onClaimed(size, epoch, refused, (start, end) => this.#reportLost(open, start, end));
        this.#emit("resize", { file: open.id, size });
        done();
      });
    });
  }

  /** The home does not know this session any more: every page is dropped, every file opened anew. */
  #beginSession(): void {
    for (const open of this.#files.values()) {
      open.file.loseSession((start, end) => this.#reportLost(open, start, end));
    }
    this.#locks.clear();
    this.#eachFile((open, done) =>
      this.#reopen(open, done, ({ file: number, size }) => {
        this.#byNumber.set(number, open);
        open.file.startSession(number, size);
        this.#emit("resize", { file: open.id, size });
        done();
      }),
    );
  }

  /** Opens a file in the new session. One that cannot be opened loses what was stored; its threads stall, and say why. */
  #reopen(open: OpenFile, done: () => void, onOpened: (opened: Opened) => void): void {
    this.#byNumber.delete(open.file.number);
    this.#connection.request("open", { name: open.file.name }, (answer, error) => {
      if (answer !== undefined) onOpened(answer as Opened);
      if (answer !== undefined || isDown(error)) return;
      this.#downReason = `${open.file.name} cannot be opened again: ${error?.message}`;
      open.file.loseSession((start, end) => this.#reportLost(open, start, end));
      done();
    });
  }

  /** Runs `act` for every file, and goes on with what was parked when all are done. */
  #eachFile(act: (open: OpenFile, done: () => void) => void): void {
    const files = [...this.#files.values()];
    let waiting = files.length;
    const done = () => {
      if (--waiting <= 0) this.#onReclaimed();
    };
    if (files.length === 0) done();
    for (const open of files) act(open, done);
  }

  #onReclaimed(): void {
    this.#connection.request("recovered", {}, () => undefined);
    if (this.#downReason.startsWith("the home is taking stock")) this.#downReason = "";
    this.#emit("reconnect", {});
    for (const action of this.#parked.splice(0)) action();
  }

  #reportLost({ id, file }: OpenFile, start: number, end: number): void {
    this.#emit("lost", { file: id, start, end });
    const range = `bytes ${start * pageBytes}..${end * pageBytes}`;
    writeSync(2, `dmmap: stores to ${file.name}, ${range}, are lost: the session ended before they could be sent\n`);
  }

  #onIdle(): void {
    this.#drainPinned();
    this.#budget.keep(this.#files.values(), this.#pager.cachedPages);
    if (this.#writeBackAt === Number.POSITIVE_INFINITY && this.#hasDirty()) {
      this.#writeBackAt = nowMicros() + writeBackMicros;
      this.#wakeAt(this.#writeBackAt);
    }
    const wasFull = !this.#connection.output.isEmpty;
    this.#connection.flush();
    if (wasFull && this.#connection.output.isEmpty) this.#onRoom();
    this.#wakeAt(this.#connection.deadline);
  }

  #onRoom(): void {
    const now = nowMicros();
    for (const { file } of this.#files.values()) file.onRoom(now);
    this.#connection.flush();
  }

  #drainPinned(): void {
    for (let pin = this.#pinned.shift(); pin !== undefined; pin = this.#pinned.shift()) {
      const onPinned = this.#pinWaiters.get(pin);
      this.#pinWaiters.delete(pin);
      onPinned?.();
    }
  }

  #hasDirty(): boolean {
    for (const { file } of this.#files.values()) if (file.isUnstable) return true;
    return false;
  }

  #onTime(now: number): void {
    this.#pager.deadline = Number.POSITIVE_INFINITY;
    this.#connection.onTime(now);
    for (const { file } of this.#files.values()) {
      if (file.tokens.deadline <= now) file.onTime(now);
      this.#wakeAt(file.tokens.deadline);
    }
    if (now >= this.#writeBackAt) this.#writeBackAll();
    this.#wakeAt(this.#writeBackAt);
    this.#wakeAt(this.#stalls.look(this.#files.values(), this.#downReason, now));
  }

  #writeBackAll(): void {
    this.#writeBackAt = Number.POSITIVE_INFINITY;
    if (!this.#connection.isUp) return;
    for (const { file } of this.#files.values()) if (file.isReady && file.isUnstable) file.sync(() => undefined);
  }

  #stop(done: () => void): void {
    this.#isStopping = true;
    const open = [...this.#files.values()];
    let waiting = open.length;
    const finish = () => {
      for (const held of open) held.file.loseSession((start, end) => this.#reportLost(held, start, end));
      this.#connection.close();
      for (const { file } of open) file.cache.close();
      done();
    };
    const isReady = this.#connection.isUp && open.every(({ file }) => file.isReady);
    if (!isReady || waiting === 0) return finish();
    for (const { file } of open) {
      file.leave(nowMicros(), () => {
        this.#connection.request("close", { file: file.number }, () => {
          if (--waiting === 0) finish();
        });
      });
    }
  }

  #wakeAt(deadline: number): void {
    if (deadline < this.#pager.deadline) this.#pager.deadline = deadline;
  }

  #get(id: number): OpenFile {
    const open = this.#files.get(id);
    if (open === undefined) throw new DmmapError("DMMAP_CLOSED", "the file has been closed");
    return open;
  }

  /** Small control frames are taken as they come; pages of a file that is not known any more have to go somewhere. */
  #payloadAddress(frame: Frame): number {
    if (!carriesPages(frame.type)) return 0;
    return this.#fileOf(frame)?.payloadAddress(frame) ?? payloadBuffer().address;
  }

  #fileOf(frame: Frame): NodeFile | undefined {
    return this.#byNumber.get(frame.file)?.file;
  }
}

function copyToCache(file: NodeFile, offset: ByteOffset, from: number, byteLength: number): void {
  for (let done = 0; done < byteLength; ) {
    const page = pageAt(offset + done);
    const inPage = offset + done - page * pageBytes;
    const count = Math.min(byteLength - done, (file.cache.contiguousEnd(page) - page) * pageBytes - inPage);
    libc.memcpy(file.cache.aliasAddress(page) + inPage, from + done, count);
    done += count;
  }
}

/** The connection broke before the answer came: nothing is wrong with the request. */
function isDown(error: DmmapError | undefined): boolean {
  return error?.code === "DMMAP_UNREACHABLE" || error?.code === "DMMAP_FENCED";
}

function beyondEnd(file: NodeFile): DmmapError {
  const { name, cache } = file;
  return new DmmapError("DMMAP_BAD_RANGE", `the write goes beyond the end of ${name} (${cache.sizeBytes} bytes)`);
}
