import { DmmapError } from "../core/error.js";
import type { Opened, Welcome } from "../core/wire/control.js";
import { carriesPages, type Frame } from "../core/wire/frame.js";
import { nowMicros } from "../kernel/clock.js";
import { Pager } from "../mapping/pager.js";
import type { Emit, PagerProgram, Reply } from "../mapping/pager-commands.js";
import { CacheBudget } from "./cache-budget.js";
import { soundOpened } from "./home-answers.js";
import { HomeConnection } from "./home-connection.js";
import { HomeRequests } from "./home-requests.js";
import { noMetrics } from "./metrics.js";
import type {
  LockArgs,
  NodeEvents,
  NodeSetup,
  OpenArgs,
  OpenedFile,
  PinArgs,
  PinRef,
  ReadArgs,
  RequestArgs,
  ViewArgs,
  ViewRef,
  WriteArgs,
} from "./node-commands.js";
import { NodeFile } from "./node-file.js";
import { NodeLocks } from "./node-locks.js";
import { NodeSession } from "./node-session.js";
import { type OpenFile, OpenFiles } from "./open-files.js";
import { PageAttic } from "./page-attic.js";
import { payloadBuffer } from "./page-receiver.js";
import { PieceIo } from "./piece-io.js";
import { StallWatch } from "./stall-watch.js";

/** How long a dirty page stays on this node alone, when nobody asks for it and nobody syncs. */
const writeBackMicrosMin = 1_000_000;
/** And at most, when there is so much of it that writing it back every second would be most of what the machine does. */
const writeBackMicrosMax = 10_000_000;
const writeBackRest = 20;

/** The pager thread's program on a node: its files, its connection, and the calls that the program's thread makes. */
export class NodePager {
  readonly #pager: Pager;
  readonly #emit: <Name extends keyof NodeEvents>(event: Name, value: NodeEvents[Name]) => void;
  readonly #connection: HomeConnection;
  readonly #requests: HomeRequests;
  readonly #session: NodeSession;
  readonly #files = new OpenFiles();
  readonly #locks = new NodeLocks();
  readonly #attic = new PageAttic();
  readonly #metrics = noMetrics();
  readonly #pieces: PieceIo;
  readonly #budget: CacheBudget;
  readonly #stalls: StallWatch;
  #onFirstUp: Reply | undefined;
  #wasUp = false;
  #writeBackAt = Number.POSITIVE_INFINITY;
  #writeBackMicros = writeBackMicrosMin;

