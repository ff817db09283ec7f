/** The memory between a Toucher and its worker: these Int32 cells, then one Float64, the address. */
export const Cell = { asked: 0, done: 1, operation: 2, value: 3, result: 4 } as const;
export const operandAt = 32;
export const cellBytes = 40;

/**
 * `write` is a write(2) of the byte into a file: the kernel touches the page on the thread's behalf. `unmap` is
 * a madvise(MADV_DONTNEED) of the page.
 */
export const Operation = { load: 0, store: 1, write: 2, unmap: 3 } as const;
