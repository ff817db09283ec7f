import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { test } from "node:test";
import { FileStore } from "../../src/store/file-store.js";
import { type AccessList, accessList, setAccessList } from "../support/access-list.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { makeFile, own } from "./describe-tree.js";

const isRoot = process.geteuid?.() === 0;

test("of what has an access list a mode is told that gives nobody more than the list, and its mask stays", () => {
  using folder = temporaryFolder();
  const store = new FileStore(folder.path);
  const { tree } = store;
  for (const [name, list, told] of [
    [
      "plain",
      [
        ["owner", 6],
        ["group", 4],
        ["others", 4],
      ],
      0o644,
    ],
    [
      "mask-is-no-group",
      [
        ["owner", 6],
        ["user", 6, 1001],
        ["group", 0],
        ["mask", 6],
        ["others", 0],
      ],
      0o600,
    ],
    [
      "group-by-mask",
      [
        ["owner", 6],
        ["group", 7],
        ["mask", 4],
        ["others", 4],
      ],
      0o644,
    ],
    [
      "user-denied",
      [
        ["owner", 6],
        ["user", 0, 1001],
        ["group", 4],
        ["mask", 4],
        ["others", 4],
      ],
      0o600,
    ],
    [
      "group-denied",
      [
        ["owner", 6],
        ["group", 4],
        ["namedGroup", 0, 2001],
        ["mask", 4],
        ["others", 4],
      ],
      0o640,
    ],
    [
      "masked",
      [
        ["owner", 7],
        ["user", 7, 1001],
        ["group", 7],
        ["mask", 4],
        ["others", 6],
      ],
      0o744,
    ],
    [
      "all-but-writing",
      [
        ["owner", 6],
        ["user", 4, 1001],
        ["group", 6],
        ["mask", 6],
        ["others", 6],
      ],
      0o644,
    ],
  ] as [string, AccessList, number][]) {
    const { inode } = makeFile(tree, tree.root, name);
    setAccessList(folder.at(name), list);
    const { mode } = fs.statSync(folder.at(name));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30); // From now on what is found is kept.
    const { file, attributes } = tree.openInode(inode);
    const seen = [attributes, tree.attributes(inode), tree.lookup(tree.root, name)];
    seen.push(tree.readdir(tree.root, "").entries.find((entry) => entry.name === name)?.attributes);
    file.close();
    seen.push(tree.attributes(inode), tree.setAttributes(inode, { mtime: [7, 0] }));
    assert.deepEqual(
      seen.map((each) => each?.mode.toString(8)),
      seen.map(() => told.toString(8)),
      name,
    );
    assert.ok(
      seen.every((each) => each?.xattrs === false),
      `${name}: the list is not shown`,
    );
    assert.equal(fs.statSync(folder.at(name)).mode, mode, `${name}: the disk's is as it was`);
    assert.equal(tree.storedMode(inode), mode % 0o10000);
    setAccessList(folder.at(name), [
      ["owner", 6],
      ["group", 0],
      ["mask", 6],
      ["others", 0],
    ]);
    assert.equal(tree.attributes(inode).mode, 0o600, `${name}: another list`);
  }
  store.close();
});

test("what is made where a default list is gets that list, and is told by it", () => {
  using folder = temporaryFolder();
  const store = new FileStore(folder.path);
  const { tree } = store;
  const sub = tree.mkdir(tree.root, "sub", own).inode;
  const list: AccessList = [
    ["owner", 7],
    ["user", 0, 1001],
    ["group", 7],
    ["mask", 7],
    ["others", 7],
  ];
  setAccessList(folder.at("sub"), list, "default");
  const made = makeFile(tree, sub, "file", 0o666);
  assert.equal(made.mode.toString(8), "600");
  assert.equal(tree.mkdir(sub, "folder", own).mode.toString(8), "700");
  assert.equal(tree.link(made.inode, sub, "link").mode.toString(8), "600");
  assert.equal(tree.setAttributes(made.inode, { mode: 0o664 }).mode.toString(8), "600");
  assert.equal(fs.statSync(folder.at("sub/file")).mode % 0o1000, 0o664);
  store.close();
});

