import type { Micros } from "../core/units.js";
import { Errno } from "../kernel/errno.js";
import { say } from "../kernel/standard-error.js";
import type { Node } from "../node/node.js";
import type { FuseLoop } from "./fuse-loop.js";
import { Opcode } from "./protocol.js";
import type { Request } from "./request.js";

const stallMicros = 1_000_000;
const lookMicros = 250_000;

const names = new Map<number, string>(Object.entries(Opcode).map(([name, opcode]) => [opcode, name]));

/** What is said of a request that waits. */
export interface WaitTexts {
  /** What it waits for. */
  reason(request: Request): string;
  /** What it is about, as people call it. */
  subject(request: Request): string;
}

/** Says why programs wait, when they wait for long, and ends that when there is an end to patience. */
export class WaitWatch {
  readonly #loop: FuseLoop;
  readonly #timeoutMicros: Micros;
  readonly #node: Pick<Node, "downSince">;
  readonly #texts: WaitTexts;
  readonly #told = new Set<Request>();

  /** After `timeoutMicros` a request fails with ETIMEDOUT; Infinity for never. */
  constructor(loop: FuseLoop, node: Pick<Node, "downSince">, timeoutMicros: Micros, texts: WaitTexts) {
    this.#node = node;
    this.#loop = loop;
    this.#timeoutMicros = timeoutMicros;
    this.#texts = texts;
  }

  /** @returns when to look again. */
  look(now: Micros): Micros {
    for (const request of this.#told) if (request.isAnswered) this.#resume(request, now);
    for (const request of [...this.#loop.waiting]) {
      // Who waits for a lock waits for other programs, and as long as they like; unless it is the home that is away.
      const micros = now - (request.isPatient ? Math.max(request.since, this.#node.downSince) : request.since);
      if (micros < Math.min(stallMicros, this.#timeoutMicros)) continue;
      if (micros >= this.#timeoutMicros) request.onGiveUp?.(Errno.ETIMEDOUT);
      else if (!this.#told.has(request)) this.#stall(request, micros);
    }
    return this.#loop.waitingCount > 0 || this.#told.size > 0 ? now + lookMicros : Number.POSITIVE_INFINITY;
  }

  #stall(request: Request, micros: Micros): void {
    this.#told.add(request);
    say(`${this.#describe(request)} has waited for ${seconds(micros)}: ${this.#texts.reason(request)}`);
  }

  #resume(request: Request, now: Micros): void {
    this.#told.delete(request);
    say(`${this.#describe(request)} goes on after ${seconds(now - request.since)}`);
  }

  #describe(request: Request): string {
    const { opcode, thread } = request;
    return `${names.get(opcode) ?? `request ${opcode}`} of process ${thread} on ${this.#texts.subject(request)}`;
  }
}

function seconds(micros: Micros): string {
  return `${(micros / 1e6).toFixed(1)} s`;
}
