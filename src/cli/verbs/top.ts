import { setTimeout as delay } from "node:timers/promises";
import type { Volume } from "../../index.js";
import { ratesBetween } from "../../observe/rates.js";
import type { HomeStatus } from "../../observe/status.js";
import { defineCommand, UsageError } from "../command.js";
import { parseSeconds } from "../duration.js";
import { Ending, type Suspendable } from "../ending.js";
import { FullScreen } from "../full-screen.js";
import { parseVolume } from "../location.js";
import { type Look, lookLines } from "../look-lines.js";
import { noteSlow } from "../note-slow.js";
import { printLines } from "../print.js";
import { withVolumeForLong } from "../volume.js";

const intervalMillisDefault = 1000;
/** After a stop, of a home that has given up on this command: it is connected again, or has gone away. */
const answerMillisMax = 10_000;
/** The home answers each question with everything it has open: who looks more often than this only disturbs it. */
const intervalSeconds = { min: 0.05, max: 86_400 };

export const top = defineCommand({
  summary: "a home, its nodes and its open files, live",
  arguments: [{ name: "URL", description: "dmmap://HOST:PORT" }],
  options: {
    interval: { type: "string", value: "SECONDS", description: "from one look to the next (default 1)" },
    count: { type: "string", value: "N", description: "end after N looks (default: look on)" },
    json: { type: "boolean", description: "one line {at, status, rates} for each look; rates are per second, or null" },
  },
  notes: [
    "Ends with exit code 0 on Ctrl-C, on SIGTERM, and on the key q where it has a terminal; with 1 when",
    "the home goes away. On a terminal it takes the whole screen and gives it back, on Ctrl-Z for a while;",
    "elsewhere it prints each look below the one before.",
    "Files are sorted by acquires in line, then locks waited for, then nodes that hold tokens, then name.",
    "DATA OUT and DATA IN are bytes of pages, to nodes and from nodes. What is called an alarm has",
    "happened since the home's start. The first look has no rates. The node that asks is in the list",
    "too, and each look is one of the requests.",
  ],
  examples: [
    "dmmap top dmmap://127.0.0.1:7400",
    "dmmap top dmmap://127.0.0.1:7400 --interval 5 >> home.log",
    "dmmap top dmmap://127.0.0.1:7400 --json --count 2 --interval 10 | jq .rates.grants",
  ],
  async run([url], options) {
    const plan = { intervalMillis: parseInterval(options.interval), lookCount: parseCount(options.count) };
    const volumeUrl = parseVolume(url);
    const display = displayFor(options.json);
    const ending = new Ending(display);
    try {
      const look = async (volume: Volume) => {
        ending.listen();
        await lookOn(volume, plan, ending, display.show);
      };
      await withVolumeForLong(volumeUrl, look, () => ending.hasStopped);
    } finally {
      // Here and not in the function above, which a broken connection leaves waiting; and before the message, which would
      // go with the screen.
      display.end();
      ending.close();
    }
  },
});

interface Plan {
  readonly intervalMillis: number;
  readonly lookCount: number;
}

function parseInterval(text: string | undefined): number {
  return text === undefined ? intervalMillisDefault : parseSeconds(text, "--interval", intervalSeconds);
}

function parseCount(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new UsageError(`--count is a whole number above 0, not ${JSON.stringify(text)}`);
  return count;
}

/** Where looks go. */
interface Display extends Suspendable {
  readonly show: (look: Look) => void;
  readonly end: () => void;
}

/** What has nothing to give back. */
const lineByLine = { suspend: () => undefined, resume: () => undefined, end: () => undefined };

function displayFor(json: boolean): Display {
  if (json) return { ...lineByLine, show: (look) => console.log(JSON.stringify(look)) };
  if (!process.stdout.isTTY) return plainDisplay();
  const screen = new FullScreen();
  return {
    show: (look) => screen.show((size) => lookLines(look, size)),
    suspend: () => screen.suspend(),
    resume: () => screen.resume(),
    end: screen.leave,
  };
}

function plainDisplay(): Display {
  let shown = 0;
  return { ...lineByLine, show: (look) => printLines([...(shown++ > 0 ? [""] : []), ...lookLines(look)]) };
}

/** Until there have been enough looks, or the user wishes it to end. */
async function lookOn(volume: Volume, plan: Plan, ending: Ending, show: (look: Look) => void): Promise<void> {
  const { wish } = ending;
  let before: HomeStatus | undefined;
  try {
    for (let looks = 1; !wish.aborted; looks++) {
      const nextMillis = performance.now() + plan.intervalMillis;
      const patience = ending.hasStopped ? { timeout: answerMillisMax } : {};
      const status = await noteSlow(volume.status({ signal: wish, ...patience }));
      ending.hasStopped = false;
      show({ at: new Date().toISOString(), status, rates: (before && ratesBetween(before, status)) ?? null });
      if (looks >= plan.lookCount) return;
      before = status;
      await delay(Math.max(0, nextMillis - performance.now()), undefined, { signal: wish });
    }
  } catch (error) {
    if (!wish.aborted) throw error; // Else it is what the wish has cut short.
  }
}
