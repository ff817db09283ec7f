import { readFileSync } from "node:fs";

/** Rights of capabilities(7), as bits. */
export const Capability = { fsetid: 1 << 4, sysAdmin: 1 << 21 } as const;

/** Who a thread is, beyond its user and its group. */
export interface Credentials {
  /** The supplementary ones. */
  readonly groups: readonly number[];
  /** Bits of `Capability` that are in effect. */
  readonly capabilities: number;
}

/** Of a thread that waits in a system call. @returns undefined when they cannot be known */
export function credentialsOf(thread: number): Credentials | undefined {
  if (thread === 0) return undefined; // Of another pid namespace.
  try {
    return credentialsIn(readFileSync(`/proc/${thread}/status`, "latin1"));
  } catch {
    return undefined; // It has gone, or is not ours to look at.
  }
}

/** `status`: as /proc/PID/status has it. */
export function credentialsIn(status: string): Credentials {
  const [, groups = ""] = /^Groups:(.*)$/m.exec(status) ?? [];
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]{16})$/m.exec(status) ?? [];
  return {
    groups: groups.split(/\s+/).filter(Boolean).map(Number),
    capabilities: Number.parseInt(effective.slice(-8), 16) | 0,
  };
}
