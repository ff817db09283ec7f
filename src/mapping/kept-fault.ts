import { pageBytes } from "../kernel/page-size.js";
import type { HookedMapping } from "./hooked-mapping.js";
import type { Fault } from "./hooks.js";

/** One fault that was given to a hook: open until it is answered, or until what happened meanwhile makes it old. */
export class KeptFault implements Fault {
  readonly mapping: HookedMapping;
  readonly page: number;
  write: boolean;
  /** Its answer is old from this page on: the neighbours that were evicted or truncated meanwhile. */
  limit = Number.POSITIVE_INFINITY;
  #open = true;

  constructor(mapping: HookedMapping, page: number, write: boolean) {
    this.mapping = mapping;
    this.page = page;
    this.write = write;
  }

  get offset(): number {
    return this.page * pageBytes;
  }

  fill(bytes: Uint8Array, access: "read" | "write"): boolean {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("fault.fill takes a Uint8Array");
    if (access !== "read" && access !== "write") throw new TypeError('fault.fill takes "read" or "write"');
    if (!this.#take()) return false;
    this.mapping.install(this, bytes, access === "write");
    return true;
  }

  allowWrite(): boolean {
    const { cache } = this.mapping;
    if (this.#open && !cache.isCached(this.page))
      throw new Error("fault.allowWrite is for wpPage: fill the page first");
    if (!this.#take()) return false;
    cache.allowWrite(this.page, this.page + 1);
    return true;
  }

  retry(): boolean {
    if (!this.#take()) return false;
    this.mapping.cache.retry(this.page);
    return true;
  }

  poison(): boolean {
    if (!this.#take()) return false;
    this.mapping.cache.poison(this.page, this.page + 1);
    return true;
  }

  /** An answer to it would be an old one. */
  end(): void {
    this.#open = false;
  }

  #take(): boolean {
    if (!this.#open) return false;
    this.mapping.forgetFault(this);
    return true;
  }
}
