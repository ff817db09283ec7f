import { spawn } from "node:child_process";
import { once } from "node:events";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../src/index.js";
import type { Benchmark } from "./benchmark.js";
import { type Home, openHome, residentMebibytes } from "./cluster.js";

const mebibyte = 1024 * 1024;
const windowBytes = 1024 * mebibyte;

/** A home that serves a folder and has no node. */
export const idleHome: Benchmark = {
  name: "idle home",
  unit: "MiB",
  reference: "node that does nothing",
  target: "< 120 MiB",
  warmUps: 0,
  open: async () => ({
    dmmap: async () => {
      const home = await openHome();
      const resident = home.residentMebibytes();
      await home.close();
      return resident;
    },
    reference: idleNode,
    close: () => Promise.resolve(),
  }),
};

async function idleNode(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => undefined, 1e6)"]);
  await once(child.stdout, "data");
  const resident = residentMebibytes(child.pid as number);
  child.kill("SIGKILL");
  await once(child, "exit");
  return resident;
}

/** A home whose only file is mapped by a node, which has touched it here and there. */
export const homeMemory: Benchmark = {
  name: "home, 1 TiB file",
  unit: "MiB",
  reference: "the same with a file of 1 MiB",
  target: "1",
  warmUps: 0,
  open: async () => ({
    dmmap: () => residentWith(mebibyte * mebibyte),
    reference: () => residentWith(mebibyte),
    close: () => Promise.resolve(),
  }),
};

async function residentWith(sizeBytes: number): Promise<number> {
  const home = await openHome();
  try {
    await touchFile(home, sizeBytes);
    return home.residentMebibytes();
  } finally {
    await home.close();
  }
}

async function touchFile(home: Home, sizeBytes: number): Promise<void> {
  const path = join(home.folder, "sized.bin");
  writeFileSync(path, "");
  truncateSync(path, sizeBytes);
  await using volume = await connect(home.url);
  await using file = await volume.open("sized.bin");
  for (const part of [0, 0.25, 0.5, 0.75]) {
    const offset = Math.floor((sizeBytes * part) / 65536) * 65536;
    const length = Math.min(windowBytes, sizeBytes - offset);
    await using map = await file.map({ offset, length, sharing: "shared", access: "readWrite" });
    const words = new Uint32Array(map.buffer);
    for (let index = 0; index < words.length; index += words.length / 16) words[index] += 1;
    await map.sync();
  }
}
