import { DmmapError } from "../core/error.js";
import type { LeaseKey } from "../core/home/lease-table.js";
import { type Frame, FrameType } from "../core/wire/frame.js";
import type { Recall } from "../core/wire/leases.js";
import type { HomeConnection } from "./home-connection.js";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** What the home asks this node to forget. One that takes no leases has forgotten it already. */
export class Recalls {
  /** Calls `done` when nothing here, nor above, goes by what was told of these any more. */
  onRecall: (keys: readonly LeaseKey[], done: () => void) => void = (_keys, done) => done();
  readonly #connection: HomeConnection;
  /** Of the connection: a recall that came over one that is lost wants no answer. */
  #era = 0;

  constructor(connection: HomeConnection) {
    this.#connection = connection;
  }

  onFrame({ request }: Frame, payload: Uint8Array): void {
    const era = this.#era;
    this.onRecall(keysOf(payload), () => {
      if (era !== this.#era) return;
      const answer = this.#connection.outgoing.reset(FrameType.recalled);
      answer.request = request;
      this.#connection.send(answer);
    });
  }

  onDown(): void {
    this.#era++;
  }
}

function keysOf(payload: Uint8Array): readonly LeaseKey[] {
  try {
    const { keys } = JSON.parse(decoder.decode(payload)) as Partial<Recall>;
    if (Array.isArray(keys) && keys.every((key) => typeof key === "number" || typeof key === "string")) return keys;
  } catch {
    // Said below.
  }
  throw new DmmapError("DMMAP_PROTOCOL", "a recall that names nothing");
}
