import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MountBenchmark } from "./mount-benchmark.js";
import type { Volume } from "./volume.js";

const run = promisify(execFile);
const headerCount = 60;
/** The compiler looks for each header in one after the other. */
const folders = Array.from({ length: 6 }, (_, index) => `include${index}`);

/** C files of 30 headers each. @returns the folder that has them */
async function writeProject(volume: Volume, name: string, fileCount: number): Promise<string> {
  const project = join(volume.mounts[0], name);
  for (const folder of folders) await mkdir(join(project, folder), { recursive: true });
  for (let header = 0; header < headerCount; header++) {
    const text = `static inline int add${header}(int number) { return number + ${header}; }\n`;
    await writeFile(join(project, folders[header % folders.length], `h${header}.h`), text);
  }
  for (let file = 0; file < fileCount; file++) {
    const included = Array.from({ length: headerCount / 2 }, (_, index) => (file + index * 2) % headerCount);
    const text = [...included.map((header) => `#include "h${header}.h"`), `int file${file}(void) { return 1; }`];
    await writeFile(join(project, `file${file}.c`), `${text.join("\n")}\n`);
  }
  return project;
}

async function millisEach(count: number, act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let round = 0; round < count; round++) await act();
  return (performance.now() - start) / count;
}

interface Build extends Pick<MountBenchmark, "name" | "unit" | "expected" | "program"> {
  /** Readies the project. @returns what is measured, again and again */
  readonly begin: (project: string) => Promise<() => Promise<unknown>>;
}

function build({ begin, ...about }: Build): MountBenchmark {
  return {
    ...about,
    isRate: false,
    async sample(volume, { builds: count }, id) {
      const project = await writeProject(volume, `${about.program?.name}-${id}`, count);
      const figure = await millisEach(count, await begin(project));
      await rm(project, { recursive: true });
      return figure;
    },
  };
}

const compile = build({
  name: "mount: cc, 6 folders of headers",
  unit: "ms/file",
  expected: "ahead of sshfs",
  program: { name: "gcc", debianPackage: "gcc" },
  async begin(project) {
    const options = folders.map((folder) => `-I${folder}`);
    let file = 0;
    return () => run("gcc", [...options, "-c", `file${file++}.c`], { cwd: project });
  },
});

const commit = build({
  name: "mount: git commit",
  unit: "ms",
  expected: "",
  program: { name: "git", debianPackage: "git" },
  async begin(project) {
    const who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"];
    const git = (...args: string[]) => run("git", [...who, ...args], { cwd: project });
    await git("init", "--quiet");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "first");
    let number = 0;
    return async () => {
      await writeFile(join(project, "file0.c"), `int changed = ${number++};\n`);
      await git("commit", "--quiet", "--all", "--message", "next");
    };
  },
});

const unpackedFolders = 10;
const unpackedFiles = 20;
const unpackedBytesMax = 16_384;

/** An archive of small files, by tar. @returns its path */
async function writeArchive(folder: string): Promise<string> {
  for (let index = 0; index < unpackedFolders; index++) {
    const below = join(folder, "tree", String(index));
    await mkdir(below, { recursive: true });
    for (let file = 0; file < unpackedFiles; file++) {
      const byteLength = 1 + (((index * unpackedFiles + file) * 7919) % unpackedBytesMax);
      await writeFile(join(below, `file${file}`), Buffer.alloc(byteLength, index + file));
    }
  }
  const archive = join(folder, "tree.tar");
  await run("tar", ["cf", archive, "-C", folder, "tree"]);
  return archive;
}

const unpack: MountBenchmark = {
  name: "mount: tar x, small files",
  unit: "ms/file",
  expected: "",
  isRate: false,
  program: { name: "tar", debianPackage: "tar" },
  async sample({ mounts: [mount] }, { builds: count }, id) {
    const folder = await mkdtemp(join(tmpdir(), "dmmap-bench-"));
    const to = join(mount, `unpacked-${id}`);
    await mkdir(to);
    try {
      const archive = await writeArchive(folder);
      let round = 0;
      const millis = await millisEach(count, async () => {
        const target = join(to, String(round++));
        await mkdir(target);
        await run("tar", ["xf", archive, "-C", target]);
      });
      return millis / (unpackedFolders * unpackedFiles);
    } finally {
      await rm(folder, { recursive: true });
      await rm(to, { recursive: true });
    }
  },
};

export const builds: readonly MountBenchmark[] = [compile, commit, unpack];
