import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SeededRandom } from "./seeded-random.js";

export const journalHeaderBytes = 64;
export const JournalKind = { page: 1, zeros: 2, synced: 3, syncedAll: 4 } as const;
const pageBytes = 4096;
const sectorBytes = 512;

interface Written {
  readonly at: number;
  readonly page: number;
  readonly bytes: Buffer;
}

/** `all`: nothing that was not synced has reached the disk. `some`: any of it may have, by sectors, in any order. */
export type Loss = "all" | "some";

/**
 * Puts the files of a power store into a state that a disk may be in when the power fails now: everything that a sync
 * covered, and of each 512-byte sector that was written since any one version, or the old one. Call while its home is dead.
 */
export function losePower(folder: string, random: SeededRandom, loss: Loss): { lostSectors: number } {
  const files = join(folder, "files");
  const base = join(folder, "base");
  mkdirSync(base, { recursive: true });
  const { written, covered } = readJournal(join(folder, "journal"));
  let lostSectors = 0;
  for (const name of readdirSync(files)) {
    const path = join(files, name);
    if (!statSync(path).isFile()) continue;
    const image = Buffer.alloc(statSync(path).size);
    if (existsSync(join(base, name))) readFileSync(join(base, name)).copy(image);
    const unsynced = new Map<number, Written[]>();
    for (const write of written.get(name) ?? []) {
      if (write.at < covered(name)) write.bytes.copy(image, write.page * pageBytes);
      else unsynced.set(write.page, [...(unsynced.get(write.page) ?? []), write]);
    }
    for (const [page, versions] of unsynced) lostSectors += tear(image, page, versions, random, loss);
    writeFileSync(path, image);
    copyFileSync(path, join(base, name));
  }
  writeFileSync(join(folder, "journal"), "");
  return { lostSectors };
}

function tear(image: Buffer, page: number, versions: readonly Written[], random: SeededRandom, loss: Loss): number {
  let lost = 0;
  for (let sector = 0; sector < pageBytes; sector += sectorBytes) {
    const chosen = loss === "all" ? -1 : random.between(-1, versions.length);
    if (chosen !== versions.length - 1) lost++;
    if (chosen >= 0) versions[chosen].bytes.copy(image, page * pageBytes + sector, sector, sector + sectorBytes);
  }
  return lost;
}

/** Up to where the home was killed; where the journal itself was cut, the home had not got any further. */
function readJournal(path: string): { written: Map<string, Written[]>; covered: (name: string) => number } {
  const written = new Map<string, Written[]>();
  const covered = new Map<string, number>();
  let allCovered = 0;
  const bytes = readFileSync(path);
  for (let at = 0; at + journalHeaderBytes <= bytes.byteLength; ) {
    const kind = bytes.readInt32LE(at);
    const value = bytes.readDoubleLE(at + 8);
    const name = bytes.toString("utf8", at + 16, bytes.indexOf(0, at + 16));
    const next = at + journalHeaderBytes + (kind === JournalKind.page ? pageBytes : 0);
    if (next > bytes.byteLength) break;
    if (kind === JournalKind.synced) covered.set(name, Math.max(value, covered.get(name) ?? 0));
    else if (kind === JournalKind.syncedAll) allCovered = value;
    else {
      const content = kind === JournalKind.page ? bytes.subarray(next - pageBytes, next) : Buffer.alloc(pageBytes);
      written.set(name, [...(written.get(name) ?? []), { at, page: value, bytes: content }]);
    }
    at = next;
  }
  return { written, covered: (name) => Math.max(allCovered, covered.get(name) ?? 0) };
}
