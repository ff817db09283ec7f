import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Delegation } from "../../src/core/home/delegation.js";
import { LockWaits } from "../../src/core/home/lock-waits.js";
import { type RangeLock, RangeLocks, type RangeLockType } from "../../src/core/home/range-locks.js";
import { FileLocks } from "../../src/core/token/file-locks.js";

type ToHome =
  | { kind: "lock"; request: number; lock: RangeLock; wait: boolean }
  | { kind: "unlock"; lock: RangeLock }
  | { kind: "stores"; counts: readonly number[] }
  | { kind: "claim"; locks: readonly RangeLock[] };
type ToNode =
  | { kind: "locked"; request: number; isDelegated: boolean }
  | { kind: "refused"; request: number }
  | { kind: "ended" }
  | { kind: "recall" };

interface Asked {
  readonly lock: RangeLock;
}

const nodes = [0, 1, 2];
const starts = [0, 1];

/**
 * Three nodes and a home with messages under way between them, and what the programs believe: which is what must be true. Under
 * every exclusive lock something is stored; whoever gets a lock from the home finds there what was stored under it before.
 */
class World {
  readonly delegated: number[] = [];
  decidedByNodes = 0;
  owed = 0;
  readonly believed: RangeLock[] = [];
  readonly #table = new RangeLocks(new LockWaits(), (node, request) => this.#granted(node, request));
  readonly #delegation = new Delegation((node) => this.#send(node, { kind: "recall" }), 8);
  readonly #files = nodes.map(() => new FileLocks());
  readonly #toHome: ToHome[][] = nodes.map(() => []);
  readonly #toNode: ToNode[][] = nodes.map(() => []);
  /** What each node hands over before it tells the home what it holds: that takes a while. */
  readonly #handingOver: (() => void)[][] = nodes.map(() => []);
  /** By node, and by where the lock began. */
  readonly #stored = nodes.map(() => starts.map(() => 0));
  #atHome = nodes.map(() => starts.map(() => 0));
  readonly #asked = new Map<number, Asked>();
  #requestLast = 0;

  get waitingCount(): number {
    return this.#asked.size;
  }

  /** A thread does something: ends the lock that it has, else asks for this one; nothing while it waits for an answer. */
  act(lock: RangeLock, wait: boolean): void {
    const isOwn = ({ node, owner }: RangeLock) => node === lock.node && owner === lock.owner;
    const held = this.believed.find(isOwn);
    if ([...this.#asked.values()].some((asked) => isOwn(asked.lock))) return;
    if (held === undefined) this.lock(lock, wait);
    else this.unlock(held);
  }

  /** A thread locks and unlocks, and what it says and hears arrives. */
  actAlone(lock: RangeLock, count: number): void {
    for (let turn = 0; turn < 2 * count; turn++) {
      this.act(lock, false);
      for (let message = 0; message < 3; message++) {
        this.handOver(lock.node);
        this.deliver(lock.node, "toHome");
        this.deliver(lock.node, "toNode");
      }
    }
  }

  /** A node is done with handing over. @returns whether one was at it. */
  handOver(node: number): boolean {
    const done = this.#handingOver[node].shift();
    done?.();
    return done !== undefined;
  }

  lock(lock: RangeLock, wait: boolean): void {
    const { node } = lock;
    const files = this.#files[node];
    const decision = files.set("posix", lock, wait, true);
    if (decision === "granted") this.decidedByNodes++;
    if (decision === "granted") return this.#believe(lock);
    if (decision === "refused") return;
    if (decision === "giveBack") this.#recalled(node);
    const request = ++this.#requestLast;
    this.#asked.set(request, { lock });
    files.whenTold(() => {
      files.asked();
      this.#toHome[node].push({ kind: "lock", request, lock, wait });
    });
  }

  unlock(lock: RangeLock): void {
    const { node, owner } = lock;
    const mine = (held: RangeLock) => held.node === node && held.owner === owner && held.start === lock.start;
    const kept = this.believed.filter((held) => !mine(held));
    this.believed.splice(0, this.believed.length, ...kept);
    const files = this.#files[node];
    if (lock.type === "exclusive") this.#stored[node][lock.start]++;
    files.posix.unlock(lock);
    if (files.decides) return files.owe();
    this.#sendStores(node);
    files.asked();
    files.whenTold(() => this.#toHome[node].push({ kind: "unlock", lock }));
  }

  /** The oldest message that way arrives. @returns whether there was one. */
  deliver(node: number, way: "toHome" | "toNode"): boolean {
    if (way === "toHome") {
      const message = this.#toHome[node].shift();
      if (message !== undefined) this.#serve(node, message);
      return message !== undefined;
    }
    const message = this.#toNode[node].shift();
    if (message !== undefined) this.#hear(node, message);
    return message !== undefined;
  }

  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const node of nodes) {
        while (this.handOver(node)) moved = true;
        while (this.deliver(node, "toHome")) moved = true;
        while (this.deliver(node, "toNode")) moved = true;
      }
    }
  }

