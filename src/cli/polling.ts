import { parseMicros } from "./duration.js";

/** Of verbs that serve. */
export const pollingOptions = {
  spin: {
    type: "string",
    value: "MICROS",
    description: "poll so long before sleeping, while that pays (default 100; 0: never)",
  },
  "cpu-latency": {
    type: "string",
    value: "MICROS",
    description: "while that pays, have idle processors wake up within so long; 0: they poll",
  },
} as const;

interface Given {
  readonly spin?: string | undefined;
  readonly "cpu-latency"?: string | undefined;
}

export function parsePolling({ spin, "cpu-latency": cpuLatency }: Given): {
  spinMicros?: number;
  cpuLatencyMicros?: number;
} {
  return {
    ...(spin === undefined ? {} : { spinMicros: parseMicros(spin, "--spin") }),
    ...(cpuLatency === undefined ? {} : { cpuLatencyMicros: parseMicros(cpuLatency, "--cpu-latency") }),
  };
}
