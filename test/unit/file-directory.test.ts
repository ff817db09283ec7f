import assert from "node:assert/strict";
import { test } from "node:test";
import { FileDirectory } from "../../src/core/home/file-directory.js";
import { Mode, type Policy, pageMax } from "../../src/core/units.js";

/** A directory that nodes 1 and 2 have open, and what it told its port. */
function directoryOf(policy: Policy): { directory: FileDirectory; told: string[] } {
  const told: string[] = [];
  const directory = new FileDirectory(
    {
      grant: (node, _request, mode, start, end, epoch) => told.push(`grant ${node} ${mode} ${start}..${end} @${epoch}`),
      revoke: (node, mode, start, end, epoch) => told.push(`revoke ${node} to ${mode} ${start}..${end} @${epoch}`),
      resize: (node, sizeBytes, epoch) => told.push(`resize ${node} ${sizeBytes} @${epoch}`),
      setSize: () => undefined,
      truncated: (node, request) => told.push(`truncated ${node} ${request}`),
    },
    { policy, sizeBytes: 40_960 },
  );
  directory.open(1);
  directory.open(2);
  return { directory, told };
}

function acquire(directory: FileDirectory, node: number, mode: Mode, page: number): void {
  directory.acquire(node, 1, mode, page, page + 1, 0, pageMax, page + 1, true);
}

test("simple: whoever asks for whatever is given all of the file, for stores", () => {
  const { directory, told } = directoryOf("simple");
  acquire(directory, 1, Mode.read, 3);
  assert.deepEqual(told.splice(0), [`grant 1 2 0..${pageMax} @1`]);
  acquire(directory, 2, Mode.read, 7);
  assert.deepEqual(told, [`revoke 1 to 0 0..${pageMax} @1`]);
});

test("who stood behind what is granted is served, or asks for it, though what was given up was elsewhere", () => {
  const { directory, told } = directoryOf("optimal");
  directory.open(3);
  acquire(directory, 1, Mode.write, 4);
  directory.release(1, Mode.none, 0, 4, 1);
  directory.release(1, Mode.none, 5, pageMax, 1);
  directory.acquire(2, 1, Mode.write, 3, 6, 3, 6, 6, true);
  acquire(directory, 3, Mode.read, 3);
  acquire(directory, 3, Mode.read, 9);
  assert.deepEqual(told.splice(0), [
    `grant 1 2 0..${pageMax} @1`,
    "revoke 1 to 0 3..6 @1",
    `grant 3 1 6..${pageMax} @2`,
  ]);
  directory.release(1, Mode.none, 4, 5, 1);
  assert.deepEqual(told, ["grant 2 2 3..6 @3", "revoke 2 to 1 3..4 @3"]);
});

test("thousands in line: to give up one page looks at who waits for that one", () => {
  const { directory, told } = directoryOf("optimal");
  const waiting = 8000;
  acquire(directory, 1, Mode.write, 0);
  for (let page = 0; page < waiting; page++)
    directory.acquire(2, page, Mode.write, page, page + 1, page, page + 1, 0, true);
  const start = performance.now();
  for (let page = 0; page < waiting; page++) directory.release(1, Mode.none, page, page + 1, 1);
  const millis = performance.now() - start;
  assert.equal(told.filter((line) => line.startsWith("grant 2")).length, waiting);
  assert.ok(millis < 20_000, `${millis} ms`); // About 500; it once was five minutes.
});

test("what a node was asked counts as unanswered until it has answered, and is the same question all that time", () => {
  const { directory } = directoryOf("optimal");
  acquire(directory, 1, Mode.write, 3);
  assert.equal(directory.unanswered(1), undefined);
  acquire(directory, 2, Mode.write, 3);
  const question = directory.unanswered(1);
  assert.ok(question !== undefined);
  directory.release(1, Mode.none, 5, 6, 1);
  assert.equal(directory.unanswered(1), question);
  directory.release(1, Mode.none, 3, 4, 1);
  assert.equal(directory.unanswered(1), undefined);
  assert.equal(directory.unanswered(2), undefined);
  directory.truncate(2, 9, 4096);
  assert.ok(directory.unanswered(1) !== undefined);
});

test("a node writes and fetches where it holds the token for it, all of the range", () => {
  const { directory } = directoryOf("optimal");
  acquire(directory, 1, Mode.read, 3);
  assert.ok(directory.mayFetch(1, 3, 10));
  assert.ok(!directory.mayWrite(1, 3, 4));
  assert.ok(!directory.mayFetch(2, 3, 4));
  directory.release(1, Mode.none, 5, 6, 1);
  assert.ok(directory.mayFetch(1, 3, 5));
  assert.ok(!directory.mayFetch(1, 4, 7));
  acquire(directory, 2, Mode.write, 5);
  assert.ok(directory.mayWrite(2, 5, 6));
  assert.ok(!directory.mayWrite(2, 5, 7));
  assert.ok(!directory.mayWrite(9, 5, 6), "a node that has not opened the file");
});

