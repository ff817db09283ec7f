import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { test } from "node:test";
import { parseByteSize } from "../../src/cli/byte-size.js";
import { UsageError } from "../../src/cli/command.js";
import { parseSeconds } from "../../src/cli/duration.js";
import { intoFolder, parseLocation } from "../../src/cli/location.js";
import { ProgressBar } from "../../src/cli/progress-bar.js";
import { dataRuns, nonZeroRuns } from "../../src/cli/sparse.js";
import { formatByteSize, formatSeconds } from "../../src/observe/quantities.js";
import { temporaryFolder } from "../support/temporary-folder.js";

test("sizes are exact up to 2^53 - 1", () => {
  assert.equal(parseByteSize("0"), 0);
  assert.equal(parseByteSize("64M"), 64 * 1024 * 1024);
  assert.equal(parseByteSize("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assert.equal(parseByteSize("8191T"), 8191 * 2 ** 40);
  for (const text of ["", "-1", "1.5", "1e3", "0x10", "1MB", "1m", " 1", "9007199254740992", "8192T"]) {
    assert.throws(() => parseByteSize(text), UsageError, text);
  }
});

test("sizes and times for people", () => {
  assert.equal(formatByteSize(0), "0 B");
  assert.equal(formatByteSize(1023), "1023 B");
  assert.equal(formatByteSize(1536), "1.5 KiB");
  assert.equal(formatByteSize(2 ** 40), "1.0 TiB");
  assert.deepEqual([3, 59, 61, 3700, 90_000].map(formatSeconds), [
    "3.0 s",
    "59 s",
    "1 min 1 s",
    "1 h 1 min",
    "1 d 1 h",
  ]);
  assert.equal(parseSeconds("0.5", "--lease"), 500);
  for (const text of ["0", "-1", "soon", "", "1e9x"]) assert.throws(() => parseSeconds(text, "--lease"), UsageError);
});

test("a location's name is taken as it stands", () => {
  assert.deepEqual(parseLocation("dmmap://h:1"), { volume: "dmmap://h:1", name: "" });
  assert.deepEqual(parseLocation("dmmap://h:1/"), { volume: "dmmap://h:1", name: "" });
  assert.deepEqual(parseLocation("dmmap://[::1]:1/a b/50%?#"), { volume: "dmmap://[::1]:1", name: "a b/50%?#" });
  assert.deepEqual(parseLocation("dmmap://h:1/../x"), { volume: "dmmap://h:1", name: "../x" });
  assert.equal(intoFolder(parseLocation("dmmap://h:1"), "x").name, "x");
  assert.equal(intoFolder(parseLocation("dmmap://h:1/a/"), "x").name, "a/x");
  assert.equal(intoFolder(parseLocation("dmmap://h:1/a"), "x").name, "a");
});

test("zero pages are left out, whole pages only", () => {
  const bytes = new Uint8Array(5 * 4096 + 10);
  const runs = () => [...nonZeroRuns(bytes)].map(({ start, end }) => [start, end]);
  assert.deepEqual(runs(), []);
  bytes[4096] = 1;
  assert.deepEqual(runs(), [[4096, 8192]]);
  bytes[8192 + 4095] = 1;
  assert.deepEqual(runs(), [[4096, 12_288]]);
  bytes[5 * 4096 + 9] = 1;
  assert.deepEqual(runs(), [
    [4096, 12_288],
    [5 * 4096, 5 * 4096 + 10],
  ]);
  assert.deepEqual([...nonZeroRuns(new Uint8Array(0))], []);
});

test("holes of a local file are not read", () => {
  using folder = temporaryFolder();
  const fd = openSync(folder.at("sparse"), "w+");
  const size = 2 ** 40;
  ftruncateSync(fd, size);
  assert.deepEqual([...dataRuns(fd, size)], []);
  writeSync(fd, "x", 2 ** 35 + 5);
  const [run, ...others] = [...dataRuns(fd, size)];
  assert.deepEqual(others, []);
  assert.ok(run.start <= 2 ** 35 + 5 && run.end > 2 ** 35 + 5 && run.end - run.start <= 2 ** 21);
  closeSync(fd);
});

test("the progress bar draws on a terminal only, one line that it overwrites", () => {
  const drawn: string[] = [];
  const terminal = { isTTY: true, write: (text: string) => drawn.push(text) };
  const bar = new ProgressBar("put x", 1000, terminal);
  bar.reach(500);
  bar.reach(600); // Too soon after the last one.
  bar.end();
  assert.match(drawn[0], /^\rput x {2}█{12}░{12} {2}50 % {2}/);
  assert.match(drawn.at(-1) ?? "", /^\rput x {2}600 B in .* s\u001b\[K\n$/);
  assert.equal(drawn.length, 2);

  const silent: string[] = [];
  const log = new ProgressBar("put x", undefined, { isTTY: false, write: (text: string) => silent.push(text) });
  log.reach(1);
  log.end();
  log.abandon();
  assert.deepEqual(silent, []);
});
