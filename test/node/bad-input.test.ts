import assert from "node:assert/strict";
import { constants } from "node:buffer";
import { symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { Dashboard } from "../../src/dashboard/index.js";
import { type Home, startHome } from "../../src/home/index.js";
import { connect, DmmapError, type File, type FileMap, type Volume } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const skip = lacksUserfaultfd();
const pageBytes = 4096;
const folder = temporaryFolder();
const badOffsets = [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY];
const notNumbers = ["0", null, 1n, {}, true] as never[];

let home: Home;
let volume: Volume;
let file: File;
let map: FileMap;

before(async () => {
  if (skip) return;
  home = await startHome({ folder: folder.path, listen: "127.0.0.1:0" });
  volume = await connect(home.url);
  file = await volume.open("file.bin", { create: true, size: 2 * pageBytes + 10 });
  map = await file.map();
});

after(async () => {
  await volume?.close();
  await home?.close();
  folder[Symbol.dispose]();
});

test("a url that is none says what one looks like", { skip }, async () => {
  const bad = [
    "",
    "7400",
    "http://127.0.0.1:1",
    "dmmap://",
    "dmmap://h:99999",
    "dmmap://u@h",
    "dmmap://h?x",
    "dmmap://h/a",
  ];
  for (const url of bad) {
    await assert.rejects(connect(url), { code: "DMMAP_BAD_URL", message: /dmmap:\/\/HOST:PORT/ }, url);
  }
  for (const url of [undefined, null, 7400, {}] as never[]) await assert.rejects(connect(url), TypeError);
});

test("a home that does not run is unreachable, at once, and the remedy is said", { skip }, async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const error = { code: "DMMAP_UNREACHABLE", message: /dmmap serve/ };
  await assert.rejects(connect(`dmmap://127.0.0.1:${port}`), error);
  await assert.rejects(connect(`dmmap://[::1]:${port}`), { code: "DMMAP_UNREACHABLE" });
  const unknown = await connect("dmmap://no-such-host.invalid:1").catch((reason: unknown) => reason);
  assert.ok(unknown instanceof DmmapError && unknown.code === "DMMAP_UNREACHABLE");
  assert.doesNotMatch(inspect(unknown), /undefined/, "what is not known is not printed");
});

test("connect's options are checked", { skip }, async () => {
  for (const cacheBytes of [...badOffsets, 4096]) await assert.rejects(connect(home.url, { cacheBytes }), RangeError);
  await assert.rejects(connect(home.url, { cacheBytes: "1" as never }), TypeError);
  for (const option of ["spinMicros", "cpuLatencyMicros"]) {
    for (const micros of [-1, 0.5, Number.NaN, 1_000_001]) {
      await assert.rejects(connect(home.url, { [option]: micros }), RangeError);
      await assert.rejects(startHome({ store: "memory", [option]: micros }), TypeError);
    }
    await assert.rejects(connect(home.url, { [option]: "1" as never }), TypeError);
  }
  await assert.rejects(connect(home.url, { signal: AbortSignal.abort() }), { code: "DMMAP_ABORTED" });
});

test("connect's name, deadline and keys are checked", { skip }, async () => {
  for (const name of notNumbers)
    if (name !== "0" && name !== null) await assert.rejects(connect(home.url, { name }), TypeError);
  await assert.rejects(connect(home.url, { name: "n".repeat(5000) }), RangeError);
  await assert.rejects(connect(home.url, { faultDeadline: -1 }), RangeError);
  await assert.rejects(connect(home.url, { faultDeadline: "1" as never }), TypeError);
  const misspelt = { cachebytes: 2 ** 30 } as object;
  await assert.rejects(connect(home.url, misspelt), { name: "TypeError", message: /no option "cachebytes"/ });
});

