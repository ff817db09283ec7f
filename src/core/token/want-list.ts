import { type Micros, Mode, type PageIndex } from "../units.js";

/** A thread, or several, asleep in a fault. */
export interface Want {
  readonly page: PageIndex;
  mode: Mode;
  readonly since: Micros;
  /** Its place among wants and revokes, in order of arrival. */
  readonly sequence: number;
  /** The home had to be asked. */
  waited: boolean;
  /** The home could not read the page: ask again from this time on. */
  retryAt: Micros;
}

/** What threads wait for, one entry a page however many threads sleep there, in order of arrival. */
export class WantList {
  #wants: Want[] = [];

  get count(): number {
    return this.#wants.length;
  }

  add(page: PageIndex, mode: Mode, since: Micros, sequence: number): void {
    const known = this.#wants.find((want) => want.page === page);
    if (known !== undefined) known.mode = Math.max(known.mode, mode) as Mode;
    else this.#wants.push({ page, mode, since, sequence, waited: false, retryAt: 0 });
  }

  /** Calls `isServed` for each, in order, and forgets those for which it answers yes. */
  serve(isServed: (want: Want) => boolean): void {
    const wants = this.#wants;
    let kept = 0;
    for (let index = 0; index < wants.length; index++) {
      const want = wants[index];
      if (!isServed(want)) wants[kept++] = want;
    }
    wants.length = kept;
  }

  some(test: (want: Want) => boolean): boolean {
    return this.#wants.some(test);
  }

  find(test: (want: Want) => boolean): Want | undefined {
    return this.#wants.find(test);
  }

  delay(start: PageIndex, end: PageIndex, retryAt: Micros): void {
    for (const want of this.#wants) if (want.page >= start && want.page < end) want.retryAt = retryAt;
  }

  /** The first page of [start, end) that is waited for, or `end`. */
  firstIn(start: PageIndex, end: PageIndex): PageIndex {
    let first = end;
    for (const { page } of this.#wants) if (page >= start && page < first) first = page;
    return first;
  }

  describe(): string {
    const line = this.#wants.map(
      ({ page, mode, sequence, waited }) =>
        `${mode === Mode.write ? "write" : "read"} ${page} ~${sequence}${waited ? " of the home" : ""}`,
    );
    return line.join(", ") || "none";
  }
}
