import type { FileHandle } from "node:fs/promises";
import type { File } from "../index.js";
import { noteSlow } from "./note-slow.js";
import { dataRuns, nonZeroRuns } from "./sparse.js";

const chunkBytes = 1024 * 1024;
/** Synced at least this often: a full disk is told while the home still has room to keep what the disk refuses. */
const unsyncedBytesMax = 32 * 1024 * 1024;

type OnProgress = (doneBytes: number) => void;

/** Fills a file that is all holes and has the source's size. Holes and zero pages of the source are left out. */
export async function copyFileIn(
  source: FileHandle,
  sizeBytes: number,
  file: File,
  onProgress: OnProgress,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const writer = new DataWriter(file);
  for (const run of dataRuns(source.fd, sizeBytes)) {
    for (let offset = run.start; offset < run.end; ) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(chunkBytes, run.end - offset), offset);
      if (bytesRead === 0)
        throw new Error(`the source became shorter while it was read: ${offset} of ${sizeBytes} bytes`);
      await writer.write(offset, buffer.subarray(0, bytesRead));
      offset += bytesRead;
      onProgress(offset);
    }
  }
}

/** Appends a stream to an empty file. The file grows with each chunk: its size is right at every moment. */
export async function copyStreamIn(
  source: AsyncIterable<Uint8Array>,
  file: File,
  onProgress: OnProgress,
): Promise<void> {
  const writer = new DataWriter(file);
  let offset = 0;
  for await (const bytes of inChunks(source)) {
    await noteSlow(file.truncate(offset + bytes.byteLength));
    await writer.write(offset, bytes);
    offset += bytes.byteLength;
    onProgress(offset);
  }
}

class DataWriter {
  readonly #file: File;
  #unsyncedBytes = 0;

  constructor(file: File) {
    this.#file = file;
  }

  /** Writes what is not zero. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (const { start, end } of nonZeroRuns(bytes)) {
      await noteSlow(this.#file.write(offset + start, bytes.subarray(start, end)));
      this.#unsyncedBytes += end - start;
    }
    if (this.#unsyncedBytes < unsyncedBytesMax) return;
    await noteSlow(this.#file.sync());
    this.#unsyncedBytes = 0;
  }
}

/** Pipes deliver 64 KiB at a time; each growth of the file is a round trip to every node that has it open. */
async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let byteLength = 0;
  for await (const part of source) {
    parts.push(part);
    byteLength += part.byteLength;
    if (byteLength < chunkBytes) continue;
    yield Buffer.concat(parts);
    parts = [];
    byteLength = 0;
  }
  if (byteLength > 0) yield Buffer.concat(parts);
}
