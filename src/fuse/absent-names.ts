import { absenceKey, nameIn } from "../core/home/lease-table.js";
import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";

/**
 * For so long this goes by what it was told. Nodes that make a name have this forget it; other tools in the folder that the home
 * serves do not, and somebody may wait here for what they put there.
 */
export const absenceMicros = 5_000_000;

/** Names that lead nowhere, as this mount was told on a lease. */
export class AbsentNames {
  /** By folder and name: until when. */
  readonly #folders = new Map<number, Map<string, Micros>>();

  add(parent: number, name: string): void {
    const names = this.#folders.get(parent) ?? new Map<string, Micros>();
    this.#folders.set(parent, names.set(name, nowMicros() + absenceMicros));
  }

  /** For how long that is good; 0 or less: it is not known. */
  micros(parent: number, name: string): Micros {
    const until = this.#folders.get(parent)?.get(name);
    return until === undefined ? 0 : until - nowMicros();
  }

  /** What this key is about: a name, or all of a folder. */
  forget(key: string): void {
    const { parent, name } = nameIn(key);
    const names = this.#folders.get(parent);
    if (names === undefined) return;
    if (key !== absenceKey(parent)) names.delete(name);
    if (names.size === 0 || key === absenceKey(parent)) this.#folders.delete(parent);
  }

  clear(): void {
    this.#folders.clear();
  }
}
