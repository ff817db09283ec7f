import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dmmap, serveFolder } from "../cli/dmmap.js";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const script = fileURLToPath(new URL("../../src/cli/mount8-main.js", import.meta.url));
const helper = "/sbin/mount.dmmap";
const skip = lacksFuse() || (existsSync(helper) ? `${helper} is installed here` : false);

function run(command: string, args: readonly string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 60_000 });
  return { status, text: stdout + stderr };
}

test("mount -t dmmap mounts, as fstab and systemd would; umount takes it away", { skip }, async () => {
  using served = await serveFolder();
  using folder = temporaryFolder();
  const point = folder.at("mount");
  mkdirSync(point);
  writeFileSync(served.folder.at("file"), "served");
  writeFileSync(helper, `#!/bin/sh\nexec ${process.execPath} ${script} "$@"\n`, { mode: 0o755 });
  try {
    const options = "ro,nofail,_netdev,x-systemd.automount,timeout=20";
    assert.deepEqual(run("mount", ["-t", "dmmap", served.url, point, "-o", options]).status, 0);
    assert.equal(readFileSync(folder.at("mount", "file"), "utf8"), "served");
    assert.throws(() => writeFileSync(folder.at("mount", "new"), ""), { code: "EROFS" });
    assert.deepEqual(run("umount", [point]), { status: 0, text: "" });
    assert.equal(existsSync(folder.at("mount", "file")), false);

    const wrong = run("mount", ["-t", "dmmap", served.url, point, "-o", "subdir=x"]);
    assert.equal(wrong.status, 1);
    assert.match(wrong.text, /no mount of dmmap has the option "subdir=x"/);
    const bad = run("mount", ["-t", "dmmap", served.url, point, "-o", "timeout=abc"]);
    assert.deepEqual([bad.status, /--timeout/.test(bad.text)], [1, true]);
    const failed = run("mount", ["-t", "dmmap", "dmmap://127.0.0.1:1", point]);
    assert.equal(failed.status, 32);
    assert.match(failed.text, /DMMAP_UNREACHABLE/);
  } finally {
    spawnSync("umount", ["-l", point]);
    rmSync(helper);
  }
});

test("the example of a service mounts, and ends with what was written at the home", { skip: lacksFuse() }, async () => {
  using served = await serveFolder();
  using folder = temporaryFolder();
  const point = folder.at("mount");
  mkdirSync(point);
  const unit = readFileSync(new URL("../../../examples/systemd/srv-shared.service", import.meta.url), "utf8");
  const commandOf = (key: string) => {
    const line = new RegExp(`^${key}=/usr/bin/env dmmap (.*)$`, "m").exec(unit)?.[1] ?? "";
    const words = line.replace("dmmap://10.0.0.5:7400", served.url).replace("/srv/shared", point).split(" ");
    assert.ok(words.includes(point), `${key} is about the mount point`);
    return words;
  };
  try {
    assert.equal((await dmmap(commandOf("ExecStart"))).code, 0);
    writeFileSync(folder.at("mount", "file"), "written");
    assert.equal((await dmmap(commandOf("ExecStop"))).code, 0);
    assert.equal(existsSync(folder.at("mount", "file")), false);
    assert.equal(readFileSync(served.folder.at("file"), "utf8"), "written");
  } finally {
    spawnSync("umount", ["-l", point]);
  }
});
