import { type Facts, gatherFacts } from "./doctor-facts.js";
import type { NativeFacts } from "./doctor-native.js";
import { checkUserfaultfd, checkUserfaultfdFeatures } from "./doctor-userfaultfd.js";
import type { Access } from "./userfaultfd.js";

/** One thing that dmmap uses. `limited`: it works, at the cost given. `missing`: nothing works until it is there. */
export interface Check {
  readonly name: string;
  readonly state: "ok" | "limited" | "missing";
  readonly found: string;
  readonly cost?: string;
  /** The exact commands or settings. */
  readonly remedy?: string;
}

export interface Report {
  /** Whether this machine can map files at all. */
  readonly ready: boolean;
  /** How userfaultfd will be opened. */
  readonly access: Access | undefined;
  readonly checks: readonly Check[];
}

const nodeMin = [20, 19] as const;
/** UFFDIO_CONTINUE_MODE_WP. */
const kernelMin = [6, 4] as const;
/** Write-protect faults at all. */
const kernelMinArm64 = [6, 10] as const;
const openFilesWanted = 4096;
/** The alias takes address space in windows of 64 GiB, and V8 has reservations of its own. */
const addressSpaceWantedBytes = 2 ** 40;

/** Looks at this machine: what it can do, what is missing, and how to get it. Changes nothing. */
export async function examine(): Promise<Report> {
  return judge(await gatherFacts());
}

/** What the facts mean for dmmap. */
export function judge(facts: Facts): Report {
  const { native } = facts;
  const checks = [
    checkArchitecture(facts),
    checkNode(facts),
    checkKernel(facts),
    ...("loadError" in native ? [nativeCallsMissing(native.loadError)] : checkNative(facts, native)),
    checkHugePages(facts),
    checkSwap(facts),
    checkOpenFiles(facts),
    checkAddressSpace(facts),
    checkFuse(facts),
    { name: "CPUs", state: "ok", found: String(facts.cpuCount) } as const,
  ];
  return {
    ready: checks.every(({ state }) => state !== "missing"),
    access: "loadError" in native ? undefined : bestAccess(native),
    checks,
  };
}

function checkNative(facts: Facts, native: NativeFacts): Check[] {
  return [
    { name: "native calls", state: "ok", found: "koffi and the C library loaded" },
    checkPageSize(native),
    checkUserfaultfd(native.access, facts.unprivilegedUserfaultfd),
    ...(bestAccess(native) === undefined ? [] : [checkUserfaultfdFeatures(native.features)]),
    checkMemfd(native),
  ];
}

function bestAccess({ access }: NativeFacts): Access | undefined {
  return (["systemCall", "device", "userModeOnly"] as const).find((way) => access[way] === 0);
}

function checkArchitecture({ architecture }: Facts): Check {
  const known = architecture === "x64" || architecture === "arm64";
  const found = { name: "architecture", found: architecture };
  if (known) return { ...found, state: "ok" };
  return { ...found, state: "missing", remedy: "run dmmap on x64 or arm64" };
}

function checkNode({ nodeVersion }: Facts): Check {
  if (isAtLeast(nodeVersion, nodeMin)) return { name: "Node", state: "ok", found: nodeVersion };
  const remedy = `install Node ${nodeMin.join(".")} or newer from https://nodejs.org`;
  return { name: "Node", state: "missing", found: nodeVersion, remedy };
}

/** A hint only: distributions port features back, and `fault features` tells what is really there. */
function checkKernel({ architecture, kernelRelease }: Facts): Check {
  const name = "kernel";
  const found = `Linux ${kernelRelease}`;
  const min = architecture === "arm64" ? kernelMinArm64 : kernelMin;
  if (isAtLeast(kernelRelease, min)) return { name, state: "ok", found };
  const cost = `older than ${min.join(".")}: it may lack what is needed, see "fault features"`;
  return { name, state: "limited", found, cost, remedy: `boot Linux ${min.join(".")} or newer` };
}

function nativeCallsMissing(loadError: string): Check {
  return {
    name: "native calls",
    state: "missing",
    found: loadError,
    remedy: "on a system with glibc, run: npm install --include=optional (koffi's binary is an optional package)",
  };
}

