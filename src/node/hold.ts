/** A range that this node keeps, until `release` (or the end of its lease). Made by `map.hold`. */
export class Hold implements Disposable {
  /** In bytes, relative to the map. */
  readonly offset: number;
  readonly length: number;
  readonly mode: "read" | "write";
  #drop: (() => void) | undefined;

  /** Use `map.hold`. */
  constructor(offset: number, length: number, mode: "read" | "write", drop: () => void) {
    this.offset = offset;
    this.length = length;
    this.mode = mode;
    this.#drop = drop;
  }

  /** Lets others have the range again. */
  release(): void {
    this.#drop?.();
    this.#drop = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
