import { accessSync, constants, readFileSync } from "node:fs";
import { arch, availableParallelism, release } from "node:os";
import { delimiter, join } from "node:path";
import type { NativeFacts } from "./doctor-native.js";

/** What was found on a machine, before anybody judges it. Undefined: this kernel does not say. */
export interface Facts {
  readonly architecture: string;
  readonly nodeVersion: string;
  readonly kernelRelease: string;
  readonly cpuCount: number;
  readonly native: NativeFacts | { readonly loadError: string };
  /** vm.unprivileged_userfaultfd */
  readonly unprivilegedUserfaultfd: string | undefined;
  /** /sys/kernel/mm/transparent_hugepage/shmem_enabled: the chosen word. */
  readonly shmemHugePages: string | undefined;
  readonly swapBytes: number;
  readonly openFilesMax: number;
  readonly addressSpaceBytesMax: number;
  /** vm.overcommit_memory */
  readonly overcommitMemory: string | undefined;
  /** `denied`: it is there, and this user may not open it. */
  readonly fuseDevice: "usable" | "denied" | "missing";
  readonly fusermountPath: string | undefined;
}

export async function gatherFacts(): Promise<Facts> {
  const limits = readText("/proc/self/limits") ?? "";
  return {
    architecture: arch(),
    nodeVersion: process.versions.node,
    kernelRelease: release(),
    cpuCount: availableParallelism(),
    native: await gatherNative(),
    unprivilegedUserfaultfd: readText("/proc/sys/vm/unprivileged_userfaultfd"),
    shmemHugePages: /\[(\w+)\]/.exec(readText("/sys/kernel/mm/transparent_hugepage/shmem_enabled") ?? "")?.[1],
    swapBytes: Number(/^SwapTotal:\s+(\d+)/m.exec(readText("/proc/meminfo") ?? "")?.[1] ?? 0) * 1024,
    openFilesMax: softLimit(limits, "Max open files"),
    addressSpaceBytesMax: softLimit(limits, "Max address space"),
    overcommitMemory: readText("/proc/sys/vm/overcommit_memory"),
    fuseDevice: stateOf("/dev/fuse"),
    fusermountPath: (process.env["PATH"] ?? "")
      .split(delimiter)
      .map((folder) => join(folder, "fusermount3"))
      .find((path) => mayUse(path, constants.X_OK)),
  };
}

/** Loaded late: without koffi's binary, or glibc, the module does not load at all, and that is a finding too. */
async function gatherNative(): Promise<Facts["native"]> {
  try {
    const { gatherNativeFacts } = await import("./doctor-native.js");
    return gatherNativeFacts();
  } catch (error) {
    return { loadError: error instanceof Error ? error.message : String(error) };
  }
}

/** The soft limit of a line of /proc/self/limits: "Max open files    1024    4096    files". */
function softLimit(limits: string, name: string): number {
  const [, word = "unlimited"] = new RegExp(`^${name}\\s+(\\S+)`, "m").exec(limits) ?? [];
  return word === "unlimited" ? Number.POSITIVE_INFINITY : Number(word);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // this kernel does not have it, or hides it
  }
}

function stateOf(device: string): Facts["fuseDevice"] {
  if (mayUse(device, constants.R_OK | constants.W_OK)) return "usable";
  return mayUse(device, constants.F_OK) ? "denied" : "missing";
}

function mayUse(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
