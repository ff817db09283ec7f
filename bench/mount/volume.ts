import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DirectIo } from "../../src/fuse/direct-io.js";
import { firstMessage, openHome, startProgram, stopProgram } from "../cluster.js";

const run = promisify(execFile);

/** Files as two hosts see them, through a file system that is measured. */
export interface Volume {
  /** `dmmap`, `sshfs`, or the type of the local file system. */
  readonly name: string;
  /** Two mounts of the same files. Of a local file system: twice the same folder. */
  readonly mounts: readonly [string, string];
  /** Where the files are. What is written here is not cached by any mount. */
  readonly folder: string;
  /** Whether what it serves lies in another process, which has it in memory when a mount has not. */
  readonly isServed: boolean;
  /** Whether locks taken on one mount are seen on the other. */
  readonly sharesLocks: boolean;
  close(): Promise<void>;
}

/** A home, and two mounts of it: a process each. */
export async function openDmmap(directIo: DirectIo): Promise<Volume> {
  const home = await openHome();
  const points = mkdtempSync(join(tmpdir(), "dmmap-bench-mounts-"));
  const mounts = [join(points, "1"), join(points, "2")] as const;
  const programs = await Promise.all(
    mounts.map(async (mount) => {
      await mkdir(mount);
      const program = startProgram("./mount/mount-program.js", [home.url, mount, directIo]);
      await firstMessage(program);
      return program;
    }),
  );
  return {
    name: "dmmap",
    mounts,
    folder: home.folder,
    isServed: true,
    sharesLocks: true,
    close: async () => {
      await Promise.all(programs.map(stopProgram));
      for (const mount of mounts) await run("umount", ["--lazy", mount]).catch(() => undefined); // Only after a crash.
      await home.close();
      rmSync(points, { recursive: true, force: true });
    },
  };
}

/** A folder where a home's would be, used by itself. */
export async function openLocal(): Promise<Volume> {
  const folder = mkdtempSync(join(tmpdir(), "dmmap-bench-local-"));
  const { stdout } = await run("findmnt", ["--noheadings", "--output", "FSTYPE", "--target", folder]);
  return {
    name: stdout.trim() || "local",
    mounts: [folder, folder],
    folder,
    isServed: false,
    sharesLocks: true,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
