/** How much work one sample is. `--quick` takes little: enough to see that it runs, not to judge. */
export interface Scale {
  readonly faults: number;
  readonly scanBytes: number;
  readonly touchBytes: number;
  readonly pingPongMillis: number;
}

export const fullScale: Scale = {
  faults: 4000,
  scanBytes: 256 * 1024 * 1024,
  touchBytes: 64 * 1024 * 1024,
  pingPongMillis: 2000,
};

export const quickScale: Scale = {
  faults: 500,
  scanBytes: 32 * 1024 * 1024,
  touchBytes: 16 * 1024 * 1024,
  pingPongMillis: 300,
};

/** One figure, measured twice in every round: by dmmap, and by the reference beside it. */
export interface Benchmark {
  readonly name: string;
  readonly unit: string;
  /** What the reference is, in a few words. */
  readonly reference: string;
  /** What the ratio dmmap : reference is expected to be. Printed, never judged. */
  readonly target: string;
  /** Samples of dmmap that nobody counts, for V8 to compile what pager and home run. */
  readonly warmUps: number;
  open(scale: Scale): Promise<Contest>;
}

export interface Contest {
  dmmap(): Promise<number>;
  reference(): Promise<number>;
  /** What else was seen, as lines for people. */
  notes?(): string[];
  close(): Promise<void>;
}
