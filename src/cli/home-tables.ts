import { formatByteSize, formatSeconds } from "../observe/quantities.js";
import type { HomeFileStatus, HomeNodeStatus } from "../observe/status.js";
import { columns } from "./table.js";

/** A home's nodes, a line each below a heading; nothing when there are none. */
export function nodeTable(nodes: readonly HomeNodeStatus[]): string[] {
  if (nodes.length === 0) return [];
  return columns([nodeHead, ...nodes.map(nodeCells)], nodeNumbers);
}

/** The same, with what the home has done with each since it connected. */
export function countedNodeTable(nodes: readonly HomeNodeStatus[]): string[] {
  if (nodes.length === 0) return [];
  const head = ["ACQUIRES", "REVOKES", "REQUESTS", "RECALLS", "DATA OUT", "DATA IN"];
  const rows = nodes.map((node) => {
    const { acquires, revokes, requests, recalls, dataBytes, writeBytes } = node.counters;
    const counts = [acquires, revokes, requests, recalls].map(String);
    return [...nodeCells(node), ...counts, formatByteSize(dataBytes), formatByteSize(writeBytes)];
  });
  const numbers = [...nodeNumbers, ...head.map((_, index) => nodeHead.length + index)];
  return columns([[...nodeHead, ...head], ...rows], numbers);
}

const nodeHead = ["NODE", "NAME", "ADDRESS", "STATE", "FILES", "TOKENS", "HEARD"];
const nodeNumbers = [0, 4, 5];

function nodeCells({ node, name, address, state, files, tokens, lastHeardMillis }: HomeNodeStatus): string[] {
  const heard = `${formatSeconds(lastHeardMillis / 1000)} ago`;
  return [String(node), name, address, state, String(files), String(tokens), heard];
}

/** The same of its open files. What says most of a file that is contended comes first: a narrow terminal cuts the rest. */
export function fileTable(files: readonly HomeFileStatus[]): string[] {
  if (files.length === 0) return [];
  const rows = files.map((file) => [
    file.isRemoved ? `${file.name} (removed)` : file.name,
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
