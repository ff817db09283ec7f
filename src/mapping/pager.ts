import { nowMicros } from "../kernel/clock.js";
import { Ready } from "../kernel/epoll.js";
import { assertPageSize } from "../kernel/page-size.js";
import { type Polling, PollingEpoll } from "../kernel/polling-epoll.js";
import type { Region } from "../kernel/region.js";
import { type Access, Userfaultfd } from "../kernel/userfaultfd.js";
import type { CacheView } from "./cache-view.js";
import { PageCache, type PageCacheOptions } from "./page-cache.js";
import { PageTotals } from "./page-states.js";
import { PageTables } from "./page-tables.js";
import { stopProcess } from "./stop-process.js";

export type { FaultHandler, PageCacheOptions } from "./page-cache.js";

/** Batches of faults served before sockets get their turn. */
const faultRoundsMax = 4;
/**
 * The longest sleep. Every wake-up has a descriptor; this only bounds how long a thread that is being terminated from
 * outside, for example because the worker that made it was, stays in the kernel where nothing can reach it.
 */
const sleepMicrosMax = 1e6;

export interface PagerOptions extends Polling {
  /** Called when a callback or a verb threw. Must not return to serving; stops the process unless given. */
  readonly onFatal?: (error: unknown) => void;
}

/**
 * The loop that serves faults, one in a thread of its own: it owns the epoll set and, once a view is open, the userfaultfd, and never awaits,
 * never touches a view's memory, and never makes a system call that would wait for a fault (R13).
 */
export class Pager {
  /** When to call `onDeadline`, on the clock of `nowMicros`; Infinity for never. */
  deadline = Number.POSITIVE_INFINITY;
  onDeadline: (nowMicros: number) => void = () => {};
  /** Called after every batch of events, before sleeping. */
  onIdle: () => void = () => {};
  /** Called when `run` has served its last event. */
  onEnd: () => void = () => {};
  readonly #onFatal: (error: unknown) => void;
  #uffd: Userfaultfd | undefined;
  readonly #epoll: PollingEpoll;
  readonly #watchers = new Map<number, (events: number) => void>();
  readonly #caches = new Set<PageCache>();
  readonly #totals = new PageTotals();
  #stopped = false;

  constructor(options: PagerOptions = {}) {
    assertPageSize();
    this.#onFatal = options.onFatal ?? stopProcess;
    this.#epoll = new PollingEpoll(options);
  }

  /** @throws an Error with the code DMMAP_UNSUPPORTED where this process may have none */
  get uffdAccess(): Access {
    return this.#openUserfaultfd().access;
  }

  /** Over all caches. */
  get cachedPages(): number {
    return this.#totals.cached;
  }

  get dirtyPages(): number {
    return this.#totals.dirty;
  }

  createCache(options: PageCacheOptions): PageCache {
    const tables = new PageTables(this.#openUserfaultfd);
    const cache = new PageCache(tables, this.#totals, options, (closed) => this.#caches.delete(closed));
    this.#caches.add(cache);
    return cache;
  }

  /** Calls `onReady` whenever one of `events` (`Ready`) is so. */
  watch(fd: number, events: number, onReady: (events: number) => void): void {
    this.#epoll.add(fd, events, fd);
    this.#watchers.set(fd, onReady);
  }

  /** Changes the events; the callback stays. */
  rewatch(fd: number, events: number): void {
    this.#epoll.modify(fd, events, fd);
  }

  /** Before the descriptor is closed. */
  unwatch(fd: number): void {
    if (this.#watchers.delete(fd)) this.#epoll.remove(fd);
  }

  /** `serve` looks for what is likely to come next, serves it, and says whether it had come: see PollingEpoll. */
  expect(serve: (() => boolean) | undefined): void {
    this.#epoll.expected = serve;
  }

  /** Loops until `stop`. */
  run(): void {
    try {
      while (!this.#stopped) this.#turn();
      this.onEnd();
      if (this.#caches.size === 0) this.#close();
    } catch (error) {
      this.#onFatal(error);
    }
  }

  /** Makes `run` return after the present batch. Threads that fault afterwards wait for ever: close the caches first. */
  stop(): void {
    this.#stopped = true;
  }

  /** Not while a cache is open: a thread that waits in a fault then would be given a zero page. */
  #close(): void {
    this.#uffd?.close();
    this.#epoll.close();
  }

  readonly #openUserfaultfd = (): Userfaultfd => {
    if (this.#uffd !== undefined) return this.#uffd;
    const uffd = new Userfaultfd();
    this.watch(uffd.fd, Ready.in, () => this.#serveFaults(uffd));
    return (this.#uffd = uffd);
  };

  #turn(): void {
    const count = this.#epoll.wait(this.#sleepMicros());
    for (let index = 0; index < count; index++) {
      // Gone when an earlier callback of this batch unwatched it.
      this.#watchers.get(this.#epoll.token(index))?.(this.#epoll.events(index));
    }
    if (this.deadline !== Number.POSITIVE_INFINITY) {
      const now = nowMicros();
      if (now >= this.deadline) this.onDeadline(now);
    }
    this.onIdle();
  }

  #sleepMicros(): number {
    const untilDeadline = this.deadline === Number.POSITIVE_INFINITY ? sleepMicrosMax : this.deadline - nowMicros();
    return Math.min(sleepMicrosMax, untilDeadline);
  }

  /** One read more than there were batches: a thread often faults again at once, and a read costs less than a sleep. */
  #serveFaults(uffd: Userfaultfd): void {
    for (let rounds = 0; rounds < faultRoundsMax; rounds++) if (uffd.readFaults(onFault) === 0) return;
  }
}

/** Every region that a pager registers is a CacheView. */
function onFault(region: Region, page: number, flags: number, thread: number): void {
  const view = region as CacheView;
  view.cache.onFault(view, page, flags, thread);
}
