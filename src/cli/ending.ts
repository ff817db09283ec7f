const signals = ["SIGINT", "SIGTERM"] as const;
/** What Ctrl-C sends to a terminal in raw mode, where it is no signal. */
const controlC = "\u0003";

/** A user's wish that a command which runs on and on should end: SIGINT, SIGTERM, or on a terminal the key `q`. */
export class Ending {
  readonly #controller = new AbortController();
  #isListening = false;

  get wish(): AbortSignal {
    return this.#controller.signal;
  }

  listen(): void {
    this.#isListening = true;
    for (const signal of signals) process.on(signal, this.#onWish);
    if (!readsKeys()) return;
    process.on("exit", this.close); // Whatever ends the process: a shell in raw mode is a nuisance.
    process.stdin.setRawMode(true).setEncoding("utf8").on("data", this.#onKeys).resume();
  }

  /** From here on signals end the process, and the terminal is as it was. Idempotent. */
  readonly close = (): void => {
    if (!this.#isListening) return;
    this.#isListening = false;
    for (const signal of signals) process.off(signal, this.#onWish);
    if (!readsKeys()) return;
    process.off("exit", this.close);
    process.stdin.off("data", this.#onKeys).pause().setRawMode(false);
  };

  readonly #onWish = (): void => this.#controller.abort();

  readonly #onKeys = (keys: string): void => {
    const isEscape = keys.startsWith("\u001b"); // A function key: the letters behind it are none.
    if (keys.includes(controlC) || (!isEscape && /q/i.test(keys))) this.#onWish();
  };
}

/** With a pager behind it the keys are the pager's: it reads the same terminal. */
function readsKeys(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}
