import { Errno } from "../kernel/errno.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { InitFlag, InitFlag2, protocolMajor, protocolMinor, protocolMinorMin } from "./protocol.js";
import type { Request } from "./request.js";

/**
 * Not among them: BIG_WRITES, since a write of one page never holds one page locked while it waits for the token of another;
 * WRITEBACK_CACHE, since the home and not this kernel knows the size; ATOMIC_O_TRUNC, so that cutting a file is one path;
 * DO_READDIRPLUS, whose names would have no validity (see KernelLeases): what a listing tells, this mount keeps itself.
 *
 * HANDLE_KILLPRIV_V2 makes it this mount's business to end set-user-id and set-group-id at a write: see Privileges. Without
 * it the kernel asks for the attribute security.capability before every single write.
 */
const wanted =
  InitFlag.asyncRead |
  InitFlag.posixLocks |
  InitFlag.flockLocks |
  InitFlag.asyncDirectIo |
  InitFlag.parallelFolders |
  InitFlag.maxPages |
  InitFlag.explicitInvalidation |
  InitFlag.handleKillPrivilegesV2 |
  InitFlag.extended;
const wanted2 = InitFlag2.directIoMaps;

const replyBytes = 64;
let reply: NativeBuffer | undefined;
const backgroundMax = 64;
const pagesMax = 256;

export interface FuseLimits {
  readonly minor: number;
  /** Whether pages of a file opened past the cache may be mapped shared. */
  readonly directIoMaps: boolean;
}

/** Answers FUSE_INIT. @returns what both sides can; undefined when the kernel speaks something else, and will end the mount. */
export function greet(request: Request): FuseLimits | undefined {
  const [major, minor, readahead, flags] = [request.u32(0), request.u32(4), request.u32(8), request.u32(12)];
  if (major !== protocolMajor || minor < protocolMinorMin) {
    request.fail(Errno.EPROTO);
    return undefined;
  }
  const flags2 = (flags & InitFlag.extended) === 0 ? 0 : request.u32(16);
  reply ??= new NativeBuffer(4096);
  const { uint32, data } = reply;
  uint32[0] = protocolMajor;
  uint32[1] = protocolMinor;
  uint32[2] = Math.min(readahead, 128 * 1024);
  uint32[3] = flags & wanted;
  data.setUint16(16, backgroundMax, true);
  data.setUint16(18, (backgroundMax * 3) / 4, true);
  uint32[5] = pagesMax * 4096;
  uint32[6] = 1; // Times are in nanoseconds.
  data.setUint16(28, pagesMax, true);
  uint32[8] = flags2 & wanted2;
  request.data(reply.address, replyBytes);
  return { minor, directIoMaps: (flags2 & wanted2 & InitFlag2.directIoMaps) !== 0 };
}
