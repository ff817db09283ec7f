import { fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, lstatSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SeededRandom } from "../faults/seeded-random.js";
import { within } from "../support/until.js";
import type { NameUse } from "./name-history.js";

/** ESTALE: what its path led to was removed by another mount, and again when it looked once more. */
const staleErrno = -116;
const acts = ["make", "remove", "look", "look", "look"] as const;

/** A use, as it goes from one process to another. */
interface Told extends Omit<NameUse, "start" | "end"> {
  readonly name: string;
  readonly start: string;
  readonly end: string;
}

/** A process that makes names, removes them and looks for them, and keeps note. @returns what it did, by name */
export async function useNames(
  root: string,
  names: readonly string[],
  millis: number,
  seed: number,
): Promise<Map<string, NameUse[]>> {
  const child = fork(fileURLToPath(import.meta.url), [root, String(millis), String(seed), ...names]);
  const message = once(child, "message"); // It may come after the end.
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`the process on ${root} ended with ${code}`);
  const [told] = await within("a process tells what it did", message);
  const uses = new Map<string, NameUse[]>(names.map((name) => [name, []]));
  for (const { name, act, wasThere, start, end } of told as Told[]) {
    uses.get(name)?.push({ act, wasThere, start: BigInt(start), end: BigInt(end) });
  }
  return uses;
}

/** @returns whether it was told that the name is there */
function use(act: NameUse["act"], path: string): boolean | undefined {
  try {
    if (act === "make") closeSync(openSync(path, "wx"));
    else if (act === "remove") unlinkSync(path);
    else return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    return act === "remove";
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (errno === staleErrno) return undefined;
    if (code !== (act === "make" ? "EEXIST" : "ENOENT")) throw error;
    return act === "make";
  }
}

function run(root: string, millis: number, random: SeededRandom, names: readonly string[]): void {
  const told: Told[] = [];
  for (const end = performance.now() + millis; performance.now() < end; ) {
    const [act, name] = [random.pick(acts), random.pick(names)];
    const start = process.hrtime.bigint();
    const wasThere = use(act, join(root, name));
    const ended = process.hrtime.bigint();
    told.push({ name, act, wasThere, start: String(start), end: String(ended) });
  }
  process.send?.(told, () => process.disconnect());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [root, millis, seed, ...names] = process.argv.slice(2);
  run(root, Number(millis), new SeededRandom(Number(seed)), names);
}
