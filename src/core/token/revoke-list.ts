import { Mode, type PageIndex } from "../units.js";

/** The home asks to keep no more than `mode` on [start, end). */
export interface Revoke {
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
  /** How far the asker would go. */
  readonly wantEnd: PageIndex;
  /** Its place among wants and revokes, in order of arrival. */
  readonly sequence: number;
  /** Nobody asked: this node gives the range back by itself. */
  readonly isOwn: boolean;
  /** Its recall or write-back has begun: nothing there comes into use any more. */
  flushing: boolean;
}

/** What was asked back and has not been given, in order of arrival. */
export class RevokeList {
  #revokes: Revoke[] = [];

  get count(): number {
    return this.#revokes.length;
  }

  add({ mode, start, end, wantEnd, sequence, isOwn }: Omit<Revoke, "flushing">): void {
    this.#revokes.push({ mode, start, end, wantEnd, sequence, isOwn, flushing: false });
  }

  /** Calls `isServed` for each and forgets those for which it answers yes. @returns whether it did for any. */
  serve(isServed: (revoke: Revoke) => boolean): boolean {
    const before = this.#revokes.length;
    this.#revokes = this.#revokes.filter((revoke) => !isServed(revoke));
    return this.#revokes.length < before;
  }

  some(test: (revoke: Revoke) => boolean): boolean {
    return this.#revokes.some(test);
  }

  /** Whether `mode` on this page, or anywhere up to `end`, is on its way out. */
  bars(page: PageIndex, mode: Mode, end: PageIndex = page + 1): boolean {
    for (const revoke of this.#revokes) {
      if (revoke.flushing && mode > revoke.mode && page < revoke.end && end > revoke.start) return true;
    }
    return false;
  }

  /** After a reconnect: the home will ask again for what it still needs. */
  restart(): void {
    this.#revokes = this.#revokes.filter(({ isOwn }) => isOwn);
    for (const revoke of this.#revokes) revoke.flushing = false;
  }

  clear(): void {
    this.#revokes = [];
  }

  describe(): string {
    const names = { [Mode.none]: "none", [Mode.read]: "read", [Mode.write]: "write" };
    const line = this.#revokes.map(
      ({ start, end, mode, wantEnd, sequence, flushing }) =>
        `${start}..${end} to ${names[mode]} ~${sequence} for up to ${wantEnd}${flushing ? ", being written back" : ""}`,
    );
    return line.join(", ") || "none";
  }
}
