import assert from "node:assert/strict";
import { Delegation } from "../../src/core/home/delegation.js";
import { noRequest } from "../../src/core/home/directory-port.js";
import { FileDirectory } from "../../src/core/home/file-directory.js";
import { FileGrowth } from "../../src/core/token/file-growth.js";

type ToHome =
  | { kind: "open" }
  | { kind: "close" }
  | { kind: "grow"; size: number }
  | { kind: "ended"; epoch: number }
  | { kind: "size"; request: number; size: number; cuts: boolean }
  | { kind: "resized"; epoch: number }
  | { kind: "look"; request: number }
  | { kind: "sync"; grown: number }
  | { kind: "claimed" }
  | { kind: "recovered" };
type ToNode =
  | { kind: "opened"; size: number; growsHere: boolean }
  | { kind: "closed" }
  | { kind: "recall"; epoch: number }
  | { kind: "resize"; size: number; epoch: number }
  | { kind: "sized"; request: number; growsHere: boolean }
  | { kind: "looked"; request: number; size: number }
  | { kind: "synced"; grown: number }
  | { kind: "claimed"; size: number };

interface Asked {
  readonly node: number;
  readonly size: number;
  readonly cuts: boolean;
  /** Which truth there was. */
  readonly since: number;
  readonly question: object;
}

class TestNode {
  growth = new FileGrowth();
  state: "closed" | "opening" | "open" | "claiming" = "closed";
  isClosing = false;
  size = 0;
}

const nodes = [0, 1];
const observer = 2;
export const everybody = [...nodes, observer];

/**
 * Two nodes that have a file open now and then, one that only asks for its size, and a home, with messages under way between
 * them; and what programs have been told, which is what whoever looks later must find.
 */
export class GrowthWorld {
  /**
   * The sizes that were true, one after the other: each as soon as a program may have known of it, when its node has made the file
   * longer by itself or the home has done what it was asked.
   */
  readonly #truths: number[] = [0];
  grownHere = 0;
  looks = 0;
  restarts = 0;
  #size = 0;
  #stableSize = 0;
  #directory = this.#newDirectory(false);
  #delegation = this.#newDelegation();
  #epoch = 0;
  /** While the home hears how long a node has made the file. */
  #isGrowing = false;
  /** After a restart: the nodes that are to say what they have. */
  #back = new Set<number>();
  /** What waits for that. */
  #parked: (() => void)[] = [];
  readonly #nodes = nodes.map(() => new TestNode());
  #toHome: ToHome[][] = everybody.map(() => []);
  #toNode: ToNode[][] = everybody.map(() => []);
  readonly #asked = new Map<number, Asked>();
  /** By request: who looks, and which truth there was when that began. */
  readonly #lookedAt = new Map<number, { node: number; since: number }>();
  #requestLast = 0;

