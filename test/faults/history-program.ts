import { fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { SystemError } from "../../src/kernel/errno.js";
import * as libc from "../../src/kernel/libc.js";
import { type RecordArgs, recordHistory, type Words } from "./history-recorder.js";

/** A program that knows nothing of dmmap, and records what it reads and writes of a file on a mount. */
class MountedWords implements Words {
  readonly #fd: number;
  readonly #words: Int32Array;
  readonly #word = new Int32Array(1);
  #calls = 0;

  constructor(path: string, byteLength: number) {
    this.#fd = openSync(path, "r+");
    const [readWrite, shared] = [3, 1];
    const address = libc.mmap(0, byteLength, readWrite, shared, this.#fd, 0);
    if (address === -1) throw new SystemError("mmap", libc.errno());
    this.#words = new Int32Array(libc.memoryView(address, byteLength));
  }

  load(at: number): number {
    if (this.#isMapsTurn()) return Atomics.load(this.#words, at / 4);
    readSync(this.#fd, this.#word, 0, 4, at);
    return this.#word[0];
  }

  store(at: number, value: number): void {
    if (this.#isMapsTurn()) return void Atomics.store(this.#words, at / 4, value);
    this.#word[0] = value;
    writeSync(this.#fd, this.#word, 0, 4, at);
  }

  async sync(): Promise<boolean> {
    try {
      fsyncSync(this.#fd);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === "EIO") return false;
      throw error;
    }
  }

  /** By the map, by calls, by the map: they have to agree at once. */
  #isMapsTurn(): boolean {
    return this.#calls++ % 3 !== 1;
  }
}

interface Message {
  readonly id: number;
  readonly args: RecordArgs & { readonly path: string; readonly byteLength: number };
}

process.on("message", ({ id, args: { path, byteLength, ...args } }: Message) => {
  // Left open: a close, too, may tell of what was lost.
  void recordHistory(new MountedWords(path, byteLength), args).then(
    (value) => process.send?.({ id, value }),
    ({ name, message, stack, code }: Error & { code?: string }) =>
      process.send?.({ id, error: { name, message, stack, code } }),
  );
});
process.send?.({ id: 0 });
