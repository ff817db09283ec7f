import type { View, ViewOptions } from "../../src/mapping/cache-view.js";
import { PagerThread } from "../../src/mapping/pager-thread.js";
import { ViewBuffer, type ViewHandle } from "../../src/mapping/view-buffer.js";
import { until } from "../support/until.js";
import type { Verb } from "./cache-entry.js";

export interface CacheEvent {
  readonly event: string;
  readonly page: number;
  readonly write: boolean;
}

/** A page cache of 64 pages on its own pager thread, without hooks: the test is the fault handler. */
export class CacheStage implements AsyncDisposable {
  readonly thread: PagerThread;
  readonly events: string[];

  static async open(): Promise<CacheStage> {
    const events: string[] = [];
    const onEvent = (event: string, value: unknown) => {
      const { page, write } = value as { page: number; write: boolean };
      events.push(`${event} ${page}${write ? " write" : ""}`);
    };
    return new CacheStage(await PagerThread.start(new URL("./cache-entry.js", import.meta.url), { onEvent }), events);
  }

  private constructor(thread: PagerThread, events: string[]) {
    this.thread = thread;
    this.events = events;
  }

  do(verb: Verb, ...args: readonly number[]): unknown {
    return this.thread.callSync("verb", { verb, args });
  }

  /** Puts bytes of this value into pages and installs them. */
  fill(start: number, end: number, value: number, mapEnd = start, writePage = -1): void {
    this.thread.callSync("fill", { start, end, value });
    this.do("install", start, end, mapEnd, writePage);
  }

  state(page: number): string {
    const state = this.thread.callSync("state", { page }) as Record<string, boolean>;
    return Object.keys(state)
      .filter((name) => state[name])
      .join(" ");
  }

  counts(): Record<"cachedPages" | "dirtyPages" | "sweepStart" | "sweepEnd" | "ofPager", number> {
    return this.thread.callSync("counts") as ReturnType<CacheStage["counts"]>;
  }

  view(options: Partial<ViewOptions> = {}): ViewBuffer {
    const all: ViewOptions = { sharing: "shared", firstPage: 0, pageCount: 64, beyondEnd: "zeros", ...options };
    const opened = this.thread.callSync("verb", { verb: "openView", args: [all] }) as View;
    return new ViewBuffer(opened, opened.byteLength, (id) => this.do("closeView", id));
  }

  handle(options: Partial<ViewOptions> = {}): ViewHandle {
    return this.view(options).share();
  }

  async event(text: string): Promise<void> {
    await until(`event ${text} among ${this.events.join(", ")}`, () => this.events.includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.thread.close();
  }
}
