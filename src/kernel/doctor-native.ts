import { check, SystemError } from "./errno.js";
import { getpagesize } from "./libc.js";
import { MemoryFile } from "./memory-file.js";
import { type Access, probeAccess, probeFeatures } from "./userfaultfd.js";

/** What only system calls can tell. */
export interface NativeFacts {
  readonly pageBytes: number;
  /** 0 for each way that works, else its errno. */
  readonly access: Record<Access, number>;
  /** Features of userfaultfd; 0 when it cannot be opened. */
  readonly features: number;
  /** The errno's name when no memfd can be made. */
  readonly memfdError: string | undefined;
}

export function gatherNativeFacts(): NativeFacts {
  const access = probeAccess();
  const way = (["systemCall", "device", "userModeOnly"] as const).find((name) => access[name] === 0);
  return {
    pageBytes: check(getpagesize(), "getpagesize"),
    access,
    features: way === undefined ? 0 : probeFeatures(way),
    memfdError: tryMemfd(),
  };
}

function tryMemfd(): string | undefined {
  try {
    new MemoryFile("dmmap-doctor", 1).close();
    return undefined;
  } catch (error) {
    return error instanceof SystemError ? error.code : String(error);
  }
}
