import { rm } from "node:fs/promises";
import { join } from "node:path";
import { compile, figureOf } from "../c-reference.js";
import { writeStampedFile } from "../stamped-pages.js";
import type { MountBenchmark, MountScale } from "./mount-benchmark.js";
import type { Volume } from "./volume.js";

/** Of the pages of a file that is mapped, one in this many is touched: file-calls.c has the same. */
const faultStride = 4;

interface FileCall {
  readonly call: string;
  readonly expected: string;
  readonly count: (scale: MountScale) => number;
  readonly pages: (scale: MountScale) => number;
}

function fileCall(name: string, { call, expected, count, pages }: FileCall): MountBenchmark {
  return {
    name: `mount: ${name}`,
    unit: "µs",
    isRate: false,
    expected,
    async sample(volume, scale, id) {
      const program = await compile("file-calls");
      const path = await freshFile(volume, `${call}-${id}.bin`, pages(scale));
      const figure = await figureOf(program, [call, path, count(scale)]);
      await rm(path);
      return figure;
    },
  };
}

/** A file that no mount has anything of. A local file system has to read it from its disk: what it has is dropped. */
export async function freshFile(volume: Volume, name: string, pageCount: number): Promise<string> {
  const path = join(volume.folder, name);
  await writeStampedFile(path, pageCount);
  if (!volume.isServed) await figureOf(await compile("file-calls"), ["forget", path, 1]);
  return join(volume.mounts[0], name);
}

const create: MountBenchmark = {
  name: "mount: create + unlink",
  unit: "/s",
  isRate: true,
  expected: "",
  sample: async ({ mounts }, { creates }) => figureOf(await compile("file-calls"), ["create", mounts[0], creates]),
};

export const fileCalls: readonly MountBenchmark[] = [
  fileCall("mmap read fault, cold", {
    call: "fault",
    expected: "ahead of sshfs",
    count: ({ faults }) => faults,
    pages: ({ faults }) => faults * faultStride,
  }),
  fileCall("pread 4 KiB, cached", {
    call: "pread",
    expected: "local × 0.95 or more",
    count: ({ calls }) => calls,
    pages: ({ calls }) => calls,
  }),
  fileCall("pwrite 4 KiB", {
    call: "pwrite",
    expected: "ahead of sshfs",
    count: ({ calls }) => calls,
    pages: ({ calls }) => calls,
  }),
  fileCall("stat, cached", { call: "stat", expected: "", count: ({ calls }) => calls, pages: () => 1 }),
  fileCall("open + close", { call: "open", expected: "", count: ({ calls }) => calls, pages: () => 1 }),
  create,
];
