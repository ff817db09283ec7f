import { openSync, readSync, writeSync } from "node:fs";
import type { Fault, HookMapping, WrittenRange } from "../../src/mapping/index.js";

/** The filesystem's part on the pager's thread: the no-page hook, and where written pages go. */
interface Node {
  readonly disk: number;
  /** The file is this node's: nobody else has a page of it. */
  holds: boolean;
  readonly waiting: Fault[];
}

export function start(mapping: HookMapping): void {
  mapping.state = { disk: openSync(mapping.data as string, "r+"), holds: false, waiting: [] } satisfies Node;
}

export function noPage(fault: Fault): void {
  const node = fault.mapping.state as Node;
  if (node.holds) fill(node, fault);
  else if (node.waiting.push(fault) === 1) fault.mapping.post("want");
}

export function writePages(range: WrittenRange, bytes: Uint8Array): void {
  writeSync((range.mapping.state as Node).disk, bytes, 0, bytes.length, range.offset);
}

export function onMessage(mapping: HookMapping, message: unknown): void {
  const node = mapping.state as Node;
  node.holds = message === "grant";
  if (node.holds) for (const fault of node.waiting.splice(0)) fill(node, fault);
}

/** "write": one node at a time holds the file, so nobody minds its stores, and no wp-page hook is needed. */
function fill(node: Node, fault: Fault): void {
  const page = new Uint8Array(4096);
  readSync(node.disk, page, 0, page.length, fault.offset);
  fault.fill(page, "write");
}