  #serve(node: number, message: ToHome): void {
    if (message.kind === "stores") {
      this.#atHome[node] = [...message.counts];
      return;
    }
    if (message.kind === "claim") {
      assert.deepEqual(this.#table.claim(node, message.locks), [], "nothing that a node decided is lost");
      return this.#delegation.ended(node);
    }
    if (!this.#delegation.mayDecide(node)) return this.#delegation.whenEnded(() => this.#serve(node, message));
    if (message.kind === "unlock") {
      this.#table.unlock(message.lock);
      return this.#send(node, { kind: "ended" });
    }
    const { request, lock, wait } = message;
    const answer = this.#table.lock(lock, request, { wait, inLine: false, deadlocks: true });
    if (answer === "granted") {
      this.#assertStores(lock);
      const isAlone = () => this.#table.waitingCount === 0 && this.#table.held.every((held) => held.node === node);
      const isDelegated = this.#delegation.granted(node, isAlone);
      if (isDelegated) this.delegated.push(node);
      this.#send(node, { kind: "locked", request, isDelegated });
    } else if (answer !== "waits") this.#send(node, { kind: "refused", request });
  }

  #granted(node: number, request: number): void {
    const asked = this.#asked.get(request);
    if (asked !== undefined) this.#assertStores(asked.lock);
    this.#send(node, { kind: "locked", request, isDelegated: false });
  }

  #hear(node: number, message: ToNode): void {
    const files = this.#files[node];
    if (message.kind === "recall") return this.#recalled(node);
    if (message.kind === "ended") return files.answered();
    const asked = this.#asked.get(message.request);
    assert.ok(asked !== undefined, "each question is answered once");
    this.#asked.delete(message.request);
    if (message.kind === "refused") return files.answered();
    files.granted("posix", asked.lock, message.isDelegated);
    this.#believe(asked.lock);
  }

  #recalled(node: number): void {
    const files = this.#files[node];
    const telling = files.giveBack();
    if (telling === undefined) return;
    const tell = () => {
      assert.ok(files.isTelling(telling));
      this.#toHome[node].push({ kind: "claim", locks: [...files.posix.held] });
      files.told();
    };
    if (!files.owes) return tell();
    this.owed++;
    this.#handingOver[node].push(() => {
      this.#sendStores(node);
      tell();
    });
  }

  #sendStores(node: number): void {
    this.#toHome[node].push({ kind: "stores", counts: [...this.#stored[node]] });
  }

  #assertStores({ node, start }: RangeLock): void {
    const others = nodes.filter((other) => other !== node);
    const missing = others.filter((other) => this.#atHome[other][start] < this.#stored[other][start]);
    assert.deepEqual(missing, [], "who gets a lock finds at home what was stored under it");
  }

  #believe(lock: RangeLock): void {
    for (const held of this.believed) {
      const isOwn = held.node === lock.node && held.owner === lock.owner;
      const isShared = held.type === "shared" && lock.type === "shared";
      assert.ok(isOwn || isShared || held.start !== lock.start, `R16: ${describe(lock)} beside ${describe(held)}`);
    }
    const others = this.believed.filter(
      (held) => held.node !== lock.node || held.owner !== lock.owner || held.start !== lock.start,
    );
    this.believed.splice(0, this.believed.length, ...others, lock);
  }

  #send(node: number, message: ToNode): void {
    this.#toNode[node].push(message);
  }
}

function describe({ node, owner, type, start }: RangeLock): string {
  return `${owner} of ${node}: ${type} ${start}`;
}

/** An owner is a thread. */
function lockOf(node: number, owner: number, start: number, type: RangeLockType): RangeLock {
  return { node, owner: `owner ${owner}`, pid: owner, type, start, end: start + 1 };
}

