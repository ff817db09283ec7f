import { statSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../src/index.js";
import { check } from "../src/kernel/errno.js";
import { memoryView, mmap, munmap } from "../src/kernel/libc.js";
import type { Benchmark, Contest, Scale } from "./benchmark.js";
import { openHome } from "./cluster.js";

const fileName = "touched.bin";
const passes = 8;

/** Touches memory again and again. @returns what it read, so that no compiler leaves the loop out. */
type Loop = (words: Uint32Array) => number;

function readInOrder(words: Uint32Array): number {
  let sum = 0;
  for (let index = 0; index < words.length; index++) sum = (sum + words[index]) >>> 0;
  return sum;
}

function addInOrder(words: Uint32Array): number {
  for (let index = 0; index < words.length; index++) words[index] += 1;
  return words[words.length - 1];
}

/** Walks the words in the order of a linear congruence: a page, and its address translation, for nearly every touch. */
function readAtRandom(words: Uint32Array): number {
  const mask = words.length - 1; // The length is a power of two.
  let sum = 0;
  let at = 1;
  for (let count = 0; count < words.length / 8; count++) {
    at = (Math.imul(at, 1664525) + 1013904223) & mask;
    sum = (sum + words[at]) >>> 0;
  }
  return sum;
}

/** The same loop over a map of dmmap and over a plain mmap of the same file: both all cached and mapped. */
function touchBenchmark(name: string, touchesPerWord: number, loop: Loop): Benchmark {
  return {
    name: `cached ${name}`,
    unit: "M/s",
    reference: "plain mmap of the file",
    target: "≥ 0.95",
    warmUps: 0,
    open: (scale) => openContest(scale, touchesPerWord, loop),
  };
}

async function openContest({ touchBytes }: Scale, touchesPerWord: number, loop: Loop): Promise<Contest> {
  const home = await openHome();
  const path = join(home.folder, fileName);
  writeFileSync(path, "");
  truncateSync(path, touchBytes);
  const volume = await connect(home.url);
  const file = await volume.open(fileName);
  const map = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
  const own = new Uint32Array(map.buffer);
  const plain = await mapPlainly(path);
  for (const words of [own, plain.words]) for (let warm = 0; warm < 3; warm++) addInOrder(words);

  const measure = (words: Uint32Array) => {
    const start = performance.now();
    for (let pass = 0; pass < passes; pass++) loop(words);
    return Promise.resolve((words.length * touchesPerWord * passes) / ((performance.now() - start) * 1000));
  };
  return {
    dmmap: () => measure(own),
    reference: () => measure(plain.words),
    close: async () => {
      plain.close();
      await map.close();
      await file.close();
      await volume.close();
      await home.close();
    },
  };
}

async function mapPlainly(path: string): Promise<{ words: Uint32Array; close(): void }> {
  const { size } = statSync(path);
  const handle = await open(path, "r+");
  const address = check(mmap(0, size, 0x3, 0x1, handle.fd, 0), "mmap"); // PROT_READ | PROT_WRITE, MAP_SHARED
  await handle.close();
  return { words: new Uint32Array(memoryView(address, size)), close: () => munmap(address, size) };
}

export const cachedTouch: readonly Benchmark[] = [
  touchBenchmark("reads in order", 1, readInOrder),
  touchBenchmark("stores in order", 1, addInOrder),
  touchBenchmark("reads at random", 1 / 8, readAtRandom),
];
