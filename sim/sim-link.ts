import { NodeLease } from "../src/core/token/node-lease.js";
import type { ToNode } from "./message.js";

/** `unused`: there is a session, and nothing has been lost yet that would need a hello. */
export type LinkState = "up" | "down" | "greeting";

/** A node's connection and session as the node knows them: the shipped lease, a hello after every loss. */
export class SimLink {
  readonly lease = new NodeLease();
  state: LinkState = "up";
  session: string | undefined;
  takenDuty = 0;
  greetedAt = 0;
  #boot: number;
  #deadline = Number.POSITIVE_INFINITY;
  #requestLast = 0;
  #pingRequest = 0;
  #pingDuty = 0;

  /** The first session of a node is there from the beginning. */
  constructor(session: string | undefined, boot: number, leaseMicros: number, now: number) {
    this.session = session;
    this.#boot = boot;
    if (session === undefined) this.state = "down";
    else this.#begin(now, now, leaseMicros);
  }

  get deadline(): number {
    return Math.min(this.#deadline, this.lease.deadline);
  }

  describe(): string {
    return `${this.state} ${this.session} ${this.#boot} ${this.takenDuty}`;
  }

  greet(now: number): void {
    this.state = "greeting";
    this.greetedAt = now;
    this.#deadline = now + this.lease.leaseMicros;
  }

  welcome({ session, boot, leaseMicros }: ToNode & { type: "welcome" }, now: number): void {
    if (boot !== this.#boot) this.takenDuty = 0;
    this.#boot = boot;
    this.session = session;
    this.#begin(this.greetedAt, now, leaseMicros);
  }

  down(): void {
    this.state = "down";
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** @returns the request of a ping that is to be sent. */
  ping(now: number, lastDuty: number): number | undefined {
    if (now < this.#deadline || this.state !== "up") return undefined;
    this.#deadline = now + this.lease.pingMicros;
    if (this.lease.isPinged) return undefined;
    this.lease.pinged(now);
    this.#pingDuty = lastDuty;
    this.#pingRequest = ++this.#requestLast;
    return this.#pingRequest;
  }

  /** Nobody answers the hello. */
  isUnanswered(now: number): boolean {
    return this.state === "greeting" && now >= this.#deadline;
  }

  pong(request: number): void {
    this.lease.ponged();
    if (request === this.#pingRequest) this.takenDuty = this.#pingDuty;
  }

  #begin(greetedAt: number, now: number, leaseMicros: number): void {
    this.state = "up";
    this.#pingRequest = 0;
    this.lease.begin(greetedAt, leaseMicros);
    this.#deadline = now + this.lease.pingMicros;
  }
}
