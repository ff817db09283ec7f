import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountStage } from "./mount-stage.js";

const skip = lacksFuse();
const stage = new MountStage();
const count = 40;

/**
 * Folders that programs of `other` have made in one folder, and those of `one` have moved to another. Nobody comes by the former
 * on `other` after that, nor by a folder above both: there the kernel would drop what it does not use.
 */
function makeAndMove(name: string): { readonly one: string; readonly other: string } {
  const [one, other] = stage.cluster.mounts.map((mount) => mount.at(name));
  for (const place of ["new", "ready", "done"]) mkdirSync(`${other} ${place}`);
  for (let index = 0; index < count; index++) {
    mkdirSync(`${other} new/${index}`);
    writeFileSync(`${other} new/${index}/file`, "");
  }
  for (let index = 0; index < count; index++) renameSync(`${one} new/${index}`, `${one} ready/${index}`);
  return { one, other };
}

test("a folder that another host has moved is moved on by who has not looked at it since", { skip }, () => {
  const { one, other } = makeAndMove("moved");
  for (let index = 0; index < count; index++) renameSync(`${other} ready/${index}`, `${other} done/${index}`);
  for (const place of [one, other]) assert.equal(readdirSync(`${place} done`).length, count);
});

test("also when it is in use here, and back to the folder of before", { skip }, async () => {
  const { one, other } = makeAndMove("used");
  const [, process] = await stage.start(2);
  for (let index = 0; index < count; index++) {
    await process.run(`os.chdir("used ready/${index}")`);
    renameSync(`${one} ready/${index}`, `${one} done/${index}`);
    renameSync(`${other} done/${index}`, `${other} ready/again ${index}`);
    assert.match(
      (await process.run("os.getcwd()")) as string,
      /ready\/again/,
      "where the process is, it is told rightly",
    );
    await process.run("os.chdir('../..')");
  }
});

test("also from one open folder to another", { skip }, async () => {
  makeAndMove("opened");
  const [, process] = await stage.start(2);
  for (const place of ["ready", "done"])
    await process.run(`set_variable("${place}", os.open("opened ${place}", os.O_PATH))`);
  const move = "os.rename(str(index), str(index), src_dir_fd=ready, dst_dir_fd=done)";
  await process.run(`[${move} for index in range(${count})] and 0`);
});

test("of several programs of both hosts that would move it on, one does, and the others find it gone", {
  skip,
}, async () => {
  makeAndMove("raced");
  const racers = await stage.start(4);
  const order = `random.sample(range(${count}), ${count})`;
  const claim = "os.rename('raced ready/{index}', 'raced done/{os.getpid()} {index}')";
  const race = `{index: answer_to(f"${claim}") for index in ${order}}`;
  const answers = (await Promise.all(racers.map((racer) => racer.run(race)))) as Record<string, string>[];
  for (let index = 0; index < count; index++) {
    const each = answers.map((answersOfOne) => answersOfOne[index]).sort();
    const gone = '{"error": "ENOENT"}';
    assert.deepEqual(each, [gone, gone, gone, '{"ok": null}'], `folder ${index}`);
  }
});

test("programs that move such folders on at once, each its own, do not stand in each other's way", {
  skip,
}, async () => {
  const racers = (await stage.start(12)).filter((_, index) => index % 2 === 1);
  for (const own of racers.keys()) makeAndMove(`own ${own}`);
  const move = (own: number) => `os.rename(f"own ${own} ready/{index}", f"own ${own} done/{index}")`;
  await Promise.all(racers.map((racer, own) => racer.run(`[${move(own)} for index in range(${count})] and 0`)));
});
