import type { DmmapError } from "../core/error.js";
import type { ByteOffset, PageIndex, Policy } from "../core/units.js";
import type { PageMemory } from "../mapping/page-memory.js";
import type { NodeFile } from "./node-file.js";

export interface NodeFileOptions {
  readonly name: string;
  readonly number: number;
  readonly policy: Policy;
  readonly sizeBytes: ByteOffset;
  /** As of PageCacheOptions. */
  readonly memory?: PageMemory | undefined;
}

/** What a file tells whoever runs the pager. */
export interface NodeFileSink {
  /** Look at `tokens.deadline` again. */
  onDeadline(deadline: number): void;
  /** A pin or prefetch has what it asked for. */
  onPinned(pin: number): void;
  /** The home cannot read a page that the pin waits for. */
  onPinFailed(pin: number, error: DmmapError): void;
  /** Stores to these pages cannot be kept. */
  onLost(start: PageIndex, end: PageIndex, why: string): void;
  onResize(file: NodeFile): void;
  /** The home is to hear of the size before it is asked anything. */
  onGrew(file: NodeFile): void;
  /** A number for a pin of the file's own. */
  nextPin(): number;
}
