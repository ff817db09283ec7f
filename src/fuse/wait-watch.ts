import type { Micros } from "../core/units.js";
import { Errno } from "../kernel/errno.js";
import { say } from "../kernel/standard-error.js";
import type { FuseLoop } from "./fuse-loop.js";
import { Opcode } from "./protocol.js";
import type { Request } from "./request.js";

const stallMicros = 1_000_000;
const lookMicros = 250_000;

const names = new Map<number, string>(Object.entries(Opcode).map(([name, opcode]) => [opcode, name]));

/** Says why programs wait, when they wait for long, and ends that when there is an end to patience. */
export class WaitWatch {
  readonly #loop: FuseLoop;
  readonly #timeoutMicros: Micros;
  readonly #reason: (request: Request) => string;
  readonly #told = new Set<Request>();

  /** `reason`: what a request waits for. After `timeoutMicros` it fails with ETIMEDOUT; Infinity for never. */
  constructor(loop: FuseLoop, timeoutMicros: Micros, reason: (request: Request) => string) {
    this.#loop = loop;
    this.#timeoutMicros = timeoutMicros;
    this.#reason = reason;
  }

  /** @returns when to look again. */
  look(now: Micros): Micros {
    for (const request of this.#told) if (request.isAnswered) this.#resume(request, now);
    for (const request of [...this.#loop.waiting]) {
      const micros = now - request.since;
      if (request.isPatient || micros < Math.min(stallMicros, this.#timeoutMicros)) continue;
      if (micros >= this.#timeoutMicros) request.onGiveUp?.(Errno.ETIMEDOUT);
      else if (!this.#told.has(request)) this.#stall(request, micros);
    }
    return this.#loop.waitingCount > 0 || this.#told.size > 0 ? now + lookMicros : Number.POSITIVE_INFINITY;
  }

  #stall(request: Request, micros: Micros): void {
    this.#told.add(request);
    say(`${describe(request)} has waited for ${seconds(micros)}: ${this.#reason(request)}`);
  }

  #resume(request: Request, now: Micros): void {
    this.#told.delete(request);
    say(`${describe(request)} goes on after ${seconds(now - request.since)}`);
  }
}

function describe({ opcode, thread, node }: Request): string {
  return `${names.get(opcode) ?? `request ${opcode}`} of process ${thread} on inode ${node}`;
}

function seconds(micros: Micros): string {
  return `${(micros / 1e6).toFixed(1)} s`;
}