const owners = 2;
const nodeOf = fc.nat(2);
const deliver = fc.record({
  kind: fc.constant("deliver" as const),
  node: nodeOf,
  way: fc.constantFrom("toHome", "toNode"),
});
const act = fc.record({
  kind: fc.constant("act" as const),
  node: nodeOf,
  owner: fc.nat(owners - 1),
  start: fc.nat(1),
  type: fc.constantFrom("shared" as const, "exclusive" as const),
  wait: fc.boolean(),
});
const handOver = fc.record({ kind: fc.constant("handOver" as const), node: nodeOf });
/** One node goes on for long enough to be left with the decision, or nearly so: then what comes next decides that. */
const alone = fc.record({
  kind: fc.constant("alone" as const),
  node: nodeOf,
  start: fc.nat(1),
  count: fc.integer({ min: 6, max: 10 }),
});
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: deliver },
    { weight: 4, arbitrary: act },
    { weight: 1, arbitrary: handOver },
    { weight: 1, arbitrary: alone },
  ),
  { maxLength: 120, size: "max" },
);

test("R16: whoever decides, at home or a node by itself, no two programs have what only one may", (context) => {
  let [delegations, decided, owed] = [0, 0, 0];
  fc.assert(
    fc.property(steps, (taken) => {
      const world = new World();
      for (const step of taken) {
        if (step.kind === "deliver") world.deliver(step.node, step.way);
        else if (step.kind === "handOver") world.handOver(step.node);
        else if (step.kind === "act") world.act(lockOf(step.node, step.owner, step.start, step.type), step.wait);
        else world.actAlone(lockOf(step.node, owners, step.start, "exclusive"), step.count);
      }
      delegations += world.delegated.length;
      decided += world.decidedByNodes;
      owed += world.owed;
      for (let turn = 0; turn < 50 && (world.waitingCount > 0 || world.believed.length > 0); turn++) {
        world.settle();
        for (const held of [...world.believed]) world.unlock(held);
      }
      world.settle();
      assert.equal(world.waitingCount, 0, "everybody is answered once the others let go");
    }),
    { numRuns: 2000 },
  );
  context.diagnostic(
    `${delegations} times a node was left to decide; ${decided} locks were decided there; ${owed} times one handed over what it owed`,
  );
  assert.ok(delegations > 500 && decided > 500 && owed > 100);
});

test("a node that has a question out decides nothing: its answer may hang on that", () => {
  const world = new World();
  const [first, second] = [lockOf(0, 0, 0, "exclusive"), lockOf(0, 1, 0, "exclusive")];
  world.actAlone(first, 7);
  world.act(first, false);
  world.act(second, true);
  world.deliver(0, "toHome");
  assert.deepEqual(world.delegated, [0]);
  world.deliver(0, "toHome"); // The second waits for the first, at home.
  world.deliver(0, "toNode");
  world.act(first, false); // Its end has to be told.
  world.settle();
  assert.deepEqual(world.believed, [second]);
});

function delegatedLocks(): FileLocks {
  const files = new FileLocks();
  files.asked();
  files.granted("posix", lockOf(0, 0, 0, "exclusive"), true);
  return files;
}

test("a connection that is lost while a node hands over: it is told anew, and what was to be asked is asked", () => {
  const files = delegatedLocks();
  files.owe();
  const first = files.giveBack();
  assert.ok(first !== undefined);
  let asked = 0;
  files.whenTold(() => asked++);
  assert.equal(asked, 0);
  files.onDown();
  assert.deepEqual([asked, files.isTelling(first), files.owes], [1, false, true]);
  const second = files.tell();
  assert.deepEqual([files.isTelling(first), files.isTelling(second)], [false, true]);
  files.told();
  assert.deepEqual([files.owes, files.giveBack()], [false, undefined]);
});

test("a question that waits behind a hand-over can be taken back, and only that one", () => {
  const files = delegatedLocks();
  files.owe();
  files.giveBack();
  const said: string[] = [];
  for (const ticket of [1, 2]) {
    files.whenTold(
      () => said.push(`asked ${ticket}`),
      () => said.push(`taken back ${ticket}`),
      ticket,
    );
  }
  assert.deepEqual([files.takeBack(2), files.takeBack(2), files.takeBack(3)], [true, false, false]);
  files.told();
  assert.deepEqual(said, ["taken back 2", "asked 1"]);
  assert.equal(files.takeBack(1), false);
});
