import { DmmapError } from "../core/error.js";
import type { FailureListener } from "../core/failures.js";
import type { Opened, Welcome } from "../core/wire/control.js";
import type { Thing } from "../core/wire/tree-requests.js";
import type { Emit, PagerProgram, Reply } from "../mapping/pager-commands.js";
import { askForSize } from "./asked-sizes.js";
import { isShallow } from "./home-answers.js";
import { takenBack } from "./home-requests.js";
import { Node } from "./node.js";
import type {
  LockArgs,
  NodeSetup,
  OpenArgs,
  OpenedFile,
  OpeningRef,
  PinArgs,
  PinRef,
  ReadArgs,
  RequestArgs,
  TruncateArgs,
  UnlockArgs,
  ViewArgs,
  ViewRef,
  WriteArgs,
} from "./node-commands.js";
import type { OpenFile } from "./open-files.js";
import { PieceIo } from "./piece-io.js";

const nobodyAsks = [() => undefined, () => undefined] as const;
/** Of the library's locks. */
const kind = "posix" as const;

/** The pager thread's program on a node that serves a program's maps: the calls that the program's thread makes. */
export class NodePager {
  readonly #node: Node;
  readonly #pieces: PieceIo;
  /** Tickets of files that are being opened, and still wanted. */
  readonly #opening = new Set<number>();
  /** Each time that a file is opened, the losses that are to be told there. */
  readonly #losses = new Map<number, FailureListener>();
  #openingLast = 0;
  #lockLast = 0;

  constructor(setup: NodeSetup, emit: Emit) {
    this.#node = new Node(setup, emit, true);
    this.#pieces = new PieceIo(this.#node.files, this.#node.pins);
  }

  program(): PagerProgram {
    const { pager, files, stalls, metrics } = this.#node;
    return {
      pager,
      onStop: (done) => this.#node.stop(done),
      onGiveUp: () => this.#node.giveUp(),
      methods: {
        connect: (_args, reply) => this.#connect(reply),
        request: (args: RequestArgs, reply) => this.#request(args, reply),
        truncate: (args: TruncateArgs, reply) => this.#truncate(args, reply),
        lock: (args: LockArgs, reply) => this.#lock(args, reply),
        unlock: (args: UnlockArgs, reply) => this.#unlock(args, reply),
        cancel: ({ ticket }: { ticket: number }) => this.#cancel(ticket),
        open: (args: OpenArgs, reply) => this.#open(args, reply),
        close: (args: OpeningRef, reply) => this.#close(args, reply),
        openView: (args: ViewArgs, reply) => reply(this.#openView(args)),
        closeView: ({ file, view }: ViewRef, reply) => reply(files.find(file)?.file.cache.closeView(view)),
        pin: (args: PinArgs, reply) => this.#pieces.pin(args, reply),
        unpin: ({ file, pin }: PinRef) => this.#pieces.unpin(file, pin),
        read: (args: ReadArgs, reply) => this.#pieces.read(args, reply),
        write: (args: WriteArgs, reply) => this.#pieces.write(args, reply),
        sync: (args: OpeningRef, reply) => this.#sync(args, reply),
        listen: ({ file, on }: { file: number; on: boolean }) => stalls.listen(file, on),
        metrics: (_args, reply) => reply({ ...metrics, cachedPages: pager.cachedPages }),
      },
    };
  }

  #connect(reply: Reply): void {
    this.#node.connect((welcome: Welcome | undefined, error) => {
      if (welcome === undefined) reply.fail(error);
      else reply(welcome);
    });
  }

  #sync({ file, opening }: OpeningRef, reply: Reply): void {
    const onSynced = (error: DmmapError | undefined) => {
      if (error === undefined) reply();
      else reply.fail(error);
    };
    this.#node.sync(this.#node.files.get(file), onSynced, this.#losses.get(opening));
  }

  #close({ file, opening }: OpeningRef, reply: Reply): void {
    this.#losses.delete(opening);
    this.#node.close(this.#node.files.get(file), reply, reply.fail);
  }

  /** The program has given up a request. */
  #cancel(ticket: number): void {
    this.#opening.delete(ticket);
    this.#node.locks.cancel(ticket);
  }

  #request({ op, args, ticket }: RequestArgs, reply: Reply): void {
    this.#node.requests.ask({
      op,
      ...(ticket === undefined ? {} : { ticket }),
      args: () => args,
      onReply: (answer) => {
        if (isShallow(answer)) reply(answer);
        else reply.fail(new DmmapError("DMMAP_PROTOCOL", `no sound answer to ${op}`));
      },
      onFail: reply.fail,
    });
  }

  #truncate({ file, ...ask }: TruncateArgs, reply: Reply): void {
    const { files, requests } = this.#node;
    const onSend = () => void files.get(file); // Not of one that has been closed: its number may be another file's by now.
    const how = { op: "truncate", onSend, onReply: () => reply(), onFail: reply.fail } as const;
    askForSize(requests, files.get(file).file, { ...ask, ...how });
  }

  /** Each is an owner of its own: two of one program exclude each other, as those of two nodes do. */
  #lock({ file, ticket, start, length, mode, wait }: LockArgs, reply: Reply): void {
    const lock = ++this.#lockLast;
    const end = length === 0 ? null : start + length;
    const asked = { owner: ownerOf(lock), kind, start, end, type: mode, pid: process.pid };
    this.#node.locks.set(this.#node.files.get(file), asked, { wait, inLine: true, ticket }, (error) => {
      if (error === undefined) reply({ lock });
      else reply.fail(error);
    });
  }

  #unlock({ file, lock }: UnlockArgs, reply: Reply): void {
    this.#node.locks.release(this.#node.files.get(file), ownerOf(lock), kind, (error) => {
      if (error === undefined) reply();
      else reply.fail(error);
    });
  }

  #open({ ticket = 0, ...args }: OpenArgs, reply: Reply): void {
    // Opened again, in a new session, it is there already, perhaps by another name: and another file by this one.
    let thing: Thing | undefined;
    const again = { op: "open", args: () => ({ name: args.name, thing }) };
    const ask = { op: "open", args: () => args, ...(ticket === 0 ? {} : { ticket }) };
    if (ticket !== 0) this.#opening.add(ticket);
    const onOpened = (open: OpenFile, opened: Opened) => {
      const { id, file, policy } = open;
      const { created } = opened;
      thing = opened.thing;
      if (ticket !== 0 && !this.#opening.delete(ticket)) {
        // It was opened while its program gave up: nobody else would ever close it.
        reply.fail(takenBack());
        return this.#node.close(open, ...nobodyAsks);
      }
      const opening = ++this.#openingLast;
      const result: OpenedFile = { id, opening, size: file.cache.sizeBytes, policy, created };
      reply(result);
      this.#losses.set(opening, file.losses.listener());
    };
    const onFail = (error: unknown) => {
      this.#opening.delete(ticket);
      reply.fail(error);
    };
    this.#node.open(args.name, ask, again, onOpened, onFail);
  }

  #openView({ file, ...options }: ViewArgs): object {
    const { id, address, byteLength } = this.#node.files.get(file).file.cache.openView(options);
    return { id, address, byteLength };
  }
}

function ownerOf(lock: number): string {
  return `lock ${lock}`;
}