  #newDirectory(recovering: boolean): FileDirectory {
    return new FileDirectory(
      {
        grant: () => undefined,
        revoke: () => undefined,
        resize: (node, size, epoch) => this.#send(node, { kind: "resize", size, epoch }),
        setSize: (size) => {
          this.#size = size;
          this.#stableSize = Math.min(this.#stableSize, size); // A disk may forget a cut: nobody promises that either.
          if (!this.#isGrowing) this.#truths.push(size);
        },
        truncated: (node, request) => {
          if (request === noRequest) return;
          this.#send(node, { kind: "sized", request, growsHere: this.#leave(node) });
        },
      },
      { policy: "optimal", sizeBytes: this.#size, recovering },
    );
  }

  #newDelegation(): Delegation {
    return new Delegation((node) => this.#send(node, { kind: "recall", epoch: this.#epoch }), 1);
  }

  get isQuiet(): boolean {
    return this.#asked.size === 0 && this.#lookedAt.size === 0;
  }

  /** Once nothing is under way, and somebody has looked. */
  assertOneSize(): void {
    for (const it of this.#nodes) if (it.state === "open") assert.equal(it.size, this.#truths.at(-1));
    assert.equal(this.#size, this.#truths.at(-1));
  }

  // Programs.

  open(node: number): void {
    const it = this.#nodes[node];
    if (it.state !== "closed") return;
    it.state = "opening";
    this.#toHome[node].push({ kind: "open" });
  }

  close(node: number): void {
    const it = this.#nodes[node];
    if (it.state !== "open" || it.isClosing || this.#isAsking(node)) return;
    it.isClosing = true;
    this.#close(node);
  }

  append(node: number, byteLength: number): void {
    const it = this.#nodes[node];
    if (it.state !== "open" || it.isClosing) return;
    const size = it.size + byteLength;
    if (!it.growth.isOurs) return this.#ask(node, size, false);
    it.growth.grew(size);
    it.size = size;
    this.grownHere++;
    this.#truths.push(size);
  }

  cut(node: number): void {
    const it = this.#nodes[node];
    if (it.state === "open" && !it.isClosing) this.#ask(node, Math.floor(it.size / 2), true);
  }

  sync(node: number): void {
    const it = this.#nodes[node];
    if (it.state !== "open") return;
    this.#tell(node);
    this.#toHome[node].push({ kind: "sync", grown: it.growth.beginSync() });
  }

  /** Nobody on the node writes the file any more. */
  giveBack(node: number): void {
    const it = this.#nodes[node];
    if (it.state !== "open" || !it.growth.isOurs) return;
    this.#tell(node);
    it.growth.recalled();
    this.#toHome[node].push({ kind: "ended", epoch: 0 });
  }

  look(node: number): void {
    if (node !== observer) this.#tell(node);
    const request = ++this.#requestLast;
    this.#lookedAt.set(request, { node, since: this.#truths.length - 1 });
    this.#toHome[node].push({ kind: "look", request });
  }

  /** The node's connection is lost, and there again. */
  reconnect(node: number): void {
    this.#toHome[node] = [];
    this.#toNode[node] = [];
    for (const [request, look] of this.#lookedAt) if (look.node === node) this.#lookedAt.delete(request);
    const it = this.#nodes[node];
    this.#directory.disconnected(node);
    this.#lost(node);
    if (it.state === "open" || it.state === "claiming") this.#claim(node);
    this.#toHome[node].push({ kind: "recovered" });
    if (it.state === "opening") this.#toHome[node].push({ kind: "open" });
  }

  /** The home is killed, or its machine loses its power, and starts anew. */
  restart(losesPower: boolean): void {
    if (nodes.some((node) => this.#back.has(node))) return; // One at a time.
    this.restarts++;
    // What is being asked for may have been seen, and lost: nobody promises that.
    if (losesPower && this.#asked.size === 0) this.#size = this.#stableSize;
    this.#toHome = everybody.map(() => []);
    this.#toNode = everybody.map(() => []);
    this.#directory = this.#newDirectory(true);
    this.#delegation = this.#newDelegation();
    this.#lookedAt.clear();
    this.#parked = [];
    for (const node of nodes) {
      const it = this.#nodes[node];
      this.#lost(node);
      if (it.state === "opening") it.state = "closed";
      if (it.state === "closed") continue;
      this.#back.add(node);
      this.#directory.open(node);
      this.#claim(node);
    }
    if (this.#back.size === 0) this.#directory.endRecovery();
  }

  #claim(node: number): void {
    const it = this.#nodes[node];
    it.state = "claiming";
    if (it.growth.unstableBytes > 0) this.#toHome[node].push({ kind: "grow", size: it.growth.unstableBytes });
    this.#toHome[node].push({ kind: "claimed" });
  }

  /** What is not stable goes with it, so the home has to have it before (R20). */
  #close(node: number): void {
    this.#tell(node);
    this.#toHome[node].push({ kind: "sync", grown: this.#nodes[node].growth.beginSync() }, { kind: "close" });
  }

  #isAsking(node: number): boolean {
    return [...this.#asked.values()].some((asked) => asked.node === node);
  }

  #ask(node: number, size: number, cuts: boolean): void {
    if (this.#isAsking(node) && cuts) return;
    const request = ++this.#requestLast;
    this.#tell(node);
    const since = this.#truths.length - 1;
    this.#asked.set(request, { node, size, cuts, since, question: this.#nodes[node].growth.asked(size) });
    this.#toHome[node].push({ kind: "size", request, size, cuts });
  }

  /** The connection is lost: what was asked over it is not answered over the next one, but asked anew. */
  #lost(node: number): void {
    this.#nodes[node].growth.onDown();
    for (const [request, asked] of [...this.#asked]) {
      if (asked.node !== node) continue;
      this.#asked.delete(request);
      this.#asked.set(++this.#requestLast, asked);
    }
  }

  #askAgain(node: number): void {
    for (const [request, asked] of [...this.#asked]) {
      if (asked.node !== node) continue;
      const { size, cuts } = asked;
      this.#asked.set(request, { ...asked, question: this.#nodes[node].growth.asked(size) });
      this.#toHome[node].push({ kind: "size", request, size, cuts });
    }
  }

  #tell(node: number): void {
    const size = this.#nodes[node].growth.tell();
    if (size >= 0) this.#toHome[node].push({ kind: "grow", size });
  }

  // Messages.

  deliver(node: number, way: "toHome" | "toNode"): boolean {
    const message = way === "toHome" ? this.#toHome[node].shift() : this.#toNode[node].shift();
    if (message === undefined) return false;
    if (way === "toHome") this.#serve(node, message as ToHome);
    else this.#hear(node, message as ToNode);
    return true;
  }

  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const node of everybody) {
        while (this.deliver(node, "toHome")) moved = true;
        while (this.deliver(node, "toNode")) moved = true;
      }
    }
  }

  #leave(node: number): boolean {
    const isLeft = this.#delegation.granted(node, () => this.#directory.mayLeaveSizeTo(node));
    if (isLeft) this.#epoch++;
    return isLeft;
  }

  #serve(node: number, message: ToHome): void {
    const directory = this.#directory;
    const isBack = this.#back.has(node);
    switch (message.kind) {
      case "open":
      case "look":
        if (this.#back.size > 0) return void this.#parked.push(() => this.#serve(node, message));
        if (this.#delegation.node !== node && !this.#delegation.mayDecide(node)) {
          const delegation = this.#delegation;
          return delegation.whenEnded(() => this.#delegation === delegation && this.#serve(node, message));
        }
        if (message.kind === "look")
          return this.#send(node, { kind: "looked", request: message.request, size: directory.sizeBytes });
        directory.open(node);
        return this.#send(node, { kind: "opened", size: directory.sizeBytes, growsHere: this.#leave(node) });
      case "close":
        this.#delegation.ended(node);
        directory.close(node);
        return this.#send(node, { kind: "closed" });
      case "grow":
        this.#isGrowing = true;
        if (isBack || this.#delegation.node === node) directory.grown(node, message.size);
        this.#isGrowing = false;
        return;
      case "ended":
        if (message.epoch === 0 || message.epoch === this.#epoch) this.#delegation.ended(node);
        return;
      case "size":
        this.#delegation.ended(node);
        if (message.cuts) directory.truncate(node, message.request, message.size);
        else directory.extend(node, message.request, message.size);
        return;
      case "resized":
        return directory.resized(node, message.epoch);
      case "sync":
        this.#stableSize = this.#size;
        return this.#send(node, { kind: "synced", grown: message.grown });
      case "recovered":
        this.#delegation.ended(node);
        return directory.recovered(node);
      case "claimed":
        if (!directory.isOpen(node)) return this.#send(node, { kind: "closed" }); // The answer to that was lost.
        this.#send(node, { kind: "claimed", size: directory.sizeBytes });
        directory.endClaims(node, directory.epoch);
        if (!this.#back.delete(node) || this.#back.size > 0) return;
        directory.endRecovery();
        for (const act of this.#parked.splice(0)) act();
    }
  }

  #hear(node: number, message: ToNode): void {
    if (message.kind === "looked") return this.#assertTrue(message.request, message.size);
    const it = this.#nodes[node];
    switch (message.kind) {
      case "opened":
        it.state = "open";
        it.size = message.size;
        if (message.growsHere) it.growth.opened();
        return;
      case "closed":
        this.#nodes[node] = new TestNode();
        return;
      case "recall":
        this.#tell(node);
        it.growth.recalled();
        this.#toHome[node].push({ kind: "ended", epoch: message.epoch });
        return;
      case "resize":
        if (it.state === "claiming") return; // It is told again, when it has claimed.
        it.growth.resized(message.size);
        it.size = message.size;
        this.#toHome[node].push({ kind: "resized", epoch: message.epoch });
        return;
      case "sized": {
        const asked = this.#asked.get(message.request);
        if (asked === undefined) return;
        this.#asked.delete(message.request);
        it.growth.answered(asked.question, asked.size, message.growsHere);
        return;
      }
      case "synced":
        return it.growth.synced(message.grown);
      case "claimed":
        it.state = "open";
        it.size = message.size;
        this.#askAgain(node);
        if (it.isClosing) this.#close(node);
    }
  }

  #assertTrue(request: number, size: number): void {
    const look = this.#lookedAt.get(request);
    if (look === undefined) return; // Its connection was lost.
    this.#lookedAt.delete(request);
    this.looks++;
    const possible = this.#truths.slice(look.since);
    // A cut that is under way when a connection or the home is lost may be undone, or half done, until it is asked for anew.
    const isBeingCut = [...this.#asked.values()].some(
      (asked) => asked.cuts && size >= asked.size && size <= Math.max(...this.#truths.slice(asked.since)),
    );
    if (isBeingCut) return;
    assert.ok(possible.includes(size), `a look found ${size}; it may be ${possible.join(", ")}`);
  }

  #send(node: number, message: ToNode): void {
    this.#toNode[node].push(message);
  }
}
