import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Attributes, MoveFlags } from "../../src/core/wire/attributes.js";
import { FileStore } from "../../src/store/file-store.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import type { Tree } from "../../src/store/tree.js";
import { walkPath } from "../../src/store/tree-path.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { namesOf, own } from "./describe-tree.js";

const path = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const step = fc.oneof(
  fc.record({ verb: fc.constantFrom("mkdir", "mkdir", "create", "symlink", "fifo", "unlink", "rmdir", "list"), path }),
  fc.record({ verb: fc.constant("link"), path, to: path }),
  fc.record({ verb: fc.constant("move"), path, to: path, flags: fc.constantFrom("replace", "noReplace", "exchange") }),
);
type Step = { verb: string; path: string; to?: string; flags?: string };

/** So that most steps find something to act upon. */
const beginning: Step[] = ["a", "b", "a/a", "a/b"].map((folder) => ({ verb: "mkdir", path: folder }));

/** What a tree answers, in words that do not depend on its inodes and times. */
function answer(tree: Tree, run: Step): string {
  try {
    return act(tree, run);
  } catch (error) {
    const { errno } = error as { errno?: number };
    if (errno === undefined) throw error;
    return `errno ${errno}`;
  }
}

function act(tree: Tree, { verb, path: at, to = "", flags }: Step): string {
  const { parent, name, attributes, missing } = walkPath(tree, at, { followLast: false });
  if (missing.length > 0) return "no folder";
  if (verb === "mkdir") return words(tree.mkdir(parent, name, own));
  if (verb === "create") {
    const { file, attributes: made, created } = tree.create(parent, name, own);
    file.close();
    return `${words(made)} ${created}`;
  }
  if (verb === "symlink") return words(tree.symlink(parent, name, "a/b", own));
  if (verb === "fifo") return words(tree.mknod(parent, name, "fifo", 0, own));
  if (verb === "unlink") return String(tree.unlink(parent, name));
  if (verb === "rmdir") return String(tree.rmdir(parent, name));
  if (attributes === undefined) return "nothing";
  if (verb === "list") return namesOf(tree, attributes.inode, 1).join();
  const target = walkPath(tree, to, { followLast: false });
  if (target.missing.length > 0) return "no folder";
  if (verb === "link") return words(tree.link(attributes.inode, target.parent, target.name));
  return String(tree.move(parent, name, target.parent, target.name, flags as MoveFlags));
}

function words({ kind, mode, links }: Attributes): string {
  return `${kind} ${mode} ${links}`;
}

/** All that is there, by path, and the path that each inode says it has leads to it. */
function picture(tree: Tree, folder = tree.root, start = ""): string[] {
  const lines: string[] = [];
  for (const { name, attributes } of tree.readdir(folder, "").entries) {
    const own = walkPath(tree, tree.pathOf(attributes.inode), { followLast: false }).attributes;
    assert.equal(own?.inode, attributes.inode, `the path of ${start}${name}`);
    lines.push(`${start}${name} ${words(attributes)}`);
    if (attributes.kind === "folder") lines.push(...picture(tree, attributes.inode, `${start}${name}/`));
  }
  return lines;
}

test("the tree on disk and the one in memory answer everything alike", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), (steps) => {
      using folder = temporaryFolder();
      const [disk, memory] = [new FileStore(folder.path), new MemoryStore()];
      try {
        for (const each of [...beginning, ...steps]) {
          assert.equal(answer(disk.tree, each), answer(memory.tree, each), JSON.stringify(each));
        }
        assert.deepEqual(picture(disk.tree), picture(memory.tree));
      } finally {
        disk.close();
        memory.close();
      }
    }),
    { numRuns: 60 },
  );
});
