import type { StableDuties } from "../src/core/home/duties.js";
import type { FileDirectory } from "../src/core/home/file-directory.js";
import { type HomeRecord, mayBeUnstable, Recovery } from "../src/core/home/recovery.js";
import { SessionLease } from "../src/core/home/session-lease.js";
import { Mode, type NodeId, type Policy, pageEndAt, pageMax } from "../src/core/units.js";
import { openingRequest } from "../src/core/wire/control.js";
import type { SessionState, ToHome, ToNode } from "./message.js";
import type { SimDisk } from "./sim-disk.js";
import { type FileWorld, SimFile } from "./sim-file.js";

const fileName = "file";
const ticksPerLease = 8;
const saysWhatIsHeld = new Set<ToHome["type"]>(["open", "restore", "claim", "claimed"]);

/** What a simulated home needs of its world. */
export interface HomeWorld extends FileWorld {
  readonly homeNow: number;
  /** Numbers of nodes differ over all lives of the home. */
  nextNode(): NodeId;
  /** Whether tokens are offered with the answer to an opening; and if so, whether for stores. */
  offersAtOpening(): boolean;
  onSyncBegun(): () => void;
  /** The home hears this session no more; its lease runs out. */
  onCondemned(session: SimSession): void;
  /** The session is over: what its node alone had is gone. */
  onEnded(session: SimSession, reason: string): void;
  /** Everybody who survived a restart has said what they hold, and sent what they answer for. */
  onRecovered(): void;
}

/** A node as its home knows it. */
export class SimSession {
  readonly id: string;
  readonly node: NodeId;
  readonly lease: SessionLease;
  isConnected = true;
  /** Which of its connections it is that is there now. */
  connection = 0;
  isOpen = false;
  isRecovering = false;
  /** There is nothing left that it may claim. */
  isBack = true;
  /** While it is expected to say what it holds: another object with each thing that it says of it. */
  claims: object = {};

  constructor(id: string, node: NodeId, now: number) {
    this.id = id;
    this.node = node;
    this.lease = new SessionLease(now);
  }
}

interface Sync {
  /** Undefined: of the home's own accord. */
  readonly session: SimSession | undefined;
  readonly end: () => void;
  readonly record: StableDuties | undefined;
  /** Writes to the disk that it makes durable. */
  readonly covered: number;
  readonly done: () => void;
}

/** One life of a home process: the shipped recovery, leases and duties, with sessions in place of connections. */
export class SimHome {
  readonly boot: number;
  readonly leaseMicros: number;
  readonly recovery: Recovery;
  readonly sessions = new Map<string, SimSession>();
  readonly disk: SimDisk;
  file: SimFile;
  readonly #world: HomeWorld;
  readonly #options: { policy: Policy; chunkPages: number };
  #syncs: Sync[] = [];
  /** In words, what waits for the end of the recovery. */
  readonly #parked: (() => string)[] = [];
  #nextTick: number;
  #fileLast = 0;

  constructor(
    world: HomeWorld,
    disk: SimDisk,
    boot: number,
    options: { policy: Policy; chunkPages: number; leaseMicros: number },
  ) {
    this.#world = world;
    this.disk = disk;
    this.boot = boot;
    this.#options = options;
    this.leaseMicros = options.leaseMicros;
    const port = {
      remember: (record: HomeRecord) => void disk.notes.set("record", JSON.stringify(record)),
      isBack: (session: string) => this.sessions.has(session),
      onLost: () => undefined,
      onEnd: () => this.#endRecovery(),
    };
    const text = disk.notes.get("record");
    const record = text === undefined ? { sessions: {}, isUnsettled: false } : (JSON.parse(text) as HomeRecord);
    if (mayBeUnstable(record)) disk.beginSync()();
    this.recovery = new Recovery(port, record.sessions, this.leaseMicros, world.homeNow);
    this.file = this.#newFile();
    this.#nextTick = world.homeNow + this.leaseMicros / ticksPerLease;
  }

  get directory(): FileDirectory {
    return this.file.directory;
  }

  get words(): Int32Array {
    return this.disk.words;
  }

  get sizeBytes(): number {
    return this.disk.sizeBytes;
  }

  get deadline(): number {
    return this.#nextTick;
  }

  get syncCount(): number {
    return this.#syncs.length;
  }

