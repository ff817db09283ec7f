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
