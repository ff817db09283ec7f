import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { MountCluster } from "../mount/mount-cluster.js";
import { lacks } from "./packages.js";
import { attempt, run } from "./run.js";

const skip = lacks("git");
const who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0"];
const commitsEach = 5;
const triesMax = 200;
const locked = /\.lock|cannot lock ref/;
const lockedOrPutBack = /\.lock|cannot lock ref|did not match any file/;

test("git: two hosts commit to one repository, in turn and at once", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const folders = cluster.mounts.map((mount) => mount.at("repository"));
  await run("git", ["init", "--quiet", folders[0]]);
  for (const [index, cwd] of folders.entries()) {
    writeFileSync(`${cwd}/turn-${index}`, `${index}\n`);
    await run("git", ["add", "--all"], { cwd });
    await run("git", [...who, "commit", "--quiet", "--message", `turn ${index}`], { cwd });
  }
  await Promise.all(folders.map((cwd, index) => commitMany(cwd, index)));
  for (const cwd of folders) {
    await run("git", ["fsck", "--strict", "--full"], { cwd });
    assert.equal((await run("git", ["rev-list", "--count", "HEAD"], { cwd })).trim(), String(2 + 2 * commitsEach));
    assert.equal(await run("git", ["status", "--porcelain"], { cwd }), "");
  }
});

/**
 * Each commit changes a file of its own. Who finds a lock taken by the other host tries again, as people do, from the
 * `git add` on: git 2.39 reads the index before it takes index.lock to write it, so a commit of the other host can put
 * back an index that has not got what was added in between. On a local disk, too: 12 of 600 commits, two processes.
 */
async function commitMany(cwd: string, index: number): Promise<void> {
  for (let count = 0; count < commitsEach; count++) {
    const name = `at-once-${index}-${count}`;
    writeFileSync(`${cwd}/${name}`, `${name}\n`);
    await persist(name, cwd);
  }
}

async function persist(name: string, cwd: string): Promise<void> {
  const commit = [...who, "commit", "--quiet", "--message", name, "--", name];
  for (let tries = 0; tries < triesMax; tries++) {
    const wentOn = await mayHave(["add", name], cwd, locked);
    if (wentOn && (await mayHave(commit, cwd, lockedOrPutBack))) return;
  }
  assert.fail(`${name}: the lock was taken ${triesMax} times`);
}

/** Whether it was done; if not, then for a reason that `allowed` names. */
async function mayHave(args: string[], cwd: string, allowed: RegExp): Promise<boolean> {
  const { code, output, errors } = await attempt("git", args, { cwd });
  if (code !== 0) assert.match(output + errors, allowed, `git ${args.join(" ")}`);
  return code === 0;
}
