import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { Epoll, Ready } from "../../src/kernel/epoll.js";
import type { SyncRequest, SyncResult } from "../../src/store/sync-thread.js";
import { ThreadSyncer } from "../../src/store/syncer.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const { errno } = constants;
const waitMicros = 20e6;

/** Asks for all of these at once. @returns the answers, by number. */
function syncAll(syncer: ThreadSyncer, requests: readonly SyncRequest[]): Map<number, SyncResult> {
  const epoll = new Epoll();
  epoll.add(syncer.wakeFd, Ready.in, 0);
  for (const request of requests) syncer.start(request);
  const results = new Map<number, SyncResult>();
  while (results.size < requests.length) {
    assert.equal(epoll.wait(waitMicros), 1, "it rings for each answer");
    for (let result = syncer.take(); result !== undefined; result = syncer.take()) {
      assert.ok(!results.has(result.sync), "each is answered once");
      results.set(result.sync, result);
    }
  }
  epoll.close();
  return results;
}

test("syncs of many files at a time are each answered, again and again", () => {
  using folder = temporaryFolder();
  const syncer = new ThreadSyncer();
  const fds = Array.from({ length: 9 }, (_, index) => openSync(folder.at(String(index)), "w"));
  for (let round = 0; round < 20; round++) {
    const requests = fds.map((fd, index) => {
      writeSync(fd, `round ${round}`);
      return { sync: round * 100 + index, fd, attributes: index % 2 === 0, folders: [folder.path] };
    });
    for (const [sync, result] of syncAll(syncer, requests)) {
      assert.deepEqual(result, { sync, fileErrno: 0, folderErrno: 0 });
    }
  }
  syncer.close();
  for (const fd of fds) closeSync(fd);
});

test("a folder is put down however long its path is", () => {
  using folder = temporaryFolder();
  const [syncer, name] = [new ThreadSyncer(), "d".repeat(250)];
  const make = `for depth in $(seq 50); do mkdir ${name} && cd -P ${name} || exit; done`;
  assert.equal(spawnSync("bash", ["-c", make], { cwd: folder.path }).status, 0);
  try {
    const folders = [10, 20, 40, 50].map((depth) => [folder.path, ...Array<string>(depth).fill(name)].join("/"));
    const results = syncAll(syncer, [
      { sync: 1, fd: -1, attributes: false, folders },
      { sync: 2, fd: -1, attributes: false, folders: [`${folders.at(-1)}/${"x".repeat(300)}`] },
    ]);
    assert.deepEqual(results.get(1), { sync: 1, fileErrno: 0, folderErrno: 0 });
    assert.deepEqual(results.get(2), { sync: 2, fileErrno: 0, folderErrno: errno.ENAMETOOLONG });
  } finally {
    syncer.close();
    spawnSync("rm", ["-r", folder.at(name)]); // Too deep for Node.
  }
});

test("more folders than a thread has memory for are put down, and what cannot be is said", () => {
  using folder = temporaryFolder();
  const syncer = new ThreadSyncer();
  const gone = Array.from({ length: 300_000 }, (_, index) => `${folder.path}/gone/${"x".repeat(100)}${index}`);
  const bad = `${folder.path}/${"x".repeat(300)}`;
  const results = syncAll(syncer, [
    { sync: 1, fd: -1, attributes: false, folders: gone },
    { sync: 2, fd: -1, attributes: false, folders: [bad, ...gone] },
    { sync: 3, fd: 1_000_000, attributes: false, folders: gone },
    { sync: 4, fd: -1, attributes: false, folders: [] },
  ]);
  const { ENAMETOOLONG, EBADF } = errno;
  assert.deepEqual(
    [1, 2, 3, 4].map((sync) => results.get(sync)),
    [
      { sync: 1, fileErrno: 0, folderErrno: 0 },
      { sync: 2, fileErrno: 0, folderErrno: ENAMETOOLONG },
      { sync: 3, fileErrno: EBADF, folderErrno: 0 },
      { sync: 4, fileErrno: 0, folderErrno: 0 },
    ],
  );
  syncer.close();
});

test("what cannot be put down is said with its errno; a folder that is gone has nothing to put down", () => {
  using folder = temporaryFolder();
  mkdirSync(folder.at("there"));
  const fd = openSync(folder.at("file"), "w");
  const syncer = new ThreadSyncer();
  const pipe = openSync("/dev/null", "w");
  const results = syncAll(syncer, [
    { sync: 1, fd: pipe, attributes: false, folders: [folder.at("there")] },
    { sync: 2, fd: 1_000_000, attributes: true, folders: [] },
    { sync: 3, fd: -1, attributes: false, folders: [folder.at("gone"), folder.at("file"), folder.at("there")] },
    { sync: 4, fd, attributes: false, folders: [`${folder.path}/${"x".repeat(300)}`] },
  ]);
  assert.deepEqual(results.get(1), { sync: 1, fileErrno: errno.EINVAL, folderErrno: 0 });
  assert.deepEqual(results.get(2), { sync: 2, fileErrno: errno.EBADF, folderErrno: 0 });
  assert.deepEqual(results.get(3), { sync: 3, fileErrno: 0, folderErrno: 0 });
  assert.deepEqual(results.get(4), { sync: 4, fileErrno: 0, folderErrno: errno.ENAMETOOLONG });
  syncer.close();
  closeSync(pipe);
  closeSync(fd);
});
