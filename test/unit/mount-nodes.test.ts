import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes } from "../../src/core/wire/attributes.js";
import { Nodes } from "../../src/fuse/nodes.js";

const root = 1;
const [folder, first, second] = [10, 11, 12];
const [inFirst, inSecond] = [
  { parent: folder, name: "first" },
  { parent: folder, name: "second" },
];

function thing(inode: number, kind: Attributes["kind"] = "file"): Attributes {
  return { inode, kind, born: [inode, 0] } as unknown as Attributes;
}

/** A folder with two files that the kernel knows. */
function newNodes(): Nodes {
  const nodes = new Nodes(root);
  nodes.remember(thing(folder, "folder"), root, "folder");
  nodes.remember(thing(first), folder, "first");
  nodes.remember(thing(second), folder, "second");
  return nodes;
}

for (const isKnown of [true, false]) {
  const how = isKnown ? "by what leads there" : "by a look at all";
  const inodeIf = (inode: number) => (isKnown ? inode : undefined);

  test(`what has moved is found where it is now, ${how}`, () => {
    const nodes = newNodes();
    nodes.moved({ ...inFirst, inode: inodeIf(first) }, { parent: root, name: "moved", inode: undefined }, false);
    assert.deepEqual([nodes.pathOf(first), nodes.pathOf(second)], ["moved", "folder/second"]);
    nodes.moved(
      { parent: root, name: "folder", inode: inodeIf(folder) },
      { parent: root, name: "new", inode: undefined },
      false,
    );
    assert.deepEqual([nodes.pathOf(first), nodes.pathOf(second)], ["moved", "new/second"]);
  });

  test(`what has changed places is found where it is now, ${how}`, () => {
    const nodes = newNodes();
    nodes.moved({ ...inFirst, inode: inodeIf(first) }, { ...inSecond, inode: inodeIf(second) }, true);
    assert.deepEqual([nodes.pathOf(first), nodes.pathOf(second)], ["folder/second", "folder/first"]);
  });
}

test("one of two names of a file that is moved is not where it was seen last", () => {
  const nodes = newNodes();
  nodes.remember(thing(first), root, "link");
  nodes.moved({ ...inFirst, inode: first }, { parent: root, name: "moved", inode: undefined }, false);
  assert.equal(nodes.pathOf(first), "link");
});
