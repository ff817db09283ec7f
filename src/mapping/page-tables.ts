import type { Userfaultfd } from "../kernel/userfaultfd.js";
import type { CacheView } from "./cache-view.js";
import { assert } from "./invariant.js";

/** How often an ioctl that says "the address space is changing" is repeated before that counts as a fault of ours. */
const againMax = 100_000;

/**
 * What the views' page tables show of a cache. Every verb clips its range to the views, answers each race of the kernel
 * (an errno) where it arises, and leaves no thread asleep that should run.
 */
export class PageTables {
  readonly views: CacheView[] = [];
  readonly #openUserfaultfd: () => Userfaultfd;
  #opened: Userfaultfd | undefined;

  /** The userfaultfd is opened for the first view: a system may refuse it, and a cache that nobody maps needs none. */
  constructor(openUserfaultfd: () => Userfaultfd) {
    this.#openUserfaultfd = openUserfaultfd;
  }

  get #uffd(): Userfaultfd {
    return (this.#opened ??= this.#openUserfaultfd());
  }

  get canPoison(): boolean {
    return this.#uffd.canPoison;
  }

  add(view: CacheView): void {
    this.#uffd.register(view);
    this.views.push(view);
  }

  /** Puts inert zero pages in the view's place and lets whoever waits there run (R19). */
  remove(view: CacheView): void {
    this.views.splice(this.views.indexOf(view), 1);
    view.replaceByZeros();
    this.#uffd.forget(view);
  }

  /**
   * Maps pages that the memfd holds, and wakes their waiters. `protect` write-protects them (shared views; a private one
   * is read-only until the kernel copies the page at the first store).
   */
  map(view: CacheView, start: number, end: number, protect: boolean): void {
    let page = Math.max(start, view.firstPage);
    const stop = Math.min(end, view.endPage);
    const writeProtect = protect && view.sharing === "shared";
    for (let attempts = 0; page < stop; attempts++) {
      const outcome = this.#uffd.continuePages(view, page, stop, writeProtect);
      if (outcome === "done" || outcome === "gone") return;
      page += this.#uffd.lastProcessedPages;
      if (outcome === "exists") {
        // Mapped already, by the answer to another thread, or copied by a private store. That answer woke the threads it
        // found asleep; one whose event was in the same batch sleeps on unless it is woken here: a fault lost for ever.
        if (writeProtect) this.#setProtection(view, page, page + 1, true);
        this.#uffd.wake(view, page, page + 1);
        page++;
      } else {
        assert(outcome !== "missing", `R17: page ${page} is cached, and nobody else takes pages out of the memfd`);
        assert(outcome !== "unmapped", `a view that is open is registered (page ${page})`);
        assert(attempts < againMax, "the kernel lets a page be mapped in the end");
      }
    }
  }

  /** Write-protects pages in all shared views: no thread stores there from now on. */
  protect(start: number, end: number): void {
    this.#eachShared(start, end, true);
  }

  /** Lets all shared views store again, and wakes the threads that waited for it. */
  allow(start: number, end: number): void {
    this.#eachShared(start, end, false);
  }

  allowIn(view: CacheView, page: number): void {
    this.#setProtection(view, page, page + 1, false);
  }

  /** Takes pages out of the shared views' page tables; they stay in the memfd. */
  unmapShared(start: number, end: number): void {
    for (const view of this.views) if (view.sharing === "shared") view.unmapPages(start, end);
  }

  /** Destroys what private views hold here, their own written pages included: for truncation only (R4, R5). */
  destroyPrivate(start: number, end: number): void {
    for (const view of this.views) if (view.sharing === "private") view.unmapPages(start, end);
  }

  /** Makes a touch of this page in this view raise SIGBUS. */
  poison(view: CacheView, page: number): void {
    assert(this.#uffd.canPoison, "a page that cannot be given ends in SIGBUS, which needs Linux 6.6 (UFFDIO_POISON)");
    let outcome = this.#uffd.poison(view, page, page + 1);
    for (let attempts = 0; outcome === "again" && attempts < againMax; attempts++) {
      outcome = this.#uffd.poison(view, page, page + 1);
    }
    // EEXIST: it is mapped or poisoned already, and the thread sees that when it runs.
    if (outcome === "exists") this.#uffd.wake(view, page, page + 1);
    else view.poisoned.add(page);
  }

  /** Lets poisoned pages of [start, end) fault again. */
  clearPoison(start: number, end: number): void {
    for (const view of this.views) {
      if (view.poisoned.size === 0) continue;
      for (const page of [...view.poisoned].filter((poisoned) => poisoned >= start && poisoned < end)) {
        view.unmapPages(page, page + 1);
        view.poisoned.delete(page);
      }
    }
  }

  wake(view: CacheView, page: number): void {
    this.#uffd.wake(view, page, page + 1);
  }

  #eachShared(start: number, end: number, on: boolean): void {
    for (const view of this.views) {
      const from = Math.max(start, view.firstPage);
      const to = Math.min(end, view.endPage);
      if (from < to && view.sharing === "shared") this.#setProtection(view, from, to, on);
    }
  }

  #setProtection(view: CacheView, start: number, end: number, on: boolean): void {
    let outcome = this.#uffd.writeProtect(view, start, end, on);
    for (let attempts = 0; outcome === "again"; attempts++) {
      assert(attempts < againMax, "the kernel lets a page's protection be changed in the end");
      outcome = this.#uffd.writeProtect(view, start, end, on);
    }
    assert(outcome === "done" || outcome === "gone", "a view that is open is registered");
  }
}
