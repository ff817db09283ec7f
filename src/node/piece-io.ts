import { DmmapError } from "../core/error.js";
import { type ByteOffset, Mode, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { Reply } from "../mapping/pager-commands.js";
import { type PinArgs, pieceBytes, type ReadArgs, type WriteArgs } from "./node-commands.js";
import type { NodeFile } from "./node-file.js";
import type { OpenFiles } from "./open-files.js";

/**
 * Pins on behalf of the program: its holds and prefetches, and the short ones under which `read` and `write` move bytes
 * between JavaScript and the page cache, so that they are one step for every other node.
 */
export class PieceIo {
  readonly #files: OpenFiles;
  readonly #onDeadline: (deadline: number) => void;
  readonly #waiters = new Map<number, () => void>();
  readonly #pinned: number[] = [];
  readonly #piece = new NativeBuffer(pieceBytes + 2 * pageBytes);

  constructor(files: OpenFiles, onDeadline: (deadline: number) => void) {
    this.#files = files;
    this.#onDeadline = onDeadline;
  }

  pin({ file: id, pin, mode, start, end, hold }: PinArgs, reply: Reply): void {
    const { file } = this.#files.get(id);
    this.#begin(file, pin, reply, () => {
      if (hold) file.tokens.pin(pin, mode, start, end, nowMicros());
      else file.tokens.prefetch(pin, mode, start, end, nowMicros());
    });
  }

  unpin(id: number, pin: number): void {
    this.#waiters.delete(pin);
    this.#files.find(id)?.file.unpin(pin); // Closed: its pins went with it.
  }

  read({ file: id, pin, offset, length }: ReadArgs, reply: Reply): void {
    const { file } = this.#files.get(id);
    const available = Math.max(0, Math.min(length, file.cache.sizeBytes - offset));
    if (available === 0) return reply(new Uint8Array(0));
    this.#held(id, pin, Mode.read, offset, available, () => {
      // The file may have become shorter while we waited.
      const end = Math.min(offset + available, file.cache.sizeBytes);
      const startPage = pageAt(offset);
      const byteLength = Math.max(0, end - offset);
      if (byteLength > 0) {
        file.cache.readBytes(startPage, this.#piece.address, (pageEndAt(end) - startPage) * pageBytes);
      }
      const skip = offset - startPage * pageBytes;
      const bytes = this.#piece.bytes.slice(skip, skip + byteLength);
      reply(bytes, [bytes.buffer]);
    });
  }

  write({ file: id, pin, offset, bytes }: WriteArgs, reply: Reply): void {
    const { file } = this.#files.get(id);
    const end = offset + bytes.byteLength;
    if (end > file.cache.sizeBytes) return reply.fail(beyondEnd(file));
    this.#held(id, pin, Mode.write, offset, bytes.byteLength, () => {
      if (end > file.cache.sizeBytes) return reply.fail(beyondEnd(file));
      file.cache.allowWrite(pageAt(offset), pageEndAt(end));
      this.#piece.bytes.set(bytes);
      copyToCache(file, offset, this.#piece.address, bytes.byteLength);
      reply();
    });
  }

  /** The machine says that a pin has what it asked for. It is told on with `drain`, outside of the machine. */
  onPinned(pin: number): void {
    this.#pinned.push(pin);
  }

  drain(): void {
    for (let pin = this.#pinned.shift(); pin !== undefined; pin = this.#pinned.shift()) {
      const onPinned = this.#waiters.get(pin);
      this.#waiters.delete(pin);
      onPinned?.();
    }
  }

  /** Runs `act` while this node holds the pages of a byte range, all of them cached. */
  #held(id: number, pin: number, mode: Mode, offset: ByteOffset, length: number, act: () => void): void {
    const { file } = this.#files.get(id);
    const onPinned = () => {
      act();
      this.unpin(id, pin);
    };
    this.#begin(file, pin, onPinned, () => {
      file.tokens.pin(pin, mode, pageAt(offset), pageEndAt(offset + length), nowMicros());
    });
  }

  #begin(file: NodeFile, pin: number, onPinned: () => void, ask: () => void): void {
    this.#waiters.set(pin, onPinned);
    file.whenUsable(() => {
      if (!this.#waiters.has(pin)) return; // Given up meanwhile.
      ask();
      this.#onDeadline(file.tokens.deadline);
    });
  }
}

function copyToCache(file: NodeFile, offset: ByteOffset, from: number, byteLength: number): void {
  for (let done = 0; done < byteLength; ) {
    const page = pageAt(offset + done);
    const inPage = offset + done - page * pageBytes;
    const count = Math.min(byteLength - done, (file.cache.contiguousEnd(page) - page) * pageBytes - inPage);
    libc.memcpy(file.cache.aliasAddress(page) + inPage, from + done, count);
    done += count;
  }
}

function beyondEnd({ name, cache }: NodeFile): DmmapError {
  return new DmmapError("DMMAP_BAD_RANGE", `the write goes beyond the end of ${name} (${cache.sizeBytes} bytes)`);
}
