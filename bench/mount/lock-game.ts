import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type MountBenchmark, WrongResult } from "./mount-benchmark.js";
import type { Volume } from "./volume.js";

/**
 * ping_pong of CTDB: each player locks the next of N bytes before it lets go of the last one. With -rw each adds one to the
 * byte it has locked, by pread and pwrite or (-m) in shared memory, and tells by how much that grew since its last turn:
 * by the number of players, if they see one file.
 */
function lockGame(players: 1 | 2, flags: readonly string[], expected: string): MountBenchmark {
  const kind = ["ping_pong", ...flags].join(" ");
  return {
    name: `mount: ${kind}, ${players === 1 ? "1 mount" : "2 mounts"}`,
    unit: "locks/s",
    isRate: true,
    expected,
    program: { name: "ping_pong", debianPackage: "ctdb" },
    async sample(volume, { pingPongMillis }, id) {
      if (players > 1 && !volume.sharesLocks) throw new WrongResult("locks of one mount are not seen on the other");
      const name = `ping-pong-${id}`;
      await writeFile(join(volume.mounts[0], name), Buffer.alloc(players + 1));
      const figure = await play(volume, name, players, flags, pingPongMillis);
      await rm(join(volume.mounts[0], name));
      return figure;
    },
  };
}

async function play(volume: Volume, name: string, players: number, flags: readonly string[], millis: number) {
  const games = volume.mounts.slice(0, players).map(async (mount) => {
    const program = spawn("ping_pong", [...flags, join(mount, name), String(players + 1)]);
    let said = "";
    program.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const ended = once(program, "close");
    setTimeout(() => program.kill("SIGKILL"), millis);
    await ended;
    return said;
  });
  const rates = (await Promise.all(games)).map((said) => rateIn(said, flags.length > 0 ? players : 0));
  return rates.reduce((sum, rate) => sum + rate, 0) / players;
}

/** The last rate of the game: what came before may be from a time when not all played. So may the first and last increments. */
function rateIn(said: string, increment: number): number {
  const rates = [...said.matchAll(/(\d+) locks\/sec/g)];
  const increments = [...said.matchAll(/data increment = (\d+)/g)].map(([, seen]) => Number(seen));
  if (rates.length === 0) throw new WrongResult(`not a lock in a second; it said: ${said.trim() || "nothing"}`);
  if (increment > 0 && !increments.includes(increment)) {
    throw new WrongResult(`the counters grow by ${increments.join(", ")} and not ${increment}: stores are lost`);
  }
  return Number(rates.at(-1)?.[1]);
}

export const lockGames: readonly MountBenchmark[] = [
  lockGame(1, [], ""),
  lockGame(1, ["-rw"], ""),
  lockGame(1, ["-rw", "-m"], ""),
  lockGame(2, [], ""),
  lockGame(2, ["-rw"], "3,000 or more"),
  lockGame(2, ["-rw", "-m"], "3,000 or more"),
];
