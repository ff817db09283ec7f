import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { detachDevice } from "../../src/fuse/device.js";
import { type Mount, mount } from "../../src/fuse/mount.js";
import { startHome } from "../../src/home/index.js";
import { assertLevel, threadCount } from "../support/level.js";
import { lacksFuse } from "../support/requires.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

const skip = lacksFuse();
const mebibyte = 2 ** 20;
/** The pager's, two notifiers', and one prober's, to which others come only when that is stuck. */
const threads = 4;

/** What is left of many mounts of a home in this process: nothing. */
async function assertNothingIsLeft(
  use: (folder: TemporaryFolder, mountOnce: () => Promise<Mount>) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  const path = folder.at();
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  try {
    await assertLevel(() => use(folder, () => mount(home.url, path)), threads);
  } finally {
    detachDevice(path);
    await home.close();
  }
}

test("of mounts that were unmounted neither threads, descriptors nor memory are left", { skip }, async () => {
  await assertNothingIsLeft(async (folder, mountOnce) => {
    const before = threadCount();
    const mounted = await mountOnce();
    assert.ok(threadCount() - before <= threads, `${threadCount() - before} threads serve it`);
    await writeFile(folder.at("file"), Buffer.alloc(4 * mebibyte, "x"));
    assert.equal((await readFile(folder.at("file"))).length, 4 * mebibyte);
    await mounted.unmount();
  });
});

test("of mounts that were taken away nothing is left either, and nothing of them fails unheard", { skip }, async () => {
  await assertNothingIsLeft(async (folder, mountOnce) => {
    const mounted = await mountOnce();
    await writeFile(folder.at("file"), "x");
    await mounted.detach();
    await mounted.ended;
  });
});
