import assert from "node:assert/strict";
import { test } from "node:test";
import { DmmapError } from "../../src/core/error.js";
import type { AttributeChanges, Attributes } from "../../src/core/wire/attributes.js";
import { AttributesBehind } from "../../src/fuse/attributes-behind.js";

const made: Attributes = {
  inode: 5,
  kind: "file",
  mode: 0o600,
  links: 1,
  uid: 1,
  gid: 1,
  device: 0,
  size: 0,
  blocks: 0,
  atime: [1, 0],
  mtime: [1, 0],
  ctime: [1, 0],
  born: [1, 0],
  xattrs: false,
};

/** A file that has been made in term 1, and a home that is asked and answers when the test says so. */
function start() {
  const asked: { changes: AttributeChanges; isClaim: boolean; end: (error?: unknown) => void }[] = [];
  const state = { term: 1 as number | undefined, outdated: 0 };
  const node = {
    setAttributes: (changes: AttributeChanges, isClaim: boolean, end: (error: unknown) => void) => {
      asked.push({ changes, isClaim, end });
    },
    onUntold: () => undefined,
    outdated: () => void state.outdated++,
  };
  const attributes = new AttributesBehind("a file", node, () => state.term);
  attributes.made(made);
  const confirmed: string[] = [];
  const confirm = (name: string) => () => void confirmed.push(name);
  return { attributes, asked, state, confirmed, confirm };
}

test("several changes are told as one, and confirmed with it", () => {
  const { attributes, asked, state, confirmed, confirm } = start();
  assert.equal(attributes.change({ uid: 1, gid: 1 })?.mode, 0o600);
  assert.equal(attributes.change({ mode: 0o644 })?.mode, 0o644);
  assert.deepEqual(attributes.change({ mtime: [7, 8] })?.mtime, [7, 8]);
  assert.equal(state.outdated, 3);
  assert.equal(asked.length, 0);
  attributes.tell();
  attributes.tell();
  attributes.whenConfirmed(confirm("all"));
  assert.deepEqual(
    asked.map(({ changes, isClaim }) => [changes, isClaim]),
    [[{ uid: 1, gid: 1, mode: 0o644, mtime: [7, 8] }, false]],
  );
  assert.deepEqual(confirmed, []);
  asked[0].end();
  assert.deepEqual(confirmed, ["all"]);
});

test("the home is asked for what it might refuse, for times of its clock, and for what others may have changed", () => {
  const { attributes, state } = start();
  assert.equal(attributes.change({ uid: 2 }), undefined);
  assert.equal(attributes.change({ gid: 2 }), undefined);
  assert.equal(attributes.change({ mode: 0o4755 }), undefined);
  assert.equal(attributes.change({ mtime: "now" }), undefined);
  assert.ok(attributes.change({}), "a change to nothing is one");
  attributes.answered({ ...made, mode: 0o4755 });
  assert.equal(attributes.change({ atime: [1, 1] }), undefined, "its owner's change ends that");
  attributes.answered({ ...made, uid: 2 });
  assert.ok(attributes.change({ uid: 2 }));
  state.term = undefined;
  assert.equal(attributes.change({ mode: 0o640 }), undefined);
  state.term = 2;
  assert.equal(attributes.change({ mode: 0o640 }), undefined, "left to it anew: others may have changed it");
  attributes.answered(made);
  assert.equal(attributes.change({ mode: 0o640 }), undefined);
});

test("what is not confirmed when the connection is lost is claimed, in order", () => {
  const { attributes, asked, confirmed, confirm } = start();
  attributes.change({ mode: 0o640 });
  attributes.tell();
  attributes.change({ mode: 0o644 });
  attributes.tell();
  attributes.change({ mtime: [3, 0] });
  asked[0].end();
  attributes.onDown();
  attributes.tell();
  assert.equal(asked.length, 2, "nothing is told ahead of the claims");
  attributes.claim(confirm("claimed"));
  const claims = asked.slice(2);
  assert.deepEqual(
    claims.map(({ changes, isClaim }) => [changes, isClaim]),
    [
      [{ mode: 0o644 }, true],
      [{ mtime: [3, 0] }, true],
    ],
  );
  for (const { end } of claims) end();
  assert.deepEqual(confirmed, ["claimed"]);
});

test("what is refused fails once; what is lost with the session, too", () => {
  const { attributes, asked, confirmed, confirm } = start();
  const failures = attributes.failures.listener();
  attributes.change({ mode: 0o640 });
  attributes.tell();
  attributes.whenConfirmed(confirm("refused"));
  asked[0].end(new DmmapError("DMMAP_NO_SPACE", "no room"));
  assert.deepEqual(confirmed, ["refused"]);
  assert.equal(attributes.change({ mode: 0o600 }), undefined);
  assert.deepEqual([failures.take(), failures.take(), attributes.failedErrno], [true, false, 28]);

  const other = start();
  other.attributes.change({ mode: 0o640 });
  other.attributes.lose();
  other.attributes.whenConfirmed(other.confirm("lost"));
  assert.deepEqual(other.confirmed, ["lost"]);
  assert.deepEqual([other.attributes.failures.count, other.attributes.failedErrno], [1, 5]);
});

test("a change of the mode is answered with as many links as there are; the home is asked where that is not known", () => {
  const { attributes } = start();
  attributes.relinked(2);
  assert.equal(attributes.change({ mode: 0o640 })?.links, 2);
  attributes.relinked(undefined);
  assert.equal(attributes.change({ mode: 0o600 }), undefined);
});
