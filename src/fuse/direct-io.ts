/**
 * When programs read and write a file past the kernel's cache that they have opened for both. In the cache a page takes a write
 * token even to be read, since a store to a map of it asks nobody (R14): hosts that mostly read what all of them may write take
 * it from each other. Past the cache each read is a request, under a token that many may have. `auto`: where other hosts use
 * the file at the same time.
 */
export type DirectIo = "auto" | "always" | "never";
export const directIoChoices: readonly DirectIo[] = ["auto", "always", "never"];

/** Undefined for what is none. */
export function asDirectIo(text: string): DirectIo | undefined {
  return directIoChoices.find((choice) => choice === text);
}