test("late and unknown messages of nodes that are gone change nothing", () => {
  const { directory, told } = directoryOf("optimal");
  acquire(directory, 1, Mode.write, 3);
  directory.close(1);
  told.length = 0;
  directory.release(1, Mode.none, 0, 10, 1);
  directory.resized(1, 1);
  directory.close(1);
  directory.disconnected(1);
  assert.deepEqual(told, []);
  assert.equal(directory.openCount, 1);
  assert.deepEqual([...directory.segments()], []);
});

test("memory follows contended boundaries: a lone node has one segment, whatever it touches", () => {
  const { directory } = directoryOf("optimal");
  for (let page = 0; page < 1000; page++) acquire(directory, 1, Mode.read, page);
  assert.equal(directory.segmentCount, 1);
});

/** A directory of a home that has restarted, which nodes 1 and 2 have open again. */
function recovering(): { directory: FileDirectory; told: string[] } {
  const told: string[] = [];
  const directory = new FileDirectory(
    {
      grant: (node, _request, mode, start, end, epoch) => told.push(`grant ${node} ${mode} ${start}..${end} @${epoch}`),
      revoke: (node, mode, start, end, epoch) => told.push(`revoke ${node} to ${mode} ${start}..${end} @${epoch}`),
      resize: (node, sizeBytes, epoch) => told.push(`resize ${node} ${sizeBytes} @${epoch}`),
      setSize: () => undefined,
      truncated: (node, request) => told.push(`truncated ${node} ${request}`),
    },
    { policy: "optimal", sizeBytes: 40_960, recovering: true },
  );
  directory.open(1);
  directory.open(2);
  return { directory, told };
}

test("R20: a home that has restarted grants nothing and changes no size until its recovery is over, and then both", () => {
  const { directory, told } = recovering();
  acquire(directory, 1, Mode.read, 3);
  directory.truncate(2, 9, 8192);
  directory.release(2, Mode.none, 0, 1, 0);
  assert.deepEqual(told, []);
  directory.endRecovery();
  assert.deepEqual(told.splice(0), ["resize 1 8192 @1", "resize 2 8192 @1"]);
  directory.resized(1, 1);
  directory.resized(2, 1);
  assert.deepEqual(told, ["truncated 2 9", `grant 1 1 0..${pageMax} @2`]);
});

test("a home that has restarted serves who waits when its recovery is over", () => {
  const { directory, told } = recovering();
  acquire(directory, 1, Mode.read, 3);
  directory.endRecovery();
  assert.deepEqual(told, [`grant 1 1 0..${pageMax} @1`]);
});

test("R1: of two nodes that claim the same after a restart, the first has it", () => {
  const { directory } = recovering();
  assert.ok(directory.claim(1, Mode.write, 0, 4, 5));
  assert.ok(!directory.claim(2, Mode.read, 3, 6, 5), "claimed, and not all of it told yet");
  directory.endClaims(1, 5);
  assert.ok(!directory.claim(2, Mode.read, 3, 6, 5), "held");
  assert.ok(directory.claim(2, Mode.read, 4, 6, 5));
  assert.ok(!directory.claim(1, Mode.write, 5, 6, 5));
  assert.ok(directory.claim(1, Mode.read, 5, 6, 5));
});

test("R9: after a restart epochs go on behind the newest that anybody has heard of", () => {
  const { directory, told } = recovering();
  directory.claim(1, Mode.read, 0, 1, 40);
  directory.endClaims(1, 50);
  directory.endClaims(2, 30);
  directory.endRecovery();
  acquire(directory, 2, Mode.read, 3);
  assert.deepEqual(told, [`grant 2 1 0..${pageMax} @51`]);
});

test("R1: a node that is back claims what it held, of epochs that there have been", () => {
  const { directory } = directoryOf("optimal");
  acquire(directory, 1, Mode.read, 3);
  assert.ok(!directory.claim(1, Mode.write, 3, 4, 1));
  assert.ok(!directory.claim(1, Mode.read, 3, 4, 2));
  assert.ok(!directory.claim(2, Mode.read, 3, 4, 1));
  assert.ok(directory.claim(1, Mode.read, 3, 4, 1));
});

