import type { FileMap, Volume } from "dmmap";
import { type Job, shared } from "../job.js";

const pageWords = 1024;
const beforeValue = 1;
const ownValue = 42;
const newValue = 7;

/** MAP_PRIVATE across nodes: a page that was written is the map's own, the others follow the file. */
export async function tellPrivateMap({ story, crew }: Job): Promise<void> {
  const [writer, bystander, keeper] = crew.members;
  story.chapter(`A private map on ${keeper.name}`);
  await writer.ask("storeShared", { value: beforeValue });
  await keeper.ask("writePrivateMap", {});
  story.say(
    `${keeper.name} maps two pages privately, reads ${beforeValue} in both, and stores ${ownValue} in the first`,
  );
  await writer.ask("storeShared", { value: newValue });
  story.say(`${writer.name} stores ${newValue} in both, through its shared map`);

  const own = await keeper.ask("lookAtPrivateMap", {});
  story.check(`${keeper.name}'s first page: its own store survives`, own.private[0], ownValue);
  story.check(`${keeper.name}'s second page: it follows the others`, own.private[1], newValue);
  const other = await bystander.ask("lookAtPrivateMap", {});
  story.check(`${bystander.name} sees nothing of the private store`, other.shared[0], newValue);
}

let privateMap: FileMap | undefined;

/** On the node that keeps the private map from here on. */
export async function writePrivateMap(volume: Volume, _: object): Promise<void> {
  const file = await volume.open(shared.name);
  privateMap = await file.map({ ...shared.private, sharing: "private" });
  const words = new Int32Array(privateMap.buffer);
  if (words[0] !== beforeValue || words[pageWords] !== beforeValue)
    throw new Error("the private map does not show the file");
  words[0] = ownValue;
}

export async function storeShared(volume: Volume, { value }: { value: number }): Promise<void> {
  await using file = await volume.open(shared.name);
  await using map = await file.map(shared.private);
  const words = new Int32Array(map.buffer);
  words[0] = value;
  words[pageWords] = value;
}

/** @returns the first word of each page, as the file has it and as this node's private map has it. */
export async function lookAtPrivateMap(volume: Volume, _: object): Promise<{ shared: number[]; private: number[] }> {
  await using file = await volume.open(shared.name);
  await using map = await file.map({ ...shared.private, access: "read" });
  return { shared: firstWords(map), private: privateMap === undefined ? [] : firstWords(privateMap) };
}

function firstWords(map: FileMap): number[] {
  const words = new Int32Array(map.buffer);
  return [words[0], words[pageWords]];
}
