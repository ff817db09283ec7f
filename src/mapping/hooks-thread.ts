import type { EntryData } from "./pager-entry.js";
import { PagerThread } from "./pager-thread.js";

type OnMessage = (message: unknown) => void;

const threads = new Map<string, HooksThread>();
const entry = new URL("./pager-entry.js", import.meta.url);

/** The pager thread of a hooks module and the mappings it serves: started for the first, ended with the last. */
export class HooksThread {
  readonly started: Promise<PagerThread>;
  readonly #key: string;
  readonly #onMessages = new Map<number, OnMessage>();
  #lastId = 0;

  static of(hooks: URL, spinMicros: number | undefined): HooksThread {
    const running = threads.get(hooks.href);
    if (running !== undefined) return running;
    const thread = new HooksThread({ hooks: hooks.href, spinMicros });
    threads.set(hooks.href, thread);
    return thread;
  }

  private constructor(data: EntryData) {
    this.#key = data.hooks;
    const onEvent = (_event: string, value: unknown) => {
      const { mapping, message } = value as { mapping: number; message: unknown };
      this.#onMessages.get(mapping)?.(message);
    };
    this.started = PagerThread.start(entry, { data, onEvent });
    this.started.catch(() => this.#forget());
  }

  /** Counts a mapping in, before anything is awaited, so that the thread cannot end meanwhile. @returns its number. */
  addMapping(onMessage: OnMessage): number {
    this.#onMessages.set(++this.#lastId, onMessage);
    return this.#lastId;
  }

  async removeMapping(id: number): Promise<void> {
    this.#onMessages.delete(id);
    if (this.#onMessages.size > 0) return;
    this.#forget();
    await (await this.started).close();
  }

  #forget(): void {
    if (threads.get(this.#key) === this) threads.delete(this.#key);
  }
}
