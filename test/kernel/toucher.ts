import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Cell, cellBytes, Operation, operandAt } from "./toucher-cells.js";

/** One touch on its way: done once its thread has come back from the fault, if there was any. */
export class Touch {
  readonly #cells: Int32Array;
  readonly #turn: number;

  constructor(cells: Int32Array, turn: number) {
    this.#cells = cells;
    this.#turn = turn;
  }

  get isDone(): boolean {
    return Atomics.load(this.#cells, Cell.done) >= this.#turn;
  }

  /** The byte that is there after the touch; for `write` and `unmap`, what they gave or a negative errno. */
  get result(): number {
    if (!this.isDone) throw new Error("the touch still waits");
    return this.#cells[Cell.result];
  }
}

/** A thread that touches memory on demand, one touch at a time. Nothing here waits: the caller serves the faults. */
export class Toucher {
  readonly #worker: Worker;
  readonly #cells: Int32Array;
  readonly #operands: Float64Array;

  static async start(): Promise<Toucher> {
    const toucher = new Toucher();
    await once(toucher.#worker, "message");
    return toucher;
  }

  private constructor() {
    const shared = new SharedArrayBuffer(cellBytes);
    this.#cells = new Int32Array(shared);
    this.#operands = new Float64Array(shared, operandAt);
    this.#worker = new Worker(new URL("./toucher-worker.js", import.meta.url), { workerData: shared });
  }

  load(address: number): Touch {
    return this.#ask(Operation.load, address, 0);
  }

  store(address: number, value: number): Touch {
    return this.#ask(Operation.store, address, value);
  }

  write(address: number): Touch {
    return this.#ask(Operation.write, address, 0);
  }

  unmap(address: number): Touch {
    return this.#ask(Operation.unmap, address, 0);
  }

  /** Its thread must not wait in a fault any more. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(operation: number, address: number, value: number): Touch {
    const cells = this.#cells;
    const turn = cells[Cell.asked] + 1;
    if (cells[Cell.done] !== turn - 1) throw new Error("the last touch still waits");
    cells[Cell.operation] = operation;
    cells[Cell.value] = value;
    this.#operands[0] = address;
    Atomics.store(cells, Cell.asked, turn);
    Atomics.notify(cells, Cell.asked);
    return new Touch(cells, turn);
  }
}
