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

/** Each commit changes a file of its own. Who finds index.lock taken by the other host tries again, as people do. */
async function commitMany(cwd: string, index: number): Promise<void> {
  for (let count = 0; count < commitsEach; count++) {
    const name = `at-once-${index}-${count}`;
    writeFileSync(`${cwd}/${name}`, `${name}\n`);
    await persist(["add", name], cwd);
    await persist([...who, "commit", "--quiet", "--message", name, "--", name], cwd);
  }
}

async function persist(args: string[], cwd: string): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    const { code, output, errors } = await attempt("git", args, { cwd });
    if (code === 0) return;
    assert.match(output + errors, /\.lock|cannot lock ref/, `git ${args.join(" ")}`);
  }
  assert.fail(`git ${args.join(" ")}: the lock was taken ${triesMax} times`);
}
