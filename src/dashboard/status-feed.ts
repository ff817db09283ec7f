import type { ServerResponse } from "node:http";
import type { HomeStatus } from "../observe/status.js";

const everyMillis = 1000;

/**
 * The home's status every second, to all who watch, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * The home is asked once for all of them, and not while nobody watches.
 */
export class StatusFeed {
  readonly #status: () => Promise<HomeStatus>;
  readonly #watchers = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor(status: () => Promise<HomeStatus>) {
    this.#status = status;
  }

  /** Answers with the feed, until the other side has had enough or `end`. */
  watch(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    if (response.req.method === "HEAD") return void response.end();
    response.flushHeaders(); // The home may take its time.
    response.on("error", () => undefined); // It closes, too.
    response.on("close", () => this.#remove(response));
    this.#watchers.add(response);
    this.#timer ??= setInterval(() => void this.#tell(), everyMillis).unref();
    void this.#tell();
  }

  end(): void {
    for (const watcher of [...this.#watchers]) {
      watcher.end();
      this.#remove(watcher); // What is being asked for just now is not written behind the end.
    }
  }

  #remove(response: ServerResponse): void {
    this.#watchers.delete(response);
    if (this.#watchers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A home that is busy is asked once, however long it takes. */
  async #tell(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const event = `data: ${JSON.stringify(await this.#status())}\n\n`;
      // Who does not take what he was sent last gets no more before he does.
      for (const watcher of this.#watchers) if (!watcher.writableNeedDrain) watcher.write(event);
    } catch {
      this.end(); // The home is closed, and with it this.
    } finally {
      this.#isAsking = false;
    }
  }
}
