const nap = new Int32Array(new SharedArrayBuffer(4));

/** Looks until the condition holds, on a thread that must not return to its event loop meanwhile. */
export function spinUntil(truth: string, condition: () => boolean, limitMillis = 20_000): void {
  const end = performance.now() + limitMillis;
  for (let looks = 1; !condition(); looks++) {
    if (looks % 16 !== 0) continue;
    if (performance.now() > end) throw new Error(`not within ${limitMillis} ms: ${truth}`);
    Atomics.wait(nap, 0, 0, 0.2);
  }
}

/** A barrier of `ranks` nodes in one word of a shared map: everybody goes on when the last has come. */
export function meet(words: Int32Array, index: number, ranks: number): void {
  const arrived = Atomics.add(words, index, 1);
  const all = (Math.floor(arrived / ranks) + 1) * ranks;
  spinUntil(`${ranks} nodes at the barrier: ${all} arrivals`, () => Atomics.load(words, index) >= all);
}
