import { formatSeconds } from "../observe/quantities.js";
import type { HomeFileStatus, HomeNodeStatus } from "../observe/status.js";
import { columns } from "./table.js";

/** A home's nodes, a line each below a heading; nothing when there are none. */
export function nodeTable(nodes: readonly HomeNodeStatus[]): string[] {
  if (nodes.length === 0) return [];
  const rows = nodes.map(({ node, name, address, state, files, tokens, lastHeardMillis }) => [
    String(node),
    name,
    address,
    state,
    String(files),
    String(tokens),
    `${formatSeconds(lastHeardMillis / 1000)} ago`,
  ]);
  return columns([["NODE", "NAME", "ADDRESS", "STATE", "FILES", "TOKENS", "HEARD"], ...rows], [0, 4, 5]);
}

/** The same of its open files. What says most of a file that is contended comes first: a narrow terminal cuts the rest. */
export function fileTable(files: readonly HomeFileStatus[]): string[] {
  if (files.length === 0) return [];
  const rows = files.map((file) => [
    file.name,
    ...[file.nodes, file.readers, file.writers, file.waiters, file.locks, file.locksWaiting].map(String),
    String(file.sizeBytes),
    String(file.segments),
    file.policy,
  ]);
  const head = [
    "NAME",
    "NODES",
    "READERS",
    "WRITERS",
    "WAITERS",
    "LOCKS",
    "LOCK WAITERS",
    "SIZE",
    "SEGMENTS",
    "POLICY",
  ];
  return columns([head, ...rows], [1, 2, 3, 4, 5, 6, 7, 8]);
}
