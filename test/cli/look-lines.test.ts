import assert from "node:assert/strict";
import { test } from "node:test";
import { lookLines } from "../../src/cli/look-lines.js";
import { columns } from "../../src/cli/table.js";
import {
  type HomeFileStatus,
  type HomeNodeStatus,
  type HomeStatus,
  newHomeCounters,
  newHomeNodeCounters,
} from "../../src/observe/status.js";

const at = "2026-01-01T00:00:00.000Z";

function homeStatus(given: Partial<HomeStatus>): HomeStatus {
  return {
    boot: "boot",
    pid: 1,
    url: "dmmap://127.0.0.1:7400",
    store: "/srv/shared",
    leaseMillis: 10_000,
    uptimeMillis: 61_000,
    memory: { residentBytes: 2 ** 20, heapBytes: 0 },
    refusedBytes: 0,
    counters: newHomeCounters(),
    files: [],
    openFiles: given.files?.length ?? 0,
    nodes: [],
    nodeCount: given.nodes?.length ?? 0,
    fencings: [],
    ...given,
  };
}

function fileStatus(name: string, given: Partial<HomeFileStatus> = {}): HomeFileStatus {
  const none = { nodes: 1, segments: 1, readers: 0, writers: 0, waiters: 0, locks: 0, locksWaiting: 0 };
  return { name, isRemoved: false, sizeBytes: 4096, policy: "optimal", ...none, ...given };
}

function nodeStatus(node: number, name: string): HomeNodeStatus {
  const none = { files: 0, tokens: 0, lastHeardMillis: 0, streamPages: 0, counters: newHomeNodeCounters() };
  return { node, name, address: "127.0.0.1:40000", state: "connected", ...none };
}

/** The first words of the lines below the title. */
function listed(lines: readonly string[], title: RegExp): string[] {
  const start = lines.findIndex((line) => title.test(line));
  return lines.slice(start + 2).map((line) => line.trim().split(/\s+/)[0]);
}

test("the head says what home it is, and what it does per second", () => {
  const status = homeStatus({ files: [fileStatus("a")], nodes: [nodeStatus(1, "one")] });
  const rates = { ...newHomeCounters(), grants: 1234.4, locks: 0.25, dataBytes: 3 * 2 ** 20, writeBytes: 512 };
  const [head, title, names, values] = lookLines({ at, status, rates });
  assert.equal(
    head,
    "dmmap://127.0.0.1:7400  /srv/shared  up 1 min 1 s  memory 1.0 MiB  nodes 1  open files 1  lease 10 s",
  );
  assert.equal(title, "Per second");
  assert.deepEqual(names.trim().split(/ {2,}/), [
    ...["GRANTS", "UPGRADES", "REVOKES", "LOCKS", "REQUESTS", "SYNCS", "RECALLS", "DATA OUT", "DATA IN"],
  ]);
  assert.deepEqual(values.trim().split(/ {2,}/), ["1234", "0", "0", "0.3", "0", "0", "0", "3.0 MiB", "512 B"]);
  const first = lookLines({ at, status, rates: null });
  assert.match(first[3], /^( +-){9}$/);
});

test("what should alarm is there only when there is some", () => {
  const calm = lookLines({ at, status: homeStatus({}), rates: null });
  assert.ok(!calm.some((line) => line.includes("Alarm")));
  const counters = { ...newHomeCounters(), fenced: 2, syncsFailed: 0, protocolErrors: 1 };
  const lines = lookLines({ at, status: homeStatus({ counters, refusedBytes: 4096 }), rates: null });
  assert.equal(lines[1], "Alarm:  nodes fenced 2  protocol errors 1  disk refuses 4.0 KiB");
});

test("the busiest file comes first: acquires in line, then locks, then nodes with tokens, then its name", () => {
  const files = [
    fileStatus("idle-b"),
    fileStatus("idle-a"),
    fileStatus("held", { writers: 1, readers: 2 }),
    fileStatus("held-less", { readers: 2 }),
    fileStatus("locked", { locksWaiting: 1 }),
    fileStatus("waited-for", { waiters: 1 }),
  ];
  const lines = lookLines({ at, status: homeStatus({ files }), rates: null });
  const names = ["waited-for", "locked", "held", "held-less", "idle-a", "idle-b"];
  assert.deepEqual(listed(lines, /^Open files: 6, busiest first$/), names);
});

test("no more lines than the screen has, none wider, and what is left out is counted", () => {
  const files = Array.from({ length: 30 }, (_, index) => fileStatus(`folder/${"x".repeat(index * 4)}/${index}`));
  const nodes = Array.from({ length: 20 }, (_, index) => nodeStatus(index, `node-${"n".repeat(60)}-${index}`));
  const status = homeStatus({ files, nodes, openFiles: 2000, store: "/a-long-path".repeat(20) });
  for (let rows = 1; rows <= 70; rows++) {
    for (const width of [1, 20, 80, 200]) {
      const lines = lookLines({ at, status, rates: newHomeCounters() }, { rows, columns: width });
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
      assert.ok(lines.every((line) => line.length <= width));
    }
  }
  const size = { rows: 24, columns: 80 };
  const lines = lookLines({ at, status, rates: newHomeCounters() }, size);
  assert.equal(lines.length, size.rows);
  const [, nodesOut] = /^Nodes: 20, (\d+) left out$/m.exec(lines.join("\n")) ?? [];
  const [, filesOut] = /^Open files: 2000, busiest first, (\d+) left out$/m.exec(lines.join("\n")) ?? [];
  const nodesShown = lines.filter((line) => line.includes("connected")).length;
  const filesShown = listed(lines, /^Open files/).length;
  assert.deepEqual([20 - Number(nodesOut), 2000 - Number(filesOut)], [nodesShown, filesShown]);
  // Long names give way to the numbers behind them.
  assert.match(lines.join("\n"), / {2}…n+-\d+ +127\.0\.0\.1:40000 +connected +0 +0 +0\.0 s ago/);
  assert.match(lines.join("\n"), /^ {2}…x+\/\d+ +1 +0 +0 +0 +0 +0/m);
});

test("the nodes take the room that files leave, and files that of the nodes", () => {
  const many = Array.from({ length: 30 }, (_, index) => nodeStatus(index, "n"));
  const size = { rows: 30, columns: 120 };
  const crowd = lookLines({ at, status: homeStatus({ nodes: many, files: [fileStatus("a")] }), rates: null }, size);
  assert.deepEqual([crowd.length, listed(crowd, /^Open files/)], [30, ["a"]]);
  const files = Array.from({ length: 100 }, (_, index) => fileStatus(`f${index}`));
  const full = lookLines({ at, status: homeStatus({ nodes: [nodeStatus(1, "n")], files }), rates: null }, size);
  assert.equal(full.length, 30);
  assert.ok(full.includes("Nodes: 1"));
});

test("what a terminal would obey is spelled out: names come from other machines", () => {
  const evil = "a\u001b[2Jb\r\n\u009bc\u202ed";
  const status = homeStatus({ files: [fileStatus(evil)], nodes: [nodeStatus(1, evil)], store: evil });
  for (const size of [undefined, { rows: 24, columns: 200 }, { rows: 24, columns: 80 }]) {
    const text = lookLines({ at, status, rates: null }, size).join("");
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
  }
  assert.ok(lookLines({ at, status, rates: null })[0].includes("a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}c\\u{202e}d"));
  assert.deepEqual(columns([["\u001b[31m", "x"]]), ["\\u{1b}[31m  x"]);
});
