import assert from "node:assert/strict";
import { test } from "node:test";
import { pageBytes } from "../../src/core/units.js";
import { WriteBehind } from "../../src/fuse/write-behind.js";

const mebibyte = 1024 * 1024;

function stage() {
  const sent: string[] = [];
  const stage = { sent, hasRoom: true, syncs: [] as (() => void)[] };
  const behind = new WriteBehind({
    send: (start, end) => {
      if (stage.hasRoom) sent.push(`${start}..${end}`);
      return stage.hasRoom;
    },
    sync: (onDone) => stage.syncs.push(onDone),
  });
  return { stage, sent, behind };
}

test("a stream is sent a MiB at a time, whatever it is written by, and not the page in which it goes on", () => {
  const { sent, behind } = stage();
  const step = 100_000;
  for (let at = 0; at < 3 * mebibyte; at += step) behind.wrote(at, at + step);
  assert.deepEqual(sent, ["0..268", "268..537"]);
});

test("writes here and there are not sent", () => {
  const { sent, behind } = stage();
  for (let page = 0; page < 4096; page += 2) behind.wrote(page * pageBytes, (page + 1) * pageBytes);
  assert.deepEqual(sent, []);
  behind.wrote(0, mebibyte);
  assert.deepEqual(sent, ["0..256"], "but a MiB at once");
});

test("what finds no room is sent with the next", () => {
  const { stage: at, sent, behind } = stage();
  at.hasRoom = false;
  behind.wrote(0, mebibyte);
  at.hasRoom = true;
  behind.wrote(mebibyte, mebibyte + pageBytes);
  assert.deepEqual(sent, ["0..257"]);
});

test("every 32 MiB are put on the disk, one time after the other", () => {
  const { stage: at, behind } = stage();
  const write = (from: number, to: number) => {
    for (let piece = from; piece < to; piece++) behind.wrote(piece * mebibyte, (piece + 1) * mebibyte);
  };
  write(0, 31);
  assert.equal(at.syncs.length, 0);
  write(31, 100);
  assert.equal(at.syncs.length, 1, "the first is not over");
  at.syncs[0]();
  write(100, 101);
  assert.equal(at.syncs.length, 2);
});
