import type { FailureListener } from "../core/failures.js";
import type { MountFile } from "./mount-file.js";

/** An open file description of a program: what OPEN answered with its number. */
export interface Handle {
  readonly file: MountFile;
  readonly isWriter: boolean;
  /** Past the kernel's cache, but for shared maps. */
  readonly isPastCache: boolean;
  /** What its program writes is to be on stable storage when it returns: O_SYNC or O_DSYNC. */
  readonly isSynced: boolean;
  /** Stores to it that are lost, and changes of its attributes that are refused, as far as this one has not heard of them. */
  readonly losses: FailureListener;
  readonly refusals: FailureListener;
}

/** The open file descriptions of this mount, by number. */
export class Handles {
  readonly #byNumber = new Map<number, Handle>();
  #last = 0;

  add(handle: Handle): number {
    this.#byNumber.set(++this.#last, handle);
    return this.#last;
  }

  find(number: number): Handle | undefined {
    return this.#byNumber.get(number);
  }

  remove(number: number): Handle | undefined {
    const handle = this.#byNumber.get(number);
    this.#byNumber.delete(number);
    return handle;
  }
}
