import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, closeSync, fchmodSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setAccessList } from "../support/access-list.js";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const openedByOthers = new URL("../../../test/mount/programs/opened-by-others.py", import.meta.url).pathname;

/** As user and group 65534. */
function asNobody(script: string): boolean {
  const who = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return spawnSync("setpriv", [...who, "sh", "-c", script], { timeout: 20_000, stdio: "ignore" }).status === 0;
}

test("what an access list on the home's disk denies no mount gives", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  for (const name of ["open", "denied", "masked"]) writeFileSync(cluster.folder.at(name), name);
  const denies = [
    ["owner", 6],
    ["user", 0, 65534],
    ["group", 4],
    ["mask", 4],
    ["others", 4],
  ] as const;
  setAccessList(cluster.folder.at("denied"), denies);
  chownSync(cluster.folder.at("masked"), 0, 65534);
  setAccessList(cluster.folder.at("masked"), [
    ["owner", 6],
    ["user", 6, 1001],
    ["group", 0],
    ["mask", 6],
    ["others", 0],
  ]);
  for (const where of [cluster.folder, one, other]) {
    assert.equal(asNobody(`cat ${where.at("open")}`), true);
    assert.equal(asNobody(`cat ${where.at("denied")}`), false);
    assert.equal(asNobody(`cat ${where.at("masked")}`), false);
    assert.equal(asNobody(`echo more >> ${where.at("masked")}`), false);
  }
});

test("a program that makes a file in a folder with a default list is told by it of each mode that it sets", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  mkdirSync(one.at("folder"));
  const list = [
    ["owner", 7],
    ["user", 0, 65534],
    ["group", 7],
    ["mask", 7],
    ["others", 7],
  ] as const;
  setAccessList(cluster.folder.at("folder"), list, "default");
  const fd = openSync(one.at("folder/file"), "wx", 0o600);
  fchmodSync(fd, 0o664);
  assert.equal(asNobody(`cat ${one.at("folder/file")}`), false);
  for (const mount of [one, other]) assert.equal(statSync(mount.at("folder/file")).mode % 0o1000, 0o600);
  closeSync(fd);
});

test("nor is there a moment in which somebody else has what the list denies", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  mkdirSync(mount.at("folder"));
  const list = [
    ["owner", 7],
    ["user", 0, 65534],
    ["group", 7],
    ["mask", 7],
    ["others", 7],
  ] as const;
  setAccessList(cluster.folder.at("folder"), list, "default");
  const args = [openedByOthers, mount.at("folder"), "100"];
  const { status, stdout, stderr } = spawnSync("python3", args, { encoding: "utf8", timeout: 60_000 });
  assert.deepEqual([status, stdout], [0, "0\n"], stderr);
});

test("the end of set-user-id leaves an access list's mask as it is", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one] = cluster.mounts;
  writeFileSync(cluster.folder.at("tool"), "a tool");
  chownSync(cluster.folder.at("tool"), 65534, 65534);
  setAccessList(cluster.folder.at("tool"), [
    ["owner", 7],
    ["user", 7, 1001],
    ["group", 0],
    ["mask", 7],
    ["others", 0],
  ]);
  chmodSync(cluster.folder.at("tool"), 0o4770);
  assert.equal(statSync(one.at("tool")).mode % 0o10000, 0o4700);
  assert.equal(asNobody(`echo more >> ${one.at("tool")}`), true);
  assert.equal(statSync(one.at("tool")).mode % 0o10000, 0o700);
  assert.equal(statSync(cluster.folder.at("tool")).mode % 0o10000, 0o770);
});
