import { once } from "node:events";
import type { FileHandle } from "node:fs/promises";
import type { Writable } from "node:stream";
import type { File } from "../index.js";
import { noteSlow } from "./note-slow.js";
import { nonZeroRuns } from "./sparse.js";

const chunkBytes = 1024 * 1024;

type OnProgress = (doneBytes: number) => void;

/** Fills an empty local file. Zero pages become holes. */
export async function copyFileOut(file: File, target: FileHandle, onProgress: OnProgress): Promise<void> {
  let sizeBytes = 0;
  for await (const bytes of chunksOf(file)) {
    for (const { start, end } of nonZeroRuns(bytes))
      await writeAll(target, bytes.subarray(start, end), sizeBytes + start);
    sizeBytes += bytes.byteLength;
    onProgress(sizeBytes);
  }
  await target.truncate(sizeBytes);
}

export async function copyStreamOut(file: File, target: Writable, onProgress: OnProgress): Promise<void> {
  await copyInTurn(file, onProgress, async (bytes) => {
    // A copy: the stream may keep it after this turn, when the buffer holds the next chunk.
    if (!target.write(Buffer.from(bytes))) await once(target, "drain");
  });
}

/** Into a pipe or a device, from where it is. */
export async function copyDeviceOut(file: File, target: FileHandle, onProgress: OnProgress): Promise<void> {
  await copyInTurn(file, onProgress, (bytes) => writeAll(target, bytes, undefined));
}

async function copyInTurn(
  file: File,
  onProgress: OnProgress,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  let doneBytes = 0;
  for await (const bytes of chunksOf(file)) {
    await write(bytes);
    doneBytes += bytes.byteLength;
    onProgress(doneBytes);
  }
}

/** One buffer, used again and again. Ends at the end of the file, wherever that is by then. */
async function* chunksOf(file: File): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(chunkBytes);
  for (let offset = 0; offset < file.size; ) {
    const room = buffer.subarray(0, Math.min(chunkBytes, file.size - offset));
    const bytes = await noteSlow(file.read(offset, room));
    if (bytes.byteLength === 0) return;
    yield bytes;
    offset += bytes.byteLength;
  }
}

async function writeAll(target: FileHandle, bytes: Uint8Array, position: number | undefined): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const at = position === undefined ? null : position + done;
    const { bytesWritten } = await target.write(bytes, done, bytes.byteLength - done, at);
    done += bytesWritten;
  }
}
