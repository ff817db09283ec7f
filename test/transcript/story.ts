import assert from "node:assert/strict";
import { settle } from "../../sim/liveness.js";
import { wordBytes, wordsPerPage } from "../../sim/sim-file.js";
import type { SimNode } from "../../sim/sim-node.js";
import { World, type WorldOptions } from "../../sim/world.js";
import { Mode } from "../../src/core/units.js";

const stepsMax = 10_000;

/**
 * A protocol story: commands, each with what comes of it, compared as one text. The nodes are a, b, c ..., all with the file
 * open; their messages wait until a command delivers them.
 *
 * | command | |
 * |---|---|
 * | `a reads 3`, `a1 writes 3` | a thread (the first, or number 1) touches page 3 |
 * | `a runs` | threads that were let on run |
 * | `a→home`, `home→a` | the oldest message that way arrives |
 * | `a gets data` | the home sends a's next piece of an answer |
 * | `settle` | everything arrives, runs, and comes to rest |
 * | `a holds write 0..2`, `a lets go`, `a prefetches read 0..8` | |
 * | `a truncates to 2.5`, `a evicts 0..2`, `a gives back 0..2`, `a flushes` | |
 * | `a closes`, `a opens`, `a crashes` | |
 * | `a syncs`, `the sync ends` | the oldest sync has gone down |
 * | `a's connection is full`, `a has room` | |
 * | `a is cut off`, `a is back` | its connection, within the lease |
 * | `b is offered write 0..1` | as with a lock that it is given |
 * | `the disk fails`, `the disk works` | |
 * | `the home dies`, `the power fails` | its process dies; and nothing is left of what was not synced |
 * | `the home is back`, `the grace is over` | and who has not come back by then does not |
 * | `wait 5` | microseconds pass |
 */
export function story(options: Partial<WorldOptions> & { pages: number }, text: string): void {
  assert.equal(tellStory(options, text).join("\n"), linesOf(text).join("\n"));
}

/** The story as it happens: its commands and remarks, each command with what comes of it. */
export function tellStory(options: Partial<WorldOptions> & { pages: number }, text: string): string[] {
  const teller = new Teller(options);
  for (const line of linesOf(text)) {
    if (line.startsWith("#")) teller.told.push(line);
    else if (line.startsWith(">")) teller.tell(line);
  }
  return teller.told;
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

class Teller {
  readonly told: string[] = [];
  readonly #world: World;
  #valueLast = 0;

  constructor(options: Partial<WorldOptions> & { pages: number }) {
    const { pages } = options;
    const trace = (line: string): void => {
      if (line.startsWith("    ")) this.told.push(line.trim());
    };
    const defaults = { nodes: 2, threads: 2, policy: "optimal", pagesMax: pages + 4, chunkPages: 4 } as const;
    this.#world = new World({ ...defaults, sizeBytes: pages * wordsPerPage * wordBytes, ...options, trace });
    for (const node of this.#world.nodes) node.open();
    settle(this.#world, stepsMax);
    this.told.length = 0;
  }

  tell(line: string): void {
    this.told.push(line);
    for (const command of line.slice(1).split(",")) {
      this.#do(command.trim());
      this.#world.check();
    }
  }

  #do(command: string): void {
    const world = this.#world;
    if (command === "settle") {
      settle(world, stepsMax);
      return;
    }
    const wait = /^wait (\d+)$/.exec(command);
    if (wait !== null) return world.pass(Number(wait[1]));
    const delivery = /^(?:(\w)→home|home→(\w))$/.exec(command);
    if (delivery !== null) {
      const node = this.#indexOf(delivery[1] ?? delivery[2]);
      return world.happen({ kind: delivery[1] === undefined ? "toNode" : "toHome", node });
    }
    if (command.startsWith("the ")) return this.#disturb(command.slice(4));
    const done = /^(\w)(\d?)(?:'s)? (.*)$/.exec(command);
    assert.ok(done !== null, `a story cannot say: ${command}`);
    this.#act(this.#indexOf(done[1]), Number(done[2]), done[3]);
  }

  #disturb(what: string): void {
    const world = this.#world;
    switch (what) {
      case "disk fails":
      case "disk works":
        world.failsRead = () => what === "disk fails";
        return;
      case "sync ends":
        return world.happen({ kind: "disk", node: 0 });
      case "home dies":
        return world.crashHome();
      case "power fails":
        return world.losePower(() => false);
      case "home is back":
        return world.restartHome();
      case "grace is over":
        return world.home.endGrace();
      default:
        assert.fail(`a story cannot say: the ${what}`);
    }
  }

  #act(index: number, threadIndex: number, what: string): void {
    const world = this.#world;
    const node = world.nodes[index];
    const thread = node.threads[threadIndex];
    const [verb, ...rest] = what.split(" ");
    const [, start, end] = (/(\d+)\.\.(\d+)$/.exec(what) ?? []).map(Number);
    const mode = what.includes("write") ? Mode.write : Mode.read;
    switch (verb) {
      case "reads":
        return world.start(node, thread, { kind: "load", word: Number(rest[0]) * wordsPerPage });
      case "writes":
        return world.start(node, thread, {
          kind: "store",
          word: Number(rest[0]) * wordsPerPage,
          value: ++this.#valueLast,
        });
      case "holds":
        return world.start(node, thread, { kind: "hold", mode, start, end });
      case "prefetches":
        return world.start(node, thread, { kind: "prefetch", mode, start, end });
      case "truncates":
        return world.start(node, thread, { kind: "truncate", sizeBytes: Number(rest[1]) * wordsPerPage * wordBytes });
      case "evicts":
        return world.start(node, thread, { kind: "evict", start, end });
      case "gives":
        return world.start(node, thread, { kind: "giveBack", start, end });
      case "flushes":
        return world.start(node, thread, { kind: "flush" });
      case "syncs":
        return world.start(node, thread, { kind: "sync" });
      case "lets":
        return node.programs.unhold(thread);
      case "runs":
        return this.#runAll(node);
      case "gets":
        return world.happen({ kind: "stream", node: index });
      case "closes":
        return node.close();
      case "opens":
        return node.open();
      case "crashes":
        return world.crash(index);
      case "connection":
        node.room = 0;
        return;
      case "is":
        if (rest[0] === "offered") return world.offer(index, mode, start, end);
        return rest[0] === "back" ? world.reconnect(index) : world.cut(index);
      case "has":
        return world.happen({ kind: "room", node: index });
      default:
        assert.fail(`a story cannot say: ${what}`);
    }
  }

  #runAll(node: SimNode): void {
    for (const thread of node.threads) if (thread.state === "woken") node.programs.run(thread);
  }

  #indexOf(name: string): number {
    const index = this.#world.nodes.findIndex((node) => node.name === name);
    assert.ok(index >= 0, `no node ${name}`);
    return index;
  }
}
