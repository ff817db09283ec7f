import { writeSync } from "node:fs";
import { DmmapError } from "../core/error.js";
import { type ByteOffset, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import type { Opened, Welcome } from "../core/wire/control.js";
import type { Frame } from "../core/wire/frame.js";
import { nowMicros } from "../kernel/clock.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { Pager } from "../mapping/pager.js";
import type { Emit, PagerProgram, Reply } from "../mapping/pager-commands.js";
import { CacheBudget } from "./cache-budget.js";
import { HomeConnection } from "./home-connection.js";
import { noMetrics } from "./metrics.js";
import {
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
import { NodeFile } from "./node-file.js";
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
  #idLast = 0;
  #onFirstUp: Reply | undefined;
  #wasUp = false;
  #downReason = "";
  #writeBackAt = Number.POSITIVE_INFINITY;

  constructor(setup: NodeSetup, emit: Emit) {
    this.#pager = new Pager({ spinMicros: setup.spinMicros });
    this.#emit = emit;
    this.#connection = new HomeConnection(this.#pager, setup, setup.name, {
      payloadAddress: (frame) => this.#fileOf(frame)?.payloadAddress(frame) ?? 0,
      onFileFrame: (frame) => this.#fileOf(frame)?.onFrame(frame),
      onUp: (welcome) => this.#onUp(welcome),
      onDown: (error) => this.#onDown(error),
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

  #request({ op, args, file, ticket }: RequestArgs, reply: Reply): void {
    const number = file === undefined ? {} : { file: this.#get(file).file.number };
    const request = this.#connection.request(op, { ...args, ...number }, (answer, error) => {
      if (ticket !== undefined) this.#tickets.delete(ticket);
      if (error === undefined) reply(answer);
      else reply.fail(error);
    });
    if (ticket !== undefined) this.#tickets.set(ticket, request);
  }

  /** The program has given up a request that waits at the home. */
  #cancel(ticket: number): void {
    const request = this.#tickets.get(ticket);
    if (request !== undefined) this.#connection.request("cancelLock", { request }, () => undefined);
  }

  #open(args: OpenArgs, reply: Reply): void {
    this.#connection.request("open", args, (answer, error) => {
      if (error !== undefined) return reply.fail(error);
      const opened = answer as Opened;
      const known = this.#byNumber.get(opened.file) ?? this.#add(args.name, opened);
      known.opens++;
      const { id, file } = known;
      const result: OpenedFile = { id, size: file.cache.sizeBytes, policy: opened.policy, created: opened.created };
      reply(result);
    });
  }

  #add(name: string, { file: number, policy, size }: Opened): OpenFile {
    const id = ++this.#idLast;
    const file = new NodeFile(
      this.#pager,
      this.#connection,
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
      this.#connection.request("close", { file: file.number }, () => {
        this.#files.delete(id);
        this.#byNumber.delete(file.number);
        this.#stalls.listen(id, false);
        file.cache.close();
        reply();
      });
    });
  }

  #openView({ file, ...options }: ViewArgs): object {
    const { id, address, byteLength } = this.#get(file).file.cache.openView(options);
    return { id, address, byteLength };
  }

  #pin({ file, pin, mode, start, end, hold }: PinArgs, reply: Reply): void {
    const { tokens } = this.#get(file).file;
    this.#pinWaiters.set(pin, reply);
    if (hold) tokens.pin(pin, mode, start, end, nowMicros());
    else tokens.prefetch(pin, mode, start, end, nowMicros());
    this.#wakeAt(tokens.deadline);
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
    const { tokens } = this.#get(id).file;
    this.#pinWaiters.set(pin, () => {
      act();
      this.#unpin(id, pin);
    });
    tokens.pin(pin, mode, pageAt(offset), pageEndAt(offset + length), nowMicros());
    this.#wakeAt(tokens.deadline);
  }

  #sync(id: number, reply: Reply): void {
    this.#get(id).file.sync((error) => {
      if (error === undefined) reply();
      else reply.fail(error);
    });
  }

  #onUp(welcome: Welcome): void {
    this.#onFirstUp?.(welcome);
    this.#onFirstUp = undefined;
    if (this.#wasUp) this.#onNewSession();
    this.#wasUp = true;
    this.#downReason = "";
  }

  #onDown(error: DmmapError): void {
    this.#downReason = error.message;
    if (this.#wasUp) {
      this.#emit("disconnect", { message: error.message });
      return;
    }
    this.#connection.close();
    this.#onFirstUp?.fail(error);
    this.#onFirstUp = undefined;
  }

  /** The home does not know our tokens any more: every page is dropped, every file opened anew. */
  #onNewSession(): void {
    this.#byNumber.clear();
    for (const open of this.#files.values()) {
      open.file.loseSession((start, end) => this.#reportLost(open, start, end));
      this.#connection.request("open", { name: open.file.name }, (answer, error) => {
        if (error !== undefined) return; // Its threads stall, and say why.
        const { file: number, size } = answer as Opened;
        open.file.startSession(number, size, nowMicros());
        this.#byNumber.set(number, open);
        this.#emit("resize", { file: open.id, size });
      });
    }
    this.#emit("reconnect", {});
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
    for (const { file } of this.#files.values()) if (file.cache.dirtyPages > 0) return true;
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
    for (const { file } of this.#files.values()) if (file.cache.dirtyPages > 0) file.sync(() => undefined);
  }

  #stop(done: () => void): void {
    const open = [...this.#files.values()];
    let waiting = open.length;
    const finish = () => {
      this.#connection.close();
      for (const { file } of open) file.cache.close();
      done();
    };
    if (!this.#connection.isUp || waiting === 0) return finish();
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

function beyondEnd(file: NodeFile): DmmapError {
  const { name, cache } = file;
  return new DmmapError("DMMAP_BAD_RANGE", `the write goes beyond the end of ${name} (${cache.sizeBytes} bytes)`);
}
