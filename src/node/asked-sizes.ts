import { DmmapError } from "../core/error.js";
import type { ByteOffset } from "../core/units.js";
import type { Resized } from "../core/wire/control.js";
import type { HomeRequests } from "./home-requests.js";
import type { NodeFile } from "./node-file.js";

/** As of `Ask`. */
export interface SizeAsk {
  readonly op: "extend" | "truncate";
  readonly size: ByteOffset;
  readonly ticket?: number;
  readonly isWanted?: (wasSent: boolean) => boolean;
  /** Called right before it is sent, each time. */
  readonly onSend?: () => void;
  readonly onReply: (answer: Resized) => void;
  readonly onFail: (error: unknown) => void;
}

interface AskedSize {
  readonly size: ByteOffset;
  /** The file has had it since. */
  isHad: boolean;
  /** The session has ended in which it was asked for. */
  isLost: boolean;
}

/**
 * The sizes that one file is to be given for certain, for as long as the home has not answered:
 *
 * 1. A cuts the file. It is done, and the connection takes the answer with it. 2. Another node makes the file longer, and writes
 * there. 3. A is back, and asks again: what the other one wrote must not be cut off.
 *
 * A knows: before others may change a size, it has lived by it, or it is told of it when it is back. And it may be answered as if it
 * had asked just then. Where its session has ended, it does not know, and nor does its program.
 */
export class AskedSizes {
  readonly #asked = new Set<AskedSize>();

  add(size: ByteOffset, isHad: boolean): AskedSize {
    const asked = { size, isHad, isLost: false };
    this.#asked.add(asked);
    return asked;
  }

  delete(asked: AskedSize): void {
    this.#asked.delete(asked);
  }

  /** The file has this size, by the home's word. */
  heard(sizeBytes: ByteOffset): void {
    for (const asked of this.#asked) asked.isHad ||= asked.size === sizeBytes;
  }

  sessionLost(): void {
    for (const asked of this.#asked) asked.isLost = true;
  }
}

/** Asks the home for a size of the file: to make it as long at least, or just as long. */
export function askForSize(requests: HomeRequests, { frames, cache }: NodeFile, ask: SizeAsk): void {
  const { op, size, onSend, onReply, onFail, ...how } = ask;
  let asked: AskedSize | undefined;
  const end = () => {
    if (asked !== undefined) frames.askedSizes.delete(asked);
    asked = undefined;
  };
  const args = (wasSent: boolean) => {
    const { number: file } = frames;
    if (!wasSent) end();
    if (asked?.isLost === true && !asked.isHad) throw unknownError(frames.name);
    if (op === "truncate") asked ??= frames.askedSizes.add(size, size === cache.sizeBytes);
    onSend?.();
    if (wasSent && asked?.isHad === true) return { op: "extend", file, size: 0 }; // Answered when it is in force everywhere.
    return { file, size };
  };
  const onAnswer = (answer: object) => {
    end();
    onReply(answer as Resized);
  };
  const onFailed = (error: unknown) => {
    end();
    onFail(error);
  };
  requests.ask({ op, args, onReply: onAnswer, onFail: onFailed, ...how });
}

function unknownError(name: string): DmmapError {
  const message = `this node's session was lost with the home's answer: whether ${name} has been cut, or made longer, is not known`;
  return new DmmapError("DMMAP_LOST", message);
}
