import { DmmapError } from "../core/error.js";
import type { HomeConnection } from "./home-connection.js";

/** Where an answer goes: to `onReply`, or what became of it instead to `onFail`. */
export interface Ask {
  readonly op: string;
  /**
   * Made anew for each try: numbers of files change with the session. `wasSent`: it may have been done; then it may name another `op`.
   */
  readonly args: (wasSent: boolean) => object;
  readonly onReply: (answer: object) => void;
  readonly onFail: (error: unknown) => void;
  /** Called when the connection is lost: it is asked again as soon as there is one. */
  readonly onDown?: () => void;
  /** Names the request for `cancel`. */
  readonly ticket?: number;
  /**
   * Asked before it is sent once the session goes on. `wasSent`: it was before, and may have been done. If nobody waits for it any
   * more, it fails with DMMAP_ABORTED: what a program was told had failed must not be done later.
   */
  readonly isWanted?: (wasSent: boolean) => boolean;
}

/** What goes on once the session does. */
interface Parked {
  readonly act: () => void;
  readonly ticket?: number | undefined;
  readonly onFail?: (error: unknown) => void;
}

/**
 * Control requests that outlive the connection: one whose answer the connection took with it is asked again, so that a
 * program sees a pause. What the home had done by then is done; what must not be done twice says so (`ChangeRequest`).
 */
export class HomeRequests {
  readonly #connection: HomeConnection;
  /** The program's number of a request that can be cancelled, and the connection's. */
  readonly #tickets = new Map<number, number>();
  /** Of those, the ones that were cancelled, and have not been answered. */
  readonly #cancelled = new Set<number>();
  /** What waits for the session to go on, in order. */
  readonly #parked: Parked[] = [];
  #isStopping = false;
  #isPaused = false;

  constructor(connection: HomeConnection) {
    this.#connection = connection;
  }

  ask(ask: Ask): void {
    if (!this.#isPaused || this.#isStopping) return this.#send(ask, false);
    this.#parked.push({ act: () => this.#again(ask, false), ticket: ask.ticket, onFail: ask.onFail });
    ask.onDown?.();
  }

  /** Over the present connection alone: if that is lost, nobody hears of it. */
  askOnce(op: string, args: object, onReply: (answer: object) => void, onFail: (error: unknown) => void): void {
    this.#connection.request(op, args, (answer, error) => {
      if (answer !== undefined) onReply(answer);
      else if (!isDown(error)) onFail(error);
    });
  }

  #again(ask: Ask, wasSent: boolean): void {
    if (ask.isWanted?.(wasSent) === false) ask.onFail(takenBack());
    else this.#send(ask, wasSent);
  }

  #send(ask: Ask, wasSent: boolean): void {
    const { op, args, onReply, onFail, onDown, ticket } = ask;
    let body: object;
    try {
      body = args(wasSent);
    } catch (error) {
      return onFail(error); // The file was closed while the request waited.
    }
    const isSent = wasSent || this.#connection.isUp;
    const request = this.#connection.request(op, body, (answer, error) => {
      if (ticket !== undefined) this.#tickets.delete(ticket);
      const isCancelled = ticket !== undefined && this.#cancelled.delete(ticket);
      if (answer !== undefined) onReply(answer);
      else if (isCancelled && isDown(error)) onFail(takenBack());
      else if (!this.#park(error, { act: () => this.#again(ask, isSent), ticket, onFail })) onFail(error);
      else onDown?.();
    });
    if (ticket !== undefined) this.#tickets.set(ticket, request);
  }

  /** @returns whether `action` will be run once the session goes on, since only the connection was lost. */
  retry(error: DmmapError | undefined, act: () => void): boolean {
    return this.#park(error, { act });
  }

  /** The program has given up a request that waits at the home. */
  cancel(ticket: number): void {
    const parked = this.#parked.findIndex((entry) => entry.ticket === ticket);
    if (parked >= 0) this.#parked.splice(parked, 1)[0].onFail?.(takenBack());
    const request = this.#tickets.get(ticket);
    if (request === undefined) return;
    this.#cancelled.add(ticket);
    this.#connection.request("cancelLock", { request }, () => undefined);
  }

  /** The connection is back, and files are being claimed or opened anew: what names one by its number waits for that. */
  pause(): void {
    this.#isPaused = true;
  }

  /** The session goes on. */
  resume(): void {
    this.#isPaused = false;
    for (const { act } of this.#parked.splice(0)) act();
  }

  #park(error: DmmapError | undefined, parked: Parked): boolean {
    if (!isDown(error) || this.#isStopping) return false;
    this.#parked.push(parked);
    return true;
  }

  /** From now on a lost connection is the end of what it carried. */
  stop(): void {
    this.#isStopping = true;
  }
}

export function takenBack(): DmmapError {
  return new DmmapError("DMMAP_ABORTED", "the request was taken back");
}

/** Whether the connection broke before the answer came: nothing is wrong with the request. */
export function isDown(error: DmmapError | undefined): boolean {
  return error?.code === "DMMAP_UNREACHABLE" || error?.code === "DMMAP_FENCED";
}
