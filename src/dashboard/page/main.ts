import { render } from "lit-html";
import { type NodeRates, nodeRatesBetween } from "../../observe/rates.js";
import type { FileTokensStatus, HomeStatus } from "../../observe/status.js";
import { Charts } from "./charts.js";
import { head, tables } from "./view.js";

/** The page: hears the home's status every second, and draws it. */
class Page {
  readonly #head = element("head");
  readonly #tables = element("tables");
  readonly #charts = new Charts(element("charts"));
  #status: HomeStatus | undefined;
  #nodeRates: NodeRates = new Map();
  #silentSince: Date | undefined;
  #chosen: string | undefined;
  #tokens: FileTokensStatus | null | undefined;

  start(): void {
    // The browser connects again by itself.
    const feed = new EventSource("/events");
    feed.addEventListener("message", ({ data }) => this.#hear(JSON.parse(data as string) as HomeStatus));
    feed.addEventListener("error", () => this.#onSilence());
  }

  #hear(status: HomeStatus): void {
    // What happened while the home was silent would count as that of one second.
    const before = this.#silentSince === undefined ? this.#status : undefined;
    this.#nodeRates = before === undefined ? new Map() : nodeRatesBetween(before, status);
    this.#status = status;
    this.#silentSince = undefined;
    this.#charts.add(status);
    this.#draw();
    void this.#ask();
  }

  #onSilence(): void {
    this.#silentSince ??= new Date();
    this.#nodeRates = new Map();
    this.#charts.interrupt();
    this.#draw();
  }

  readonly #choose = (file: string | undefined): void => {
    this.#chosen = file;
    this.#tokens = undefined;
    this.#draw();
    void this.#ask();
  };

  /** For the tokens of the file that is looked at. */
  async #ask(): Promise<void> {
    const file = this.#chosen;
    if (file === undefined) return;
    try {
      const response = await fetch(`/tokens?file=${encodeURIComponent(file)}`);
      const tokens = response.ok ? ((await response.json()) as FileTokensStatus) : null;
      if (file !== this.#chosen) return;
      this.#tokens = tokens;
      this.#draw();
    } catch {
      // The feed is silent too, and says so.
    }
  }

  #draw(): void {
    if (this.#status === undefined) return;
    const look = {
      status: this.#status,
      nodeRates: this.#nodeRates,
      silentSince: this.#silentSince,
      chosen: this.#chosen,
      tokens: this.#tokens,
    };
    document.title = `dmmap ${this.#status.url}`;
    render(head(look), this.#head);
    render(tables(look, this.#choose), this.#tables);
  }
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

new Page().start();
