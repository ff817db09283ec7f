import { DmmapError } from "../core/error.js";
import { type ByteOffset, Mode, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { Reply } from "../mapping/pager-commands.js";
import { overwrite } from "./file-bytes.js";
import { goneError } from "./gone-error.js";
import { type PinArgs, pieceBytes, type ReadArgs, type WriteArgs } from "./node-commands.js";
import type { NodeFile } from "./node-file.js";
import type { OpenFiles } from "./open-files.js";
import type { Pins } from "./pins.js";

/**
 * Pins on behalf of the program: its holds and prefetches, and the short ones under which `read` and `write` move bytes
 * between JavaScript and the page cache, so that they are one step for every other node.
 */
export class PieceIo {
  readonly #files: OpenFiles;
  readonly #pins: Pins;
  readonly #piece = new NativeBuffer(pieceBytes + 2 * pageBytes);

  constructor(files: OpenFiles, pins: Pins) {
    this.#files = files;
    this.#pins = pins;
  }

  pin({ file: id, pin, mode, start, end, hold }: PinArgs, reply: Reply): void {
    const file = this.#fileFor(id, reply);
    if (file === undefined) return;
    this.#pins.pin(file, pin, { mode, start, end, kind: hold ? "hold" : "prefetch" }, reply, reply.fail);
  }

  unpin(id: number, pin: number): void {
    this.#pins.unpin(this.#files.find(id)?.file, pin); // Closed: its pins went with it.
  }

  read({ file: id, pin, offset, length }: ReadArgs, reply: Reply): void {
    const file = this.#fileFor(id, reply);
    if (file === undefined) return;
    const available = Math.max(0, Math.min(length, file.cache.sizeBytes - offset));
    if (available === 0) return reply(new Uint8Array(0));
    this.#held(id, pin, Mode.read, offset, available, reply, () => {
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
    const file = this.#fileFor(id, reply);
    if (file === undefined) return;
    const end = offset + bytes.byteLength;
    const { cache } = file;
    if (end > cache.sizeBytes) return reply.fail(beyondEnd(file));
    const take = () => {
      if (end > cache.sizeBytes) return reply.fail(beyondEnd(file));
      cache.allowWrite(pageAt(offset), pageEndAt(end));
      this.#piece.bytes.set(bytes);
      overwrite(cache, offset, this.#piece.address, bytes.byteLength);
      reply();
    };
    const takeHeld = () => this.#held(id, pin, Mode.write, offset, bytes.byteLength, reply, take);
    if (!mayReplace(file, offset, end)) return takeHeld();
    // Of pages that are replaced as a whole only the token is wanted.
    const range = { mode: Mode.write, start: pageAt(offset), end: pageEndAt(end), kind: "token" } as const;
    const onPinned = () => {
      const isWhole = mayReplace(file, offset, end);
      if (isWhole) take();
      this.unpin(id, pin);
      if (!isWhole) takeHeld();
    };
    this.#pins.pin(file, pin, range, onPinned, reply.fail);
  }

  /** @returns undefined, and says why, when the file is gone: nobody would answer. */
  #fileFor(id: number, reply: Reply): NodeFile | undefined {
    const open = this.#files.get(id);
    if (!open.isGone) return open.file;
    reply.fail(goneError(open.file.name));
    return undefined;
  }

  /** Runs `act` while this node holds the pages of a byte range, all of them cached. */
  #held(id: number, pin: number, mode: Mode, offset: ByteOffset, length: number, reply: Reply, act: () => void): void {
    const { file } = this.#files.get(id);
    const range = { mode, start: pageAt(offset), end: pageEndAt(offset + length) };
    const onHeld = () => {
      act();
      this.unpin(id, pin);
    };
    this.#pins.pin(file, pin, { ...range, kind: "hold" }, onHeld, reply.fail);
  }
}

/** Whether all pages of the bytes are replaced as a whole, and none is being received just where they are to go. */
function mayReplace(file: NodeFile, offset: ByteOffset, end: ByteOffset): boolean {
  const isWhole = offset % pageBytes === 0 && (end % pageBytes === 0 || end === file.cache.sizeBytes);
  return isWhole && !file.receiver.isArriving(pageAt(offset), pageEndAt(end));
}

function beyondEnd({ name, cache }: NodeFile): DmmapError {
  return new DmmapError("DMMAP_BAD_RANGE", `the write goes beyond the end of ${name} (${cache.sizeBytes} bytes)`);
}
