const signals = ["SIGINT", "SIGTERM"] as const;
/** What Ctrl-C and Ctrl-Z send to a terminal in raw mode, where they are no signals. */
const controlC = "\u0003";
const controlZ = "\u001a";

/** What is on a terminal as long as its command runs. */
export interface Suspendable {
  /** The terminal is the shell's again. */
  suspend(): void;
  resume(): void;
}

/**
 * A user's wish that a command which runs on and on should end: SIGINT, SIGTERM, or on a terminal the key `q`. Or that it should
 * stop there for a while: SIGTSTP, or Ctrl-Z.
 */
export class Ending {
  readonly #controller = new AbortController();
  readonly #screen: Suspendable;
  #isListening = false;
  /** Whether the command has just stopped for a while: what it was connected to may have given it up. */
  hasStopped = false;

  constructor(screen: Suspendable) {
    this.#screen = screen;
  }

  get wish(): AbortSignal {
    return this.#controller.signal;
  }

  listen(): void {
    this.#isListening = true;
    for (const signal of signals) process.on(signal, this.#onWish);
    if (!readsKeys()) return;
    process.on("exit", this.close); // Whatever ends the process: a shell in raw mode is a nuisance.
    process.stdin.setRawMode(true).setEncoding("utf8").on("data", this.#onKeys).resume();
    this.#followJobs();
  }

  /** From here on signals end the process, and the terminal is as it was. Idempotent. */
  readonly close = (): void => {
    if (!this.#isListening) return;
    this.#isListening = false;
    for (const signal of signals) process.off(signal, this.#onWish);
    if (!readsKeys()) return;
    process.off("exit", this.close);
    this.#leaveJobs();
    process.stdin.off("data", this.#onKeys).pause().setRawMode(false);
  };

  #followJobs(): void {
    process.on("SIGTSTP", this.#onSuspend).on("SIGCONT", this.#onContinue);
  }

  #leaveJobs(): void {
    process.off("SIGTSTP", this.#onSuspend).off("SIGCONT", this.#onContinue);
  }

  /** As a terminal that is not in raw mode does it: the shell hears that the job, whatever runs this command included, has stopped. */
  readonly #onSuspend = (): void => {
    this.#leaveJobs();
    this.#screen.suspend();
    process.stdin.setRawMode(false);
    process.kill(0, "SIGTSTP"); // Comes back when the job is continued; or at once, where no shell would continue it.
    this.hasStopped = true;
    process.stdin.setRawMode(true);
    this.#screen.resume();
    this.#followJobs();
  };

  /** After SIGSTOP, of which nobody hears. */
  readonly #onContinue = (): void => {
    this.hasStopped = true;
    process.stdin.setRawMode(false).setRawMode(true); // The shell has changed it.
    this.#screen.resume();
  };

  readonly #onWish = (): void => this.#controller.abort();

  readonly #onKeys = (keys: string): void => {
    const isEscape = keys.startsWith("\u001b"); // A function key: the letters behind it are none.
    if (keys.includes(controlZ)) this.#onSuspend();
    if (keys.includes(controlC) || (!isEscape && /q/i.test(keys))) this.#onWish();
  };
}

/** With a pager behind it the keys are the pager's: it reads the same terminal. */
function readsKeys(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}