test("what is made has no more than a default list leaves of what its maker asks for, as on the disk", () => {
  using folder = temporaryFolder();
  const store = new FileStore(folder.path);
  const { tree } = store;
  const umask = process.umask(0);
  try {
    for (const [owner, group, mask, others] of [
      [7, 0, undefined, 0],
      [7, 7, 5, 0],
      [6, 4, 6, 1],
      [5, 7, 7, 7],
    ] as [number, number, number | undefined, number][]) {
      const name = `${owner}${group}${mask ?? ""}${others}`;
      const parent = tree.mkdir(tree.root, name, own).inode;
      fs.mkdirSync(folder.at(`disk ${name}`));
      const list: AccessList = [
        ["owner", owner],
        ...(mask === undefined ? [] : ([["user", 6, 1001]] as AccessList)),
        ["group", group],
        ...(mask === undefined ? [] : ([["mask", mask]] as AccessList)),
        ["others", others],
      ];
      for (const path of [name, `disk ${name}`]) setAccessList(folder.at(path), list, "default");
      for (const mode of [0o600, 0o644, 0o666, 0o777, 0o420, 0o2755, 0o1777]) {
        const made = [`file ${mode}`, `folder ${mode}`];
        const paths = made.map((each) => folder.at(`disk ${name}/${each}`));
        makeFile(tree, parent, made[0], mode);
        fs.closeSync(fs.openSync(paths[0], "wx", mode));
        tree.mkdir(parent, made[1], { ...own, mode: mode & 0o1777 }); // As mkdir(2) has it.
        fs.mkdirSync(paths[1], mode);
        for (const [index, path] of paths.entries()) {
          const [here, there] = [folder.at(`${name}/${made[index]}`), path];
          assert.equal(fs.statSync(here).mode.toString(8), fs.statSync(there).mode.toString(8), here);
          assert.deepEqual(accessList(here), accessList(there), here);
        }
      }
    }
  } finally {
    process.umask(umask);
    store.close();
  }
});

test("whatever the list, whoever asks: the mode that is told allows nothing that the disk denies", {
  skip: !isRoot,
}, () => {
  using folder = temporaryFolder();
  fs.chmodSync(folder.path, 0o755);
  const store = new FileStore(folder.path);
  const { tree } = store;
  let state = 1;
  const random = (below: number) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  const files: { name: string; mode: number }[] = [];
  for (let count = 0; count < 300; count++) {
    const name = `file-${count}`;
    makeFile(tree, tree.root, name);
    fs.chownSync(folder.at(name), 1000, 2000);
    const named = (tag: "user" | "namedGroup", ids: number[]): AccessList =>
      ids.filter(() => random(2) === 0).map((id) => [tag, random(8), id]);
    const list: AccessList = [
      ["owner", 6],
      ...named("user", [1001, 1002]),
      ["group", random(8)],
      ...named("namedGroup", [2001, 2002]),
      ["mask", random(8)],
      ["others", random(8)],
    ];
    setAccessList(folder.at(name), list);
    files.push({ name, mode: tree.lookup(tree.root, name)?.mode ?? 0 });
  }
  const groupSets = [[2000], [2001], [3000, 2001], [2000, 2001], [2001, 2002], [3000]];
  const who = [1001, 1002, 1003].flatMap((uid) => groupSets.map((groups) => ({ uid, groups })));
  const { status, stdout, stderr } = spawnSync(
    "python3",
    ["-c", asking, folder.path, JSON.stringify(who), String(files.length)],
    {
      encoding: "utf8",
      timeout: 60_000,
    },
  );
  assert.equal(status, 0, stderr);
  const rights: number[][] = JSON.parse(stdout);
  let given = 0;
  for (const [index, { uid, groups }] of who.entries()) {
    for (const [count, { name, mode }] of files.entries()) {
      const told = groups.includes(2000) ? (mode >> 3) & 7 : mode & 7;
      assert.equal(told & ~rights[index][count], 0, `${name}, ${mode.toString(8)}, for ${uid} of ${groups.join()}`);
      if (told !== 0) given++;
    }
  }
  assert.ok(given > 500, `and it allows something: ${given}`);
  store.close();
});

/** What each of those may do with each file, by the kernel's word. */
const asking = `
import json, os, sys
folder, who, count = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
answers = []
for each in who:
    r, w = os.pipe()
    if os.fork() == 0:
        os.setgroups(each["groups"])
        os.setresgid(*[each["groups"][0]] * 3)
        os.setresuid(*[each["uid"]] * 3)
        may = [sum(bit for bit in (4, 2, 1) if os.access(f"{folder}/file-{n}", bit)) for n in range(count)]
        os.write(w, json.dumps(may).encode())
        os._exit(0)
    os.close(w)
    answers.append(json.load(os.fdopen(r)))
print(json.dumps(answers))
`;