test("patience is checked before anything is asked, wherever it is taken", { skip }, async () => {
  const opened = await volume.open("patient.bin", { create: true, size: pageBytes });
  const lock = await opened.lock(0, 1, "exclusive");
  const uses: ((patience: object) => Promise<unknown>)[] = [
    (patience) => connect(home.url, patience),
    (patience) => volume.list(patience),
    (patience) => volume.mkdir("made", patience),
    (patience) => volume.stat("patient.bin", patience),
    (patience) => volume.close(patience),
    (patience) => opened.write(0, new Uint8Array([1]), patience),
    (patience) => opened.sync(patience),
    (patience) => opened.lock(1, 1, "exclusive", patience),
    (patience) => opened.close(patience),
    (patience) => lock.release(patience),
    (patience) => map.hold(0, 1, "read", patience),
  ];
  for (const use of uses) {
    for (const timeout of [-1, Number.NaN]) await assert.rejects(use({ timeout }), RangeError, String(use));
    await assert.rejects(use({ timeout: "abc" }), TypeError, String(use));
    await assert.rejects(use({ signal: 5 }), TypeError, String(use));
  }
  await assert.rejects(volume.lstat("made"), { code: "DMMAP_NOT_FOUND" }, "nothing was made");
  assert.deepEqual([...(await opened.read(0, 1))], [0], "nothing was written");
  await lock.release({ timeout: Number.POSITIVE_INFINITY });
  await (await opened.lock(0, 1, "exclusive", { timeout: 2 ** 40 })).release();
  await opened.close();
  await volume.remove("patient.bin");
});

test("the calls of a filesystem check their arguments", { skip }, async () => {
  const later = new Date();
  const wrongTypes = [
    () => volume.list({ prefix: 5 as never }),
    () => volume.chown("file.bin", "0" as never, 0),
    () => volume.chmod("file.bin", "0644" as never),
    () => volume.utimes("file.bin", later, "later" as never),
    () => volume.utimes("file.bin", [1, "2"] as never, later),
    () => volume.getxattr("file.bin", 5 as never),
    () => volume.removexattr("file.bin", 5 as never),
    () => volume.setxattr("file.bin", 5 as never, new Uint8Array(1)),
    () => volume.setxattr("file.bin", "user.a", "text" as never),
    () => volume.setxattr("file.bin", "user.a", new Uint8Array(1), { mode: "foo" as never }),
  ];
  for (const use of wrongTypes) await assert.rejects(use(), TypeError, String(use));
  const wrongValues = [
    () => volume.chown("file.bin", -5, 0),
    () => volume.chown("file.bin", 0, 2 ** 32 - 1),
    () => volume.mkdir("made", { mode: 0o10000 }),
    () => volume.utimes("file.bin", new Date(Number.NaN), later),
    () => volume.utimes("file.bin", later, [0, 1e9]),
    () => volume.utimes("file.bin", later, [0.5, 0]),
  ];
  for (const use of wrongValues) await assert.rejects(use(), RangeError, String(use));
  await volume.utimes("file.bin", new Date(-1), later);
  assert.deepEqual((await volume.lstat("file.bin")).atime, [-1, 999_000_000]);
});

test("a dashboard's place, and the module of a store, are checked", { skip }, async () => {
  for (const port of [-1, 0.5, 99_999])
    await assert.rejects(Dashboard.start(home, { host: "127.0.0.1", port }), RangeError);
  await assert.rejects(Dashboard.start(home, { host: "127.0.0.1", port: "1" as never }), TypeError);
  await assert.rejects(Dashboard.start(home, { host: 1 as never, port: 0 }), TypeError);
  for (const store of [new URL("file:///nowhere.js"), new URL("data:text/javascript,export default 5")])
    await assert.rejects(startHome({ store, listen: "127.0.0.1:0" }), { code: "DMMAP_BAD_FOLDER" });
});

test("a file that does not exist, and one that does", { skip }, async () => {
  await assert.rejects(volume.open("none.bin"), { code: "DMMAP_NOT_FOUND" });
  await assert.rejects(volume.stat("none.bin"), { code: "DMMAP_NOT_FOUND" });
  await assert.rejects(volume.tokens("none.bin"), { code: "DMMAP_NOT_FOUND" });
  await assert.rejects(volume.remove("none.bin"), { code: "DMMAP_NOT_FOUND" });
  await assert.rejects(volume.rename("none.bin", "other.bin"), { code: "DMMAP_NOT_FOUND" });
  await assert.rejects(volume.open("file.bin", { create: true, exclusive: true }), { code: "DMMAP_EXISTS" });
});

