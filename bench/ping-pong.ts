import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pageBytes } from "../src/core/units.js";
import type { Benchmark } from "./benchmark.js";
import { cReference } from "./c-reference.js";
import { firstMessage, openHome, startProgram, stopProgram } from "./cluster.js";
import { median } from "./rounds.js";

/** What each player tells at the end of a game. */
export interface Score {
  readonly increments: number;
  /** Times that another player had been at the counter since this one's last increment. */
  readonly handOvers: number;
  readonly longestWaitMicros: number;
  readonly elapsedMicros: number;
  /** The counter as this player saw it last. */
  readonly last: number;
}

const handOversInC = 2000;

/** Two node processes add to one counter as fast as they can: a fresh grant allows many increments, then the page goes. */
export const pingPong: Benchmark = {
  name: "write ping-pong",
  unit: "µs",
  reference: "C: the bare messages, no hold",
  target: "no starvation",
  warmUps: 0,
  async open({ pingPongMillis }) {
    const home = await openHome();
    const games: Score[][] = [];
    return {
      reference: await cReference("hand-over", [handOversInC]),
      dmmap: async () => {
        const fileName = `ping-pong-${games.length}.bin`;
        writeFileSync(join(home.folder, fileName), Buffer.alloc(pageBytes));
        const scores = await play(home.url, fileName, pingPongMillis);
        games.push(scores);
        const handOvers = scores.reduce((sum, score) => sum + score.handOvers, 0);
        return Math.max(...scores.map((score) => score.elapsedMicros)) / handOvers;
      },
      notes: () => notesOn(games),
      close: () => home.close(),
    };
  },
};

async function play(url: string, fileName: string, millis: number): Promise<Score[]> {
  const players = [0, 1].map(() => startProgram("./ping-pong-program.js", [url, fileName, String(millis)]));
  try {
    await Promise.all(players.map(firstMessage)); // Ready: connected and mapped.
    const scores = players.map(async (player) => ((await firstMessage(player)) as [Score])[0]);
    for (const player of players) player.send("go");
    const ended = await Promise.all(scores);
    const total = ended.reduce((sum, score) => sum + score.increments, 0);
    const counter = Math.max(...ended.map((score) => score.last));
    if (counter !== total) throw new Error(`the counter is ${counter} after ${total} increments`);
    return ended;
  } finally {
    await Promise.all(players.map(stopProgram));
  }
}

function notesOn(games: readonly Score[][]): string[] {
  const perSecond = median(
    games.map((scores) => scores.reduce((sum, score) => sum + score.increments / score.elapsedMicros, 0) * 1e6),
  );
  const shares = games.map((scores) => {
    const increments = scores.map((score) => score.increments);
    return Math.min(...increments) / Math.max(...increments);
  });
  const longest = games.map((scores) => Math.max(...scores.map((score) => score.longestWaitMicros)));
  return [
    `${Math.round(perSecond)} increments/s, all of them counted; the slower player did ${(median(shares) * 100).toFixed(0)} % of the faster one's`,
    `longest wait of a player ${(median(longest) / 1000).toFixed(1)} ms (median of the games), ${(Math.max(...longest) / 1000).toFixed(1)} ms at worst`,
  ];
}
