import type { Message } from "./message.js";
import type { SimNode } from "./sim-node.js";
import type { World } from "./world.js";

/**
 * All that decides what can still happen in a world, as text: two worlds with the same text have the same future. Numbers
 * of which only the order counts (epochs, requests, places in line) are replaced by their rank, else no state would ever
 * come back.
 */
export function fingerprint(world: World, progress: string): string {
  let home = world.process === undefined ? "dead" : world.home.describe();
  const nodes = world.nodes.map((node, index) => {
    const text = nodeText(world, node, index);
    const requests = ranksOf(text, /#(\d+)/g);
    home = home.replace(new RegExp(`node ${node.id}\\b(?: #(\\d+))?`, "g"), (_found: string, digits?: string) => {
      return digits === undefined ? `node ${node.name}` : `node ${node.name} ${requests.get(Number(digits)) ?? "gone"}`;
    });
    const ranked = text.replace(/#(\d+)/g, (_, digits: string) => `#${requests.get(Number(digits))}`);
    return replaceByRank(ranked, /~(\d+)/g);
  });
  const words = `${world.disk.describe()} ${world.promises.reference.words.join(" ")} ${world.promises.describe()}`;
  // In which order the home knows of its nodes changes nothing: each of them is told by a queue of its own.
  home = home.split("; ").toSorted().join("; ");
  const text = replaceByRank(`${nodes.join("\n")}\n${home} ${words} ${progress}`, /@(\d+)/g);
  return replaceByRank(text, /!(\d+)/g);
}

function nodeText(world: World, node: SimNode, index: number): string {
  const { cache } = node;
  let pages = "";
  for (let page = 0; page < cache.pagesMax; page++) {
    const bits = `${cache.cached[page]}${cache.writable[page]}${cache.dirty[page]}${cache.mapped[page]}`;
    pages += cache.cached[page] === 0 ? "-" : `${bits}:${cache.words[page * 2]}:${cache.words[page * 2 + 1]},`;
  }
  const threads = node.threads.map((thread) => `${thread.describe()} %${thread.pin}`).join(";");
  const out = world.toHome[index].map(messageText).join("|");
  const into = world.toNode[index].map(messageText).join("|");
  const streams = world.process?.file.describeStreams(node.id) ?? "";
  const tokens = node.tokens?.describe() ?? "";
  const connection = `${node.state} ${node.isReady} ${node.link.describe()} ${node.describeDuties()}`;
  return `${connection} ${cache.sizeBytes} ${pages} ${threads} [${out}] [${into}] [${streams}] ${tokens}`;
}

function messageText(message: Message): string {
  const { type, ...rest } = { ...message, copyOf: "", file: "" };
  const marks: Readonly<Record<string, string>> = { request: "#", epoch: "@", version: "@", duty: "!" };
  const fields = Object.entries(rest).map(([name, value]) => `${marks[name] ?? ""}${String(value)}`);
  return `${type} ${fields.join(" ")}`;
}

/** Numbers by their order. 0 stays 0: it means none. */
function ranksOf(text: string, pattern: RegExp): Map<number, number> {
  const numbers = new Set<number>([0]);
  for (const match of text.matchAll(pattern)) numbers.add(Number(match[1]));
  const sorted = [...numbers].sort((one, other) => one - other);
  return new Map(sorted.map((number, rank) => [number, rank]));
}

function replaceByRank(text: string, pattern: RegExp): string {
  const ranks = ranksOf(text, pattern);
  return text.replace(pattern, (found, digits: string) => `${found[0]}${ranks.get(Number(digits)) ?? 0}`);
}
