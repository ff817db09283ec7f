import assert from "node:assert/strict";
import { test } from "node:test";
import { ResizeQueue } from "../../src/core/home/resize-queue.js";
import { pageBytes } from "../../src/core/units.js";

/** A queue, and what it told its port, in order. */
function queueOf(sizeBytes: number): { queue: ResizeQueue; told: string[]; start: (...nodes: number[]) => void } {
  const told: string[] = [];
  let epoch = 0;
  const queue = new ResizeQueue(
    {
      grant: () => undefined,
      revoke: () => undefined,
      setSize: (size) => {
        if (size > 100 * pageBytes) throw new Error("no space");
        told.push(`set ${size / pageBytes}`);
      },
      resize: (node, size, at) => told.push(`resize ${node} to ${size / pageBytes} @${at}`),
      truncated: (node, request, error) =>
        told.push(`${error === undefined ? "truncated" : "refused"} ${node} ${request}`),
    },
    sizeBytes,
  );
  return { queue, told, start: (...nodes) => queue.start(nodes, () => ++epoch) };
}

test("the file changes first, then every node hears, then the one who asked", () => {
  const { queue, told, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 3 * pageBytes);
  start(1, 2);
  assert.deepEqual(told.splice(0), ["set 3", "resize 1 to 3 @1", "resize 2 to 3 @1"]);
  assert.equal(queue.firstUnsettledPage, 3);
  assert.equal(queue.answered(2, 1), false);
  assert.equal(queue.answered(1, 1), true);
  assert.deepEqual(told, ["truncated 1 70"]);
  assert.equal(queue.firstUnsettledPage, Number.POSITIVE_INFINITY);
  assert.equal(queue.sizeBytes, 3 * pageBytes);
});

test("R6: what changes begins at the page that holds the smaller end", () => {
  const { queue, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 2.5 * pageBytes);
  start(1);
  assert.equal(queue.firstUnsettledPage, 2);
  queue.answered(1, 1);
  queue.push(1, 71, 9 * pageBytes);
  start(1);
  assert.equal(queue.firstUnsettledPage, 2, "also when the file grows: the tail of the last page becomes content");
});

test("one change at a time, in order", () => {
  const { queue, told, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 3 * pageBytes);
  queue.push(2, 71, 5 * pageBytes);
  start(1, 2);
  told.length = 0;
  queue.answered(1, 1);
  queue.answered(2, 1);
  start(1, 2);
  assert.deepEqual(told, ["truncated 1 70", "set 5", "resize 1 to 5 @2", "resize 2 to 5 @2"]);
});

test("an answer to a change that is over counts for nothing", () => {
  const { queue, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 3 * pageBytes);
  start(1);
  assert.equal(queue.answered(1, 0), false);
  assert.equal(queue.answered(1, 1), true);
  assert.equal(queue.answered(1, 1), false);
});

test("a size that the store refuses leaves everything as it was, and the next goes on", () => {
  const { queue, told, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 1000 * pageBytes);
  queue.push(1, 71, 9 * pageBytes);
  start(1);
  assert.deepEqual(told, ["refused 1 70", "set 9", "resize 1 to 9 @1", "truncated 1 71"]);
  assert.equal(queue.sizeBytes, 9 * pageBytes);
});

test("who makes the file longer is answered, once, when all others have; what is new is settled when it has, too", () => {
  const { queue, told, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 9 * pageBytes);
  queue.push(1, 71, 10 * pageBytes);
  start(1, 2, 3);
  assert.deepEqual(told.splice(0), ["set 9", "resize 1 to 9 @1", "resize 2 to 9 @1", "resize 3 to 9 @1"]);
  queue.answered(2, 1);
  assert.deepEqual(told, []);
  queue.answered(3, 1);
  assert.deepEqual(told.splice(0), ["truncated 1 70"]);
  start(1, 2, 3);
  assert.deepEqual([told, queue.firstUnsettledPage], [[], 8], "the next change waits for its answer");
  assert.equal(queue.answered(1, 1), true);
  assert.deepEqual(told, []);
  start(1);
  assert.deepEqual(told.splice(0), ["set 10", "resize 1 to 10 @2", "truncated 1 71"]);
  assert.equal(queue.left(1), true, "who was answered and is gone leaves nothing behind");
  assert.deepEqual([told, queue.firstUnsettledPage], [[], Number.POSITIVE_INFINITY]);
});

test("R5: who cuts the file is answered when it has answered itself", () => {
  const { queue, told, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 7 * pageBytes);
  start(1, 2);
  told.length = 0;
  queue.answered(2, 1);
  assert.deepEqual(told, []);
  queue.answered(1, 1);
  assert.deepEqual(told, ["truncated 1 70"]);
});

test("nobody waits for a node that is gone, and its own changes go with it", () => {
  const { queue, told, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 3 * pageBytes);
  queue.push(2, 71, 5 * pageBytes);
  start(1, 2);
  queue.answered(1, 1);
  told.length = 0;
  assert.equal(queue.left(2), true);
  start(1);
  assert.deepEqual(told, ["truncated 1 70"]);
  assert.equal(queue.sizeBytes, 3 * pageBytes);
});

test("a change that nobody has to hear of is done at once", () => {
  const { queue, told, start } = queueOf(8 * pageBytes);
  queue.push(1, 70, 3 * pageBytes);
  start();
  assert.deepEqual(told, ["set 3", "truncated 1 70"]);
});
