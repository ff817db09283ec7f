import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";

const clockBoottime = 7;
let timespec: NativeBuffer | undefined;

/**
 * Microseconds of a clock that never jumps and goes on while the machine is suspended, so that a lease that ran out
 * during a suspend is seen to have run out (CLOCK_BOOTTIME).
 */
export function nowMicros(): number {
  timespec ??= new NativeBuffer(16);
  libc.clockGettime(clockBoottime, timespec.address);
  return timespec.getUint64(0) * 1e6 + timespec.getUint64(8) / 1000;
}

/** CPU time that a thread of this process (its Linux id) has used, up to this moment; -1 when there is none by that id. */
export function threadMicros(thread: number): number {
  timespec ??= new NativeBuffer(16);
  // The clock of a thread, as clock_getcpuclockid(3) and the kernel's posix-timers_types.h make it: ~id << 3 | 4 | 2.
  const clock = (~thread << 3) | 6;
  if (libc.clockGettime(clock, timespec.address) !== 0) return -1;
  return timespec.getUint64(0) * 1e6 + timespec.getUint64(8) / 1000;
}
