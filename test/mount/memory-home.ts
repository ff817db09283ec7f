import { MemoryStore } from "../../src/store/memory-store.js";
import type { Store } from "../../src/store/store.js";

/** A home's store for files that no disk takes: of 2^53 - 1 bytes. */
export default function makeStore(): Store {
  return new MemoryStore();
}
