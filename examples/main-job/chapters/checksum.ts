import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Volume } from "dmmap";
import type { Job } from "../job.js";
import { findRealFile } from "../real-file.js";

/** Puts a real file into the volume; three processes map it and check every byte. */
export async function tellChecksum({ story, crew, volume, folder }: Job): Promise<void> {
  const { path, name, size } = findRealFile();
  const bytes = readFileSync(path);
  const expected = sha256(bytes);
  story.chapter("A real file, mapped by three processes");
  story.say(`${name}, ${size} bytes, from ${path}`);

  await using file = await volume.open(name, { create: true });
  await file.truncate(0); // What an earlier run left there need not be fetched to be replaced.
  await file.truncate(size);
  await file.write(0, bytes);
  await file.sync();
  story.check("the home's copy, read as a plain file", sha256(readFileSync(join(folder, name))), expected, short);

  const found = await crew.all("checksum", () => ({ name }));
  for (const [index, { hash, millis }] of found.entries()) {
    const who = crew.members[index].name;
    story.check(`${who}, through its map, in ${Math.round(millis)} ms`, hash, expected, short);
  }
}

/** On a node: nothing is read or received by this code, the bytes arrive as the map is touched. */
export async function checksum(volume: Volume, { name }: { name: string }): Promise<{ hash: string; millis: number }> {
  await using file = await volume.open(name);
  await using map = await file.map({ access: "read" });
  const started = performance.now();
  const hash = sha256(new Uint8Array(map.buffer));
  return { hash, millis: performance.now() - started };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function short(hash: string): string {
  return `SHA-256 ${hash.slice(0, 16)}…`;
}
