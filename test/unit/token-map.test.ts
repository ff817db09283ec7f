import assert from "node:assert/strict";
import { test } from "node:test";
import { barsOf } from "../../src/dashboard/page/token-map.js";
import type { FileTokensStatus, TokenSegment } from "../../src/observe/status.js";

function tokensOf(sizeBytes: number, segments: Omit<TokenSegment, "epoch" | "name">[]): FileTokensStatus {
  const named = segments.map((segment) => ({ ...segment, name: `node ${segment.node}`, epoch: 1 }));
  return {
    name: "file",
    sizeBytes,
    policy: "optimal",
    epoch: 1,
    waiters: 0,
    segments: named,
    segmentCount: named.length,
  };
}

test("a bar for each node, cut at the end of file", () => {
  const segments = [
    { node: 2, mode: "read", start: 0, end: 5 },
    { node: 1, mode: "write", start: 5, end: 1000 },
    { node: 3, mode: "write", start: 10, end: 1000 },
  ] as const;
  assert.deepEqual(barsOf(tokensOf(9 * 4096 + 1, [...segments]), 1000), [
    { node: 1, name: "node 1", pages: 5, pieces: [{ mode: "write", from: 0.5, to: 1 }] },
    { node: 2, name: "node 2", pages: 5, pieces: [{ mode: "read", from: 0, to: 0.5 }] },
  ]);
});

test("pieces that cannot be told apart are one, if they are of one kind", () => {
  const pages = 1000;
  const segments = Array.from({ length: pages / 2 }, (_, index) => ({
    node: 1,
    mode: index < 100 ? ("read" as const) : ("write" as const),
    start: index * 2,
    end: index * 2 + 1,
  }));
  const [bar] = barsOf(tokensOf(pages * 4096, segments), 100);
  assert.equal(bar.pages, pages / 2);
  assert.deepEqual(
    bar.pieces.map(({ mode }) => mode),
    ["read", "write"],
  );
  assert.equal(barsOf(tokensOf(pages * 4096, segments), pages * 10)[0].pieces.length, pages / 2);
});

test("an empty file, and one of which nobody holds anything", () => {
  assert.deepEqual(barsOf(tokensOf(0, [{ node: 1, mode: "write", start: 0, end: 10 }]), 10)[0].pieces, [
    { mode: "write", from: 0, to: 1 },
  ]);
  assert.deepEqual(barsOf(tokensOf(4096, []), 10), []);
});