  describe(): string {
    const { recovery, disk } = this;
    const sessions = [...this.sessions.values()].map(
      ({ id, node, lease, isConnected, isOpen, isRecovering }) =>
        `session of node ${node} ${isConnected} ${isOpen} ${isRecovering} ${recovery.expects(id)} ${lease.isCondemned}`,
    );
    const syncs = this.#syncs.map(
      ({ session, record, covered }) =>
        `${session?.id ?? "its own"} ${JSON.stringify(record)} of ${Math.max(0, covered - disk.settledCount)}`,
    );
    const parked = recovery.isOpen ? this.#parked.map((isOf) => isOf()).join(" ") : "";
    const back = `${recovery.isOpen} ${recovery.expectedCount} ${parked}`;
    return [this.directory.describe(), this.file.duties.describe(), ...sessions, back, syncs.join()].join("; ");
  }

  /** Whether this node has been told that it is not heard any more. */
  isCondemned(node: NodeId): boolean {
    for (const session of this.sessions.values()) if (session.node === node) return session.lease.isCondemned;
    return false;
  }

  begin(id: string): SimSession {
    const session = new SimSession(id, this.#world.nextNode(), this.#world.homeNow);
    this.sessions.set(id, session);
    return session;
  }

  /** `fresh`: the id of a new session, should it be one. */
  hello(id: string | undefined, fresh: string): { session: SimSession; state: SessionState } {
    const known = id === undefined ? undefined : this.sessions.get(id);
    if (known?.lease.isCondemned === true) return { session: this.begin(fresh), state: "new" };
    if (known !== undefined) {
      if (known.isConnected) this.file.disconnected(known.node);
      known.isConnected = true;
      known.connection++;
      known.isBack = false;
      known.lease.heard(this.#world.homeNow);
      known.lease.forgetQuestions();
      return { session: known, state: known.isRecovering ? "recovering" : "resumed" };
    }
    if (id === undefined || !this.recovery.isOpen || !this.recovery.expects(id)) {
      return { session: this.begin(fresh), state: "new" };
    }
    const session = this.begin(id);
    session.isRecovering = true;
    session.isBack = false;
    return { session, state: "recovering" };
  }

  receive(session: SimSession, message: Exclude<ToHome, { type: "hello" }>): void {
    const { file, recovery } = this;
    if (session.lease.isCondemned) return;
    session.lease.heard(this.#world.homeNow);
    if (message.type === "restore") session.lease.deferred(this.#world.homeNow);
    if (saysWhatIsHeld.has(message.type)) session.claims = {};
    switch (message.type) {
      case "ping":
        if (message.isAsked) session.lease.deferred(this.#world.homeNow);
        return this.#send(session, { type: "pong", request: message.request });
      case "open":
        this.file.directory.open(session.node);
        session.isOpen = true;
        recovery.remember(session.id, session.id, fileName);
        this.#send(session, { type: "opened", file: this.file.number, sizeBytes: this.sizeBytes });
        return this.#offer(session);
      case "openMore":
        return session.isOpen ? this.#offer(session) : undefined;
      case "close":
        return this.#close(session);
      case "sync":
        return this.#sync(session, () => this.#send(session, { type: "synced", request: message.request }));
      case "claimed":
        // The answer to a close was lost with the connection: the close has been served.
        if (!session.isOpen) return this.#send(session, { type: "closed" });
        file.duties.heard(session.id, message.duty);
        // The answer goes first: what is asked next must find the node ready to hear it.
        this.#send(session, { type: "reclaimed", sizeBytes: this.sizeBytes, epoch: file.directory.epoch });
        return file.directory.endClaims(session.node, message.epoch);
      case "recovered":
        session.isBack = true;
        if (session.isOpen) file.directory.recovered(session.node);
        return recovery.recovered(session.id);
      case "fetch":
        if (recovery.isOpen) return this.#fetchLater(session, message);
        return file.receive(session, message);
      case "release":
        if (message.file !== undefined && message.file !== file.number) return; // Closed meanwhile, by everybody.
        if (session.isOpen) file.receive(session, message);
        return;
      default:
        if (session.isOpen) file.receive(session, message);
    }
  }

  /** Behind the answer to an opening. */
  #offer({ node, isBack }: SimSession): void {
    if (!isBack || !this.#world.offersAtOpening()) return;
    const mode = this.#world.offersAtOpening() ? Mode.write : Mode.read;
    const end = mode === Mode.write ? pageMax : pageEndAt(this.sizeBytes);
    if (end > 0) this.directory.offer(node, { request: openingRequest, mode, start: 0, end });
  }

  /** Its connection is lost, and the home knows. */
  lost(session: SimSession): void {
    session.isConnected = false;
    session.lease.heard(this.#world.homeNow);
    this.file.disconnected(session.node);
  }

  /** The session is over: everything it held is free, and what it answered for is the home's to answer for. */
  end(session: SimSession, reason: string): void {
    if (!this.sessions.delete(session.id)) return;
    if (session.isConnected) this.#send(session, { type: "closing" });
    session.isConnected = false;
    this.#world.onEnded(session, reason);
    this.#leave(session);
    this.#settle(this.file);
    this.recovery.forget(session.id);
  }

  tick(): void {
    const now = this.#world.homeNow;
    this.#nextTick = now + this.leaseMicros / ticksPerLease;
    for (const session of [...this.sessions.values()]) {
      const { lease, node } = session;
      if (lease.isSilent(this.leaseMicros, now)) {
        this.end(session, "silent");
        continue;
      }
      if (!session.isConnected) {
        lease.forgetQuestions();
        continue;
      }
      const question = session.isOpen ? this.directory.unanswered(node) : undefined;
      const claims = this.recovery.expects(session.id) ? session.claims : undefined;
      const isOverdue = lease.isOverdue(this.file, question, this.leaseMicros, now);
      if (isOverdue || lease.isOverdue(session, claims, this.leaseMicros, now, false)) this.#condemn(session);
    }
    this.recovery.onTime(now);
  }

  /** It does not answer, and is not heard any more; it may act on what it holds until its lease is over. */
  #condemn(session: SimSession): void {
    this.#send(session, { type: "closing" });
    session.lease.condemn(this.#world.homeNow);
    session.isConnected = false;
    this.file.disconnected(session.node);
    this.#world.onCondemned(session);
  }

  /** The oldest sync has gone down. What it covers is on record before anybody hears of it (R20). */
  endSync(): void {
    const sync = this.#syncs.shift();
    if (sync === undefined) return;
    if (sync.record !== undefined) this.disk.notes.set("stable", JSON.stringify(sync.record));
    sync.end();
    sync.done();
  }

  /** A node that has died does not come back: the time is over in which it could have. */
  endGrace(): void {
    this.recovery.onTime(Number.POSITIVE_INFINITY);
  }

  #close(session: SimSession): void {
    this.#leave(session);
    this.#send(session, { type: "closed" });
  }

  #sync(session: SimSession, done: () => void): void {
    if (!session.isOpen || !this.sessions.has(session.id)) return;
    if (this.recovery.isOpen) {
      this.#parked.push(() => `sync of ${session.id}`);
      return this.recovery.park(() => this.#sync(session, done));
    }
    this.#beginSync(session, done);
  }

  #beginSync(session: SimSession | undefined, done: () => void): void {
    const { record, end } = this.file.duties.beginSync(session?.id);
    const covered = this.disk.writeCount;
    const endOnDisk = this.disk.beginSync();
    const onDurable = this.#world.onSyncBegun();
    const both = () => {
      endOnDisk();
      onDurable();
      end();
    };
    this.#syncs.push({ session, record, covered, end: both, done });
  }

  #fetchLater(session: SimSession, message: ToHome & { type: "fetch" }): void {
    const { connection } = session;
    const { request, start, end, epoch } = message;
    this.#parked.push(() => {
      return `fetch of node ${session.node} #${request} ${start}..${end} @${epoch} ${session.connection === connection}`;
    });
    this.recovery.park(() => {
      // The node will ask anew over its next connection; or it has closed the file.
      if (session.connection !== connection || !session.isConnected || !session.isOpen) return;
      if (this.directory.mayFetch(session.node, message.start, message.end)) this.file.receive(session, message);
      else this.#send(session, { type: "failure", request: message.request }); // Given up while it waited.
    });
  }

  #leave(session: SimSession): void {
    if (!session.isOpen) return;
    session.isOpen = false;
    this.file.leave(session.node);
    this.file.duties.forget(session.id);
    session.lease.forget(this.file);
    if (this.directory.openCount === 0) this.#settle(this.file);
  }

  /** As a home does: what is not stable is synced, and the file closed behind that if nobody has it open. */
  #settle(file: SimFile): void {
    const end = this.recovery.beginSettling();
    const onSynced = () => {
      end();
      this.#closeIfIdle(file);
    };
    const settle = () => {
      if (file.duties.isUnstable(0, pageMax)) this.#beginSync(undefined, onSynced);
      else onSynced();
    };
    if (!this.recovery.isOpen) return settle();
    this.#parked.push(() => "its own sync");
    this.recovery.park(settle);
  }

  #closeIfIdle(file: SimFile): void {
    if (file === this.file && file.directory.openCount === 0) this.file = this.#newFile();
  }

  #newFile(): SimFile {
    const recovering = this.recovery.isOpen;
    const stable = JSON.parse((recovering && this.disk.notes.get("stable")) || "{}") as StableDuties;
    return new SimFile(this.#world, this.disk, ++this.#fileLast, { ...this.#options, recovering, stable });
  }

  #endRecovery(): void {
    for (const session of this.sessions.values()) session.isRecovering = false;
    this.#world.onRecovered();
    this.file.endRecovery();
  }

  #send(session: SimSession, message: ToNode): void {
    if (session.isConnected) this.#world.send(session.node, message);
  }
}
