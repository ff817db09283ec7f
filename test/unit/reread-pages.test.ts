import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenRanges } from "../../src/core/token-ranges.js";
import { Mode } from "../../src/core/units.js";
import { KernelPages } from "../../src/fuse/kernel-pages.js";
import { RereadPages } from "../../src/fuse/reread-pages.js";

const [writer, reader] = [11, 12];

/** Told to drop these, the kernel does so at once. */
function drop(pages: RereadPages, start: number, end: number): void {
  pages.recalled(start, end);
  pages.dropped(start, end);
}

test("what another thread has read anew since it was dropped may lack what is being written", () => {
  const pages = new RereadPages();
  pages.given(0, 8, reader);
  assert.equal(pages.mayLack(0, 8, writer), false, "it has not been dropped");
  drop(pages, 2, 4);
  assert.equal(pages.mayLack(0, 8, writer), false, "the kernel does not have it");
  pages.given(3, 6, reader);
  assert.equal(pages.mayLack(3, 4, writer), true);
  assert.equal(pages.mayLack(0, 3, writer), false, "nobody has read that");
  assert.equal(pages.mayLack(4, 8, writer), false, "that had not been dropped");
  drop(pages, 3, 4);
  assert.equal(pages.mayLack(3, 4, writer), false, "dropped once more");
});

test("what was read while the kernel was told to drop it may have been read after the drop", () => {
  const pages = new RereadPages();
  pages.recalled(0, 4);
  pages.given(1, 2, reader);
  assert.equal(pages.mayLack(1, 2, writer), true, "the kernel has not said yet when it dropped it");
  pages.dropped(0, 4);
  assert.equal(pages.mayLack(1, 2, writer), true);
  drop(pages, 1, 2);
  assert.equal(pages.mayLack(1, 2, writer), false);
});

test("what the writer has read itself lacks nothing, but what it copies from as it writes", () => {
  const pages = new RereadPages();
  drop(pages, 0, 4);
  pages.given(0, 2, writer);
  assert.equal(pages.mayLack(1, 2, writer), false);
  assert.equal(pages.mayLack(0, 2, writer), true, "it may have read the first page in order to write the second");
  pages.given(1, 2, 0);
  assert.equal(pages.mayLack(1, 2, writer), true, "nobody knows who has read that");
});

test("who reads what has come here lacks nothing of it", () => {
  const pages = new RereadPages();
  drop(pages, 0, 4);
  pages.taken(1, 2);
  pages.given(0, 4, reader);
  assert.equal(pages.mayLack(1, 2, writer), false);
  assert.equal(pages.mayLack(0, 1, writer), true);
  assert.equal(pages.mayLack(2, 4, writer), true);
  pages.taken(0, 0);
  pages.given(1, 2, reader);
  assert.equal(pages.mayLack(1, 2, writer), true, "by the next write");
});

test("what the kernel may drop by itself counts as told, and forgets nothing of what it was told", () => {
  const pages = new RereadPages();
  pages.recalled(0, 2);
  pages.given(1, 2, reader);
  pages.mayDrop(1, 4);
  pages.dropped(0, 2);
  assert.equal(pages.mayLack(1, 2, writer), true);
  pages.given(3, 4, reader);
  assert.equal(pages.mayLack(3, 4, writer), true);
});

test("a write that is answered ends it: the next one begins after that", () => {
  const pages = new RereadPages();
  drop(pages, 0, 4);
  pages.given(0, 4, reader);
  const recalled = new TokenRanges();
  pages.clear(recalled);
  assert.equal(pages.mayLack(0, 4, writer), false);
  pages.given(0, 4, reader);
  assert.equal(pages.mayLack(0, 4, writer), false);

  pages.recalled(1, 2);
  recalled.set(1, 2, Mode.read, 1);
  pages.given(1, 2, reader);
  pages.clear(recalled);
  assert.equal(pages.mayLack(1, 2, writer), false);
  pages.given(1, 2, reader);
  assert.equal(pages.mayLack(1, 2, writer), true, "the kernel may drop it at any time, still");
});

test("a file of which single pages are dropped everywhere takes no more room, and nothing is missed", () => {
  const pages = new RereadPages();
  for (let page = 0; page < 2000; page += 2) drop(pages, page, page + 1);
  pages.given(1000, 1001, reader);
  assert.equal(pages.mayLack(1000, 1001, writer), true);
});

test("what the kernel is given to read while it drops may lack something; what is written to it does not", () => {
  const recalls: number[] = [];
  const pages = new KernelPages((_start, _end, id) => recalls.push(id));
  pages.give(0, 1);
  pages.recall(0, 1);
  pages.giveRead(0, 1, reader);
  pages.onDropped(recalls[0]);
  assert.equal(pages.reread.mayLack(0, 1, writer), true);
  pages.onWritten();

  pages.recall(0, 1);
  pages.give(0, 1);
  pages.onDropped(recalls[1]);
  assert.equal(pages.reread.mayLack(0, 1, writer), false);
  assert.equal(pages.has(0, 1), true);
});
