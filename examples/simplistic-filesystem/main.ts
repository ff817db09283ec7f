import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The RFC's "simplistic" distributed filesystem: a file is cached on one node at a time, all of it or nothing, and only
 * the no-page hook is needed. This process is the lock server; two node processes count in the same file.
 */
const sizeBytes = 16 * 4096;
const folder = mkdtempSync(join(tmpdir(), "simplistic-"));
const path = join(folder, "disk");
writeFileSync(path, new Uint8Array(sizeBytes));

const nodes = [1, 2].map(() => fork(new URL("./node.js", import.meta.url), [path, String(sizeBytes)]));
const queue: ChildProcess[] = [];
let holder: ChildProcess | undefined;
let revoking = false;
let handOvers = 0;
const answered = new Map<ChildProcess, (total: number) => void>();

function pump(): void {
  if (holder === undefined && queue.length > 0) {
    holder = queue.shift();
    holder?.send("grant");
    handOvers++;
  }
  if (holder !== undefined && queue.length > 0 && !revoking) revoking = holder.send("revoke");
}

for (const node of nodes) {
  node.on("message", (message) => {
    if (typeof message === "object") answered.get(node)?.((message as { total: number }).total);
    if (message === "want") queue.push(node);
    if (message === "release") {
      holder = undefined;
      revoking = false;
    }
    pump();
  });
}

function ask(node: ChildProcess, order: "count" | "read"): Promise<number> {
  node.send(order);
  return new Promise((resolve) => answered.set(node, resolve));
}

await Promise.all(nodes.map((node) => ask(node, "read"))); // Both are up, and the file has been on both.
const counting = performance.now();
await Promise.all(nodes.map((node) => ask(node, "count")));
const millis = performance.now() - counting;
const totals = [await ask(nodes[0], "read"), await ask(nodes[1], "read")];
await Promise.all(nodes.map((node) => (node.send("stop"), once(node, "exit"))));

const onDisk = new Int32Array(readFileSync(path).buffer).reduce((sum, word) => sum + word, 0);
rmSync(folder, { recursive: true });
console.log(`2 nodes × 2000000 increments: ${totals.join(" and ")} seen by the nodes, ${onDisk} on disk`);
console.log(`${handOvers} hand-overs of the file, ${millis.toFixed(0)} ms`);
process.exitCode = [...totals, onDisk].every((total) => total === 4_000_000) ? 0 : 1;