test("a name that leaves the folder, or is no name", { skip }, async () => {
  symlinkSync("/etc", folder.at("out"));
  const bad = ["", "/", "/etc/passwd", "..", "../x", "a/../../x", ".", "./x", "a//b", "a/", "x\0y", "a".repeat(256)];
  for (const name of [...bad, ".dmmap/x", "out/passwd", "out/new"]) {
    const error = { code: "DMMAP_BAD_NAME" };
    await assert.rejects(volume.open(name, { create: true }), error, `open ${JSON.stringify(name)}`);
    await assert.rejects(volume.stat(name), error, `stat ${JSON.stringify(name)}`);
    await assert.rejects(volume.remove(name), error, `remove ${JSON.stringify(name)}`);
    await assert.rejects(volume.rename("file.bin", name), error, `rename to ${JSON.stringify(name)}`);
  }
  for (const name of notNumbers) if (typeof name !== "string") await assert.rejects(volume.open(name), TypeError);
});

test("open's options are checked", { skip }, async () => {
  for (const size of badOffsets) await assert.rejects(volume.open("new.bin", { create: true, size }), RangeError);
  for (const size of notNumbers) await assert.rejects(volume.open("new.bin", { create: true, size }), TypeError);
  await assert.rejects(volume.open("new.bin", { create: true, policy: "best" as never }), TypeError);
  await assert.rejects(volume.open("new.bin", { exclusive: true }), TypeError);
  await assert.rejects(volume.stat("new.bin"), { code: "DMMAP_NOT_FOUND" }, "nothing was made");
});

test("R8: a map's range must lie in the file, begin on a page, and fit an ArrayBuffer", { skip }, async () => {
  for (const offset of badOffsets) await assert.rejects(file.map({ offset }), RangeError);
  for (const length of badOffsets) await assert.rejects(file.map({ length }), RangeError);
  for (const offset of notNumbers) if (offset !== null) await assert.rejects(file.map({ offset }), TypeError);
  await assert.rejects(file.map({ offset: 1 }), { name: "RangeError", message: /multiple of 4096/ });
  await assert.rejects(file.map({ length: file.size + 1 }), { name: "RangeError", message: /truncate it first/ });
  await assert.rejects(file.map({ offset: 3 * pageBytes }), RangeError);
  await assert.rejects(file.map({ length: 0 }), { name: "RangeError", message: /nothing to map/ });
  await assert.rejects(file.map({ sharing: "both" as never }), TypeError);
  await assert.rejects(file.map({ access: "write" as never }), TypeError);
  await assert.rejects(file.map({ onBeyondEnd: "throw" as never }), TypeError);
});

test("R8: the last byte of a file of 2^53 - 1 bytes", { skip }, async () => {
  await using memory = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  await using node = await connect(memory.url);
  await using huge = await node.open("huge.bin", { create: true, size: Number.MAX_SAFE_INTEGER });
  const tooLong = constants.MAX_LENGTH + 1;
  if (tooLong < Number.MAX_SAFE_INTEGER) await assert.rejects(huge.map({ length: tooLong }), /MAX_LENGTH/);
  await using end = await huge.map({ offset: 2 ** 53 - pageBytes, length: pageBytes - 1 });
  new Uint8Array(end.buffer)[pageBytes - 2] = 3;
  assert.deepEqual([...(await huge.read(Number.MAX_SAFE_INTEGER - 1, 2))], [3]);
  for (const offset of [2 ** 53 - 2, 2 ** 53 - 1]) {
    await assert.rejects(huge.write(offset, new Uint8Array(2 * pageBytes)), { code: "DMMAP_BAD_RANGE" });
  }
});

test("read and write take whole offsets; what lies beyond the end is short, or refused", { skip }, async () => {
  for (const offset of badOffsets) {
    await assert.rejects(file.read(offset, 1), RangeError);
    await assert.rejects(file.read(0, offset), RangeError);
    await assert.rejects(file.write(offset, new Uint8Array(1)), RangeError);
  }
  for (const offset of notNumbers) {
    await assert.rejects(file.read(offset, 1), TypeError);
    await assert.rejects(file.write(offset, new Uint8Array(1)), TypeError);
    await assert.rejects(file.write(0, offset), TypeError);
  }
  assert.equal((await file.read(file.size - 4, 100)).byteLength, 4);
  assert.equal((await file.read(file.size, 100)).byteLength, 0);
  assert.equal((await file.read(file.size + 12_345, 100)).byteLength, 0);
  assert.equal((await file.read(2 ** 53 - 1, 1)).byteLength, 0);
  assert.equal((await file.read(0, 0)).byteLength, 0);
  const beyond = { code: "DMMAP_BAD_RANGE" };
  await assert.rejects(file.write(file.size - 1, new Uint8Array(2)), beyond);
  await assert.rejects(file.write(2 ** 53 - 1, new Uint8Array(1)), beyond);
  await assert.rejects(file.write(2 ** 40, new Uint8Array(10)), beyond);
  await file.write(file.size, new Uint8Array(0));
  assert.equal(
    (await file.read(0, file.size)).every((byte) => byte === 0),
    true,
    "a refused write wrote nothing",
  );
});