  constructor(setup: NodeSetup, emit: Emit) {
    this.#pager = new Pager({ spinMicros: setup.spinMicros });
    this.#emit = emit;
    this.#connection = new HomeConnection(this.#pager, setup, setup.name, {
      payloadAddress: (frame) => this.#payloadAddress(frame),
      onFileFrame: (frame) => this.#fileOf(frame)?.onFrame(frame),
      onRefused: (file, error) => this.#files.byNumber(file)?.file.onRefused(error),
      onUp: (welcome) => this.#onUp(welcome),
      onDown: (error) => this.#onDown(error),
      onLapsed: (now) => this.#session.onLapsed(now),
      isAsked: () => this.#isAsked(),
      lastWrite: () => this.#attic.lastWrite,
    });
    this.#requests = new HomeRequests(this.#connection);
    this.#session = new NodeSession({
      connection: this.#connection,
      requests: this.#requests,
      files: this.#files,
      locks: this.#locks,
      emit: this.#emit,
    });
    this.#pieces = new PieceIo(this.#files, (deadline) => this.#wakeAt(deadline));
    this.#budget = new CacheBudget(setup.cachePages, this.#metrics);
    this.#stalls = new StallWatch(this.#emit, setup.faultDeadlineMicros);
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
        cancel: ({ ticket }: { ticket: number }) => this.#requests.cancel(ticket),
        open: (args: OpenArgs, reply) => this.#open(args, reply),
        close: ({ file }: { file: number }, reply) => this.#close(file, reply),
        openView: (args: ViewArgs, reply) => reply(this.#openView(args)),
        closeView: ({ file, view }: ViewRef, reply) => reply(this.#files.find(file)?.file.cache.closeView(view)),
        pin: (args: PinArgs, reply) => this.#pieces.pin(args, reply),
        unpin: ({ file, pin }: PinRef) => this.#pieces.unpin(file, pin),
        read: (args: ReadArgs, reply) => this.#pieces.read(args, reply),
        write: (args: WriteArgs, reply) => this.#pieces.write(args, reply),
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

  #onUp(welcome: Welcome): void {
    if (this.#wasUp) return this.#session.onUp(welcome);
    this.#wasUp = true;
    this.#onFirstUp?.(welcome);
    this.#onFirstUp = undefined;
  }

  #onDown(error: DmmapError): void {
    if (this.#wasUp) return this.#session.onDown(error);
    this.#connection.close();
    this.#onFirstUp?.fail(error);
    this.#onFirstUp = undefined;
  }

  #request({ op, args, file }: RequestArgs, reply: Reply): void {
    this.#requests.ask({
      op,
      args: () => ({ ...args, ...(file === undefined ? {} : { file: this.#files.get(file).file.number }) }),
      onReply: reply,
      onFail: reply.fail,
    });
  }

  #lock({ file, ticket, ...range }: LockArgs, reply: Reply): void {
    this.#requests.ask({
      op: "lock",
      args: () => ({ ...range, file: this.#files.get(file).file.number }),
      onReply: (answer) => {
        const { lock } = answer as { lock: number | null };
        reply({ lock: lock === null ? null : this.#locks.add(file, lock, range) });
      },
      onFail: reply.fail,
      ticket,
    });
  }

  #unlock(lock: number, reply: Reply): void {
    this.#requests.ask({
      op: "unlock",
      args: () => {
        const { number, file } = this.#locks.find(lock);
        return { lock: number, file: this.#files.get(file).file.number };
      },
      onReply: () => reply(this.#locks.remove(lock)),
      onFail: reply.fail,
    });
  }

  #open(args: OpenArgs, reply: Reply): void {
    const onReply = (answer: object) => {
      const opened = soundOpened(answer);
      if (opened === undefined) return reply.fail(new DmmapError("DMMAP_PROTOCOL", "no sound answer to open"));
      const open = this.#files.byNumber(opened.file) ?? this.#add(args.name, opened);
      open.opens++;
      const { id, file } = open;
      const result: OpenedFile = { id, size: file.cache.sizeBytes, policy: opened.policy, created: opened.created };
      reply(result);
    };
    this.#requests.ask({ op: "open", args: () => args, onReply, onFail: reply.fail });
  }

  #add(name: string, { file: number, policy, size }: Opened): OpenFile {
    const id = this.#files.nextId();
    const options = { name, number, policy, sizeBytes: size };
    const file = new NodeFile(this.#pager, this.#connection, this.#attic, this.#metrics, options, {
      onDeadline: (deadline) => this.#wakeAt(deadline),
      onPinned: (pin) => this.#pieces.onPinned(pin),
      onResize: (resized) => this.#emit("resize", { file: id, size: resized.cache.sizeBytes }),
    });
    const open: OpenFile = { file, id, opens: 0 };
    this.#files.add(open);
    return open;
  }

  /** Everything dirty goes to the home, then every token, and then the file is closed there. */
  #close(id: number, reply: Reply): void {
    const open = this.#files.get(id);
    if (--open.opens > 0) return reply();
    const { file } = open;
    const onReply = () => {
      this.#files.delete(open);
      this.#locks.removeFile(id);
      this.#stalls.listen(id, false);
      file.cache.close();
      reply();
    };
    file.leave(nowMicros(), () =>
      this.#requests.ask({ op: "close", args: () => ({ file: file.number }), onReply, onFail: reply.fail }),
    );
  }

  #openView({ file, ...options }: ViewArgs): object {
    const { id, address, byteLength } = this.#files.get(file).file.cache.openView(options);
    return { id, address, byteLength };
  }

  #sync(id: number, reply: Reply): void {
    const { file } = this.#files.get(id);
    if (file.takeLoss()) {
      const message = `stores to ${file.name} were lost with this node's session, before they could be sent`;
      return reply.fail(new DmmapError("DMMAP_LOST", message));
    }
    file.sync((error) => {
      if (error === undefined) reply();
      else if (!this.#requests.retry(error, () => this.#sync(id, reply))) reply.fail(error);
    });
  }

  #isAsked(): boolean {
    for (const { file } of this.#files.all()) if (file.tokens.isAsked) return true;
    return false;
  }

  #onIdle(): void {
    this.#pieces.drain();
    this.#budget.keep(this.#files.all(), this.#pager.cachedPages);
    if (this.#writeBackAt === Number.POSITIVE_INFINITY && this.#isUnstable()) {
      this.#writeBackAt = nowMicros() + this.#writeBackMicros;
      this.#wakeAt(this.#writeBackAt);
    }
    this.#connection.flush();
    if (this.#connection.output.takeRoom()) this.#onRoom();
    this.#wakeAt(this.#connection.deadline);
  }

  #onRoom(): void {
    const now = nowMicros();
    for (const { file } of this.#files.all()) file.onRoom(now);
    this.#connection.flush();
  }

  #isUnstable(): boolean {
    for (const { file } of this.#files.all()) if (file.isUnstable) return true;
    return false;
  }

  #onTime(now: number): void {
    this.#pager.deadline = Number.POSITIVE_INFINITY;
    this.#connection.onTime(now);
    for (const { file } of this.#files.all()) {
      if (file.tokens.deadline <= now) file.onTime(now);
      this.#wakeAt(file.tokens.deadline);
    }
    if (now >= this.#writeBackAt) this.#writeBackAll();
    this.#wakeAt(this.#writeBackAt);
    this.#wakeAt(this.#stalls.look(this.#files.all(), this.#session.downReason, now));
  }

  /** Afterwards rests for a multiple of the time that it took. */
  #writeBackAll(): void {
    this.#writeBackAt = Number.POSITIVE_INFINITY;
    const startedAt = nowMicros();
    for (const { file } of this.#files.all()) {
      if (!file.isReady || !file.isUnstable) continue;
      file.sync(() => {
        const rest = (nowMicros() - startedAt) * writeBackRest;
        this.#writeBackMicros = Math.max(writeBackMicrosMin, Math.min(rest, writeBackMicrosMax));
      });
    }
  }

  /** Gives everything back, if the home is there to take it; else says what is lost. */
  #stop(done: () => void): void {
    this.#requests.stop();
    const open = [...this.#files.all()];
    let waiting = open.length;
    const finish = () => {
      for (const unclosed of open) this.#session.lose(unclosed);
      this.#connection.close();
      for (const { file } of open) file.cache.close();
      done();
    };
    const isReady = this.#connection.isUp && open.every(({ file }) => file.isReady);
    if (!isReady || waiting === 0) return finish();
    for (const { file } of open) {
      file.leave(nowMicros(), () => {
        this.#connection.request("close", { file: file.number }, () => {
          waiting--;
          if (waiting === 0) finish();
        });
      });
    }
  }

  #wakeAt(deadline: number): void {
    if (deadline < this.#pager.deadline) this.#pager.deadline = deadline;
  }

  /** Small control frames are taken as they come; pages of a file that is not known any more have to go somewhere. */
  #payloadAddress(frame: Frame): number {
    if (!carriesPages(frame.type)) return 0;
    return this.#fileOf(frame)?.payloadAddress(frame) ?? payloadBuffer().address;
  }

  #fileOf(frame: Frame): NodeFile | undefined {
    return this.#files.byNumber(frame.file)?.file;
  }
}
