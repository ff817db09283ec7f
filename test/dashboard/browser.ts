import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";
/** It is root's here, and asks nobody outside of this machine for anything. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** As the value of a test's `skip`. */
export function lacksBrowser(): string | false {
  return existsSync(executablePath) ? false : "no chromium here: apt-get install chromium";
}

/** A browser with one page, which collects what went wrong in it. */
export class BrowserUnderTest implements AsyncDisposable {
  readonly page: Page;
  /** Errors of scripts, and what the browser complained of in its console. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;

  static async start(): Promise<BrowserUnderTest> {
    const browser = await chromium.launch({ executablePath, args });
    return new BrowserUnderTest(browser, await browser.newPage());
  }

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