test("truncate, lock, hold and prefetch check their ranges", { skip }, async () => {
  for (const bad of badOffsets) {
    await assert.rejects(file.truncate(bad), RangeError);
    await assert.rejects(file.lock(bad, 1, "shared"), RangeError);
    await assert.rejects(file.lock(0, bad, "shared"), RangeError);
    await assert.rejects(map.hold(bad, 1, "read"), RangeError);
    await assert.rejects(map.hold(0, bad, "read"), RangeError);
    await assert.rejects(map.prefetch(bad, 1, "read"), RangeError);
  }
  await assert.rejects(map.hold(0, map.length + 1, "read"), RangeError);
  await assert.rejects(map.prefetch(map.length, 1, "read"), RangeError);
  await assert.rejects(map.hold(0, 1, "own" as never), TypeError);
  await assert.rejects(map.prefetch(0, 1, "none" as never), TypeError);
  await assert.rejects(file.lock(0, 1, "own" as never), TypeError);
  await assert.rejects(file.lock(1, Number.MAX_SAFE_INTEGER, "shared"), { code: "DMMAP_BAD_RANGE" });
  assert.equal(file.size, 2 * pageBytes + 10);
});

test("an empty hold or prefetch is no harm", { skip }, async () => {
  using hold = await map.hold(0, 0, "write", { timeout: 3000 });
  assert.equal(hold.length, 0);
  await map.prefetch(100, 0, "read", { timeout: 3000 });
});

test("R19: a closed map is an error, and a view kept of it reads zeros and takes stores that nobody sees", {
  skip,
}, async () => {
  const closed = await file.map();
  const view = new Uint8Array(closed.buffer);
  view[5] = 55;
  await closed.close();
  await closed.close();
  assert.equal(view[5], 0);
  view[6] = 66;
  view[pageBytes + 1] = 66;
  assert.deepEqual([...(await file.read(5, 2))], [55, 0]);
  const error = { code: "DMMAP_CLOSED" };
  assert.throws(() => closed.buffer, error);
  assert.throws(() => closed.share(), error);
  for (const use of [() => closed.hold(0, 1, "read"), () => closed.prefetch(0, 1, "read"), () => closed.sync()]) {
    await assert.rejects(use(), error);
  }
});

test("a closed file and a closed volume are errors", { skip }, async () => {
  const error = { code: "DMMAP_CLOSED" };
  const other = await connect(home.url);
  const open = await other.open("file.bin");
  const view = new Uint8Array((await open.map()).buffer);
  assert.equal(view[5], 55);
  await open.close();
  await open.close();
  assert.equal(view[5], 0);
  const uses: (() => Promise<unknown>)[] = [
    () => open.map(),
    () => open.read(0, 1),
    () => open.write(0, new Uint8Array(1)),
    () => open.sync(),
    () => open.stat(),
  ];
  for (const use of [...uses, () => open.truncate(0), () => open.lock(0, 1, "shared")]) {
    await assert.rejects(use(), error);
  }
  await other.close();
  await other.close();
  for (const use of [() => other.open("file.bin"), () => other.list(), () => other.status(), () => other.metrics()]) {
    await assert.rejects(use(), error);
  }
});

test("closing a volume under calls that wait ends them with an error", { skip }, async () => {
  const other = await connect(home.url);
  const open = await other.open("file.bin");
  await using holder = await file.lock(0, 1, "exclusive");
  const waiting = open.lock(0, 1, "exclusive");
  waiting.catch(() => undefined);
  await other.close();
  await assert.rejects(waiting, { code: "DMMAP_CLOSED" });
  assert.equal(holder.mode, "exclusive");
});
