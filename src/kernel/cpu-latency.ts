import { closeSync, constants, openSync } from "node:fs";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";

const device = "/dev/cpu_dma_latency";
const closeOnExec = 0o2000000;
const writeOnly = 1;
/** After this long without cause idle processors may sleep again. */
const holdMicros = 20_000;

/**
 * Has idle processors of this machine wake up within so many microseconds, for as long as it is held: the kernel then lets them
 * sleep no deeper, and at 0 they poll, so that nobody has to send them an interrupt. It ends with the process, however that
 * ends (CPU latency QoS, Documentation/power/pm_qos_interface.rst).
 */
export class CpuLatency {
  /** When to `release` it, on the clock of `nowMicros`; Infinity when it is not held. */
  releaseAt = Number.POSITIVE_INFINITY;
  readonly #wanted = new NativeBuffer(4);
  #fd = -1;

  constructor(micros: number) {
    this.#wanted.int32[0] = micros;
  }

  /** From now on, and for a while longer. */
  hold(nowMicros: number): void {
    const isHeld = this.releaseAt < Number.POSITIVE_INFINITY;
    this.releaseAt = nowMicros + holdMicros;
    if (isHeld) return;
    this.#fd = libc.open(device, writeOnly + closeOnExec, 0); // Without it everything works, only slower.
    if (this.#fd >= 0) libc.write(this.#fd, this.#wanted.address, 4);
  }

  release(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
    this.releaseAt = Number.POSITIVE_INFINITY;
  }
}

/** @returns why this process cannot ask for a latency, and what to try; undefined when it can. */
export function lacksCpuLatency(): { readonly message: string; readonly remedy: string } | undefined {
  try {
    closeSync(openSync(device, constants.O_WRONLY));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `no CPU latency can be asked for: ${device} cannot be opened for writing (${code})`;
    const remedy = "leave the CPU latency out, or run as root, on a kernel with CPU_IDLE";
    return { message, remedy };
  }
}