test("R1: what a node gives up before the end of its claims is not its own again", () => {
  const { directory, told } = directoryOf("optimal");
  acquire(directory, 1, Mode.write, 3);
  assert.ok(directory.claim(1, Mode.write, 3, 4, 1));
  directory.release(1, Mode.none, 0, pageMax, 1);
  acquire(directory, 2, Mode.write, 3);
  directory.endClaims(1, 1);
  assert.deepEqual(told.slice(1), [`grant 2 2 0..${pageMax} @2`]);
  assert.ok(!directory.mayWrite(1, 3, 4));
  acquire(directory, 2, Mode.read, 3);
});

test("R1: claims that are not ended by the end of the recovery are void: others have had their chance", () => {
  const { directory } = recovering();
  assert.ok(directory.claim(1, Mode.write, 0, 4, 5));
  directory.endRecovery();
  acquire(directory, 2, Mode.write, 3);
  directory.endClaims(1, 5);
  assert.ok(directory.mayWrite(2, 3, 4));
  assert.ok(!directory.mayFetch(1, 0, 1));
});

test("R1: claims of what a node is known to hold, made again, outlive the end of the recovery", () => {
  const { directory, told } = recovering();
  directory.claim(1, Mode.write, 0, 4, 5);
  directory.endClaims(1, 5);
  directory.disconnected(1);
  assert.ok(directory.claim(1, Mode.write, 0, 4, 5));
  directory.claim(1, Mode.write, 8, 9, 5);
  directory.endRecovery();
  directory.endClaims(1, 5);
  assert.ok(directory.mayWrite(1, 0, 4));
  assert.ok(!directory.mayFetch(1, 8, 9), "only claimed, never ended");
  acquire(directory, 2, Mode.write, 3);
  assert.deepEqual(told, ["revoke 1 to 0 3..4 @5"]);
});

test("who is back, opens the file anew and asks for some of it, owes no answer to what it was asked while it was away", () => {
  const { directory, told } = directoryOf("optimal");
  directory.offer(1, { request: 1, mode: Mode.write, start: 0, end: 4 });
  directory.disconnected(1);
  directory.acquire(2, 1, Mode.write, 3, 4, 3, 4, 4, true);
  directory.offer(1, { request: 1, mode: Mode.write, start: 8, end: 9 });
  assert.deepEqual(
    told.splice(0),
    ["grant 1 2 0..4 @1", "revoke 1 to 0 3..4 @1"],
    "nobody is there to be offered anything",
  );
  acquire(directory, 1, Mode.write, 7);
  directory.recovered(1);
  assert.deepEqual(told, ["grant 2 2 3..4 @2", `grant 1 2 4..${pageMax} @3`]);
  assert.equal(directory.unanswered(1), undefined);
});

test("a node that is back, and says nothing of the file, holds nothing of it but what it has been granted since", () => {
  const { directory } = directoryOf("optimal");
  directory.offer(1, { request: 1, mode: Mode.write, start: 0, end: 4 });
  directory.disconnected(1);
  directory.recovered(1);
  assert.equal(directory.segmentCount, 0);
  directory.offer(1, { request: 1, mode: Mode.write, start: 0, end: 4 });
  directory.recovered(1);
  assert.ok(directory.mayWrite(1, 0, 4));
  directory.disconnected(1);
  acquire(directory, 1, Mode.write, 3);
  directory.recovered(1);
  assert.ok(directory.mayWrite(1, 3, 4));
  directory.disconnected(1);
  directory.claim(1, Mode.read, 3, 4, directory.epoch);
  directory.endClaims(1, directory.epoch);
  directory.recovered(1);
  assert.ok(directory.mayFetch(1, 3, 4) && !directory.mayWrite(1, 3, 4));
});

/** Node 1 cannot give page 3 back before it has page 4: so whoever waits for both must not be in its way. */
test("R10: who is urgent goes before whoever waits for something that it holds itself", () => {
  const { directory, told } = directoryOf("optimal");
  directory.open(3);
  directory.acquire(1, 1, Mode.write, 3, 4, 3, 4, 4, true);
  directory.acquire(2, 1, Mode.write, 4, 5, 4, 5, 5, true);
  directory.acquire(3, 1, Mode.read, 3, 5, 3, 5, 5, true);
  told.length = 0;
  directory.acquire(1, 2, Mode.write, 4, 5, 4, 5, 5, true, true);
  directory.release(2, Mode.none, 4, 5, 2);
  assert.deepEqual(told.splice(0), ["revoke 2 to 0 4..5 @2", "grant 1 2 4..5 @3", "revoke 1 to 1 3..5 @3"]);
  directory.release(1, Mode.read, 3, 5, 3);
  assert.deepEqual(told, ["grant 3 1 3..5 @4"]);
});
