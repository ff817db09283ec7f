import type { SystemTime } from "../kernel/facts.js";

/** Changes closer together may have one stamp: two ticks of the slowest clock that Linux stamps by. */
const granuleMillis = 20;
/** As above, of a filesystem that keeps whole seconds. */
const secondsGranuleMillis = 2000;

export function isSame(one: SystemTime, other: SystemTime): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** Whether no change from now on gets this stamp. */
export function isOver([seconds, nanoseconds]: SystemTime): boolean {
  const granule = nanoseconds === 0 ? secondsGranuleMillis : granuleMillis;
  return Math.abs(Date.now() - (seconds * 1000 + nanoseconds / 1e6)) > granule;
}