function checkPageSize({ pageBytes }: NativeFacts): Check {
  if (pageBytes === 4096) return { name: "page size", state: "ok", found: "4096 bytes" };
  return { name: "page size", state: "missing", found: `${pageBytes} bytes`, remedy: "boot a kernel with 4 KiB pages" };
}

function checkMemfd({ memfdError }: NativeFacts): Check {
  if (memfdError === undefined) return { name: "memfd", state: "ok", found: "can be created" };
  const remedy = "allow memfd_create: the seccomp profile of the container, or RLIMIT_NOFILE";
  return { name: "memfd", state: "missing", found: memfdError, remedy };
}

/**
 * With huge pages a store of one page to a memfd allocates 512 (a memfd of ours is always large enough for
 * `within_size`): they are then present, as zeros, without having been fetched.
 */
function checkHugePages({ shmemHugePages }: Facts): Check {
  const found = shmemHugePages ?? "not in this kernel";
  if (!["always", "within_size", "force"].includes(found)) return { name: "shared huge pages", state: "ok", found };
  return {
    name: "shared huge pages",
    state: "limited",
    found,
    cost: "each page that is cached takes up to 2 MiB of memory, and cacheBytes is not kept",
    remedy: "echo advise | sudo tee /sys/kernel/mm/transparent_hugepage/shmem_enabled",
  };
}

/**
 * Swap is safe: a page that was swapped out of a registered view comes back by a minor fault (shmem looks for
 * userfaultfd before it swaps in), protection is decided anew, and COWed private pages keep their bytes.
 */
function checkSwap({ swapBytes }: Facts): Check {
  const found = swapBytes === 0 ? "none" : `${Math.round(swapBytes / 2 ** 20)} MiB; cached pages may go there and back`;
  return { name: "swap", state: "ok", found };
}

function checkOpenFiles({ openFilesMax }: Facts): Check {
  const found = openFilesMax === Number.POSITIVE_INFINITY ? "unlimited" : String(openFilesMax);
  if (openFilesMax >= openFilesWanted) return { name: "open files", state: "ok", found };
  return {
    name: "open files",
    state: "limited",
    found,
    cost: "every connection, and every open file, takes a descriptor",
    remedy: "ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit",
  };
}

function checkAddressSpace({ addressSpaceBytesMax, overcommitMemory }: Facts): Check {
  const name = "address space";
  if (addressSpaceBytesMax < addressSpaceWantedBytes) {
    const found = `at most ${Math.floor(addressSpaceBytesMax / 2 ** 30)} GiB`;
    const cost = "opening files fails with ENOMEM: each takes 64 GiB of addresses (not of memory)";
    return { name, state: "limited", found, cost, remedy: "ulimit -v unlimited" };
  }
  if (overcommitMemory !== "2") return { name, state: "ok", found: "not limited" };
  return {
    name,
    state: "limited",
    found: "vm.overcommit_memory = 2",
    cost: "a private map counts in full against the commit limit, and large ones fail with ENOMEM",
    remedy: "sudo sysctl -w vm.overcommit_memory=0",
  };
}

const fuseRemedies = {
  usable: "sudo apt install fuse3",
  denied: "sudo chmod 666 /dev/fuse (as udev has it), or mount as root",
  missing: "sudo modprobe fuse; in a container: --device /dev/fuse --cap-add SYS_ADMIN",
};

function checkFuse({ fuseDevice, fusermountPath }: Facts): Check {
  const found = `/dev/fuse ${fuseDevice}, fusermount3 ${fusermountPath ?? "not found"}`;
  if (fuseDevice === "usable" && fusermountPath !== undefined) return { name: "FUSE", state: "ok", found };
  return {
    name: "FUSE",
    state: "limited",
    found,
    cost: "no mounts: only programs that use the library can map files",
    remedy: fuseRemedies[fuseDevice],
  };
}

function isAtLeast(version: string, [majorMin, minorMin]: readonly [number, number]): boolean {
  const [major, minor] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major > majorMin || (major === majorMin && minor >= minorMin);
}
