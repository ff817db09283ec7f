import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Mapping } from "../../src/mapping/index.js";
import { Program } from "../support/program.js";
import { lacksUserfaultfd } from "../support/requires.js";

const skip = lacksUserfaultfd();

function run(ending: string): Program {
  return new Program(new URL("./ending-program.js", import.meta.url), [ending]);
}

for (const [ending, code] of [
  ["returns", 0],
  ["exits", 3],
  ["throws", 1],
  ["exitsWithThreadInFault", 4],
  ["exitsWithIdleThread", 5],
  ["returnsWithUnreferencedThreadInFault", 0],
] as const) {
  test(`a process with a live mapping ends by itself: ${ending}`, { skip }, async () => {
    using program = run(ending);
    const ended = await program.end(10_000);
    assert.deepEqual(ended, { code, signal: null }, program.errors);
    assert.deepEqual(program.lines.slice(0, 2), ["value 1", "written 1 on exit"].slice(0, program.lines.length));
    assert.equal(program.lines.at(-1), "written 1 on exit", "stores are written back as the process ends");
  });
}

test("a hook that throws stops the process with a message", { skip }, async () => {
  using program = run("hookThrows");
  const { signal } = await program.end(10_000);
  assert.equal(signal, "SIGABRT");
  assert.match(program.errors, /dmmap: the pager failed; its process stops/);
  assert.match(program.errors, /TypeError: this hook is broken/);
});

test("a pending promise keeps the process alive until it is settled", { skip }, async () => {
  using program = run("awaitsWriteBack");
  await program.line(/writing/);
  const { code } = await program.end(10_000);
  assert.equal(code, 0);
  assert.ok(program.lines.includes("done"));
});

test("a program that is no file has mappings, too", { skip }, () => {
  const places = ["../../src/mapping/index.js", "./disk-hooks.js"].map((path) => new URL(path, import.meta.url).href);
  const script = `
    import { Mapping } from "${places[0]}";
    const mapping = await Mapping.create({ size: 4096, hooks: new URL("${places[1]}") });
    await mapping.close();
    console.log("closed");`;
  for (const option of [["--input-type=module"], ["--input-type", "module"]]) {
    const { stdout, stderr } = spawnSync(process.execPath, [...option, "--eval", script], { encoding: "utf8" });
    assert.equal(stdout, "closed\n", stderr);
  }
});

test("hooks that could never go on are refused", { skip }, async () => {
  const hooks = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  await assert.rejects(
    Mapping.create({ size: 4096, hooks: hooks("export function noPage() {} export async function writePages() {}") }),
    { name: "TypeError", message: /writePages is async, and no promise is settled on the pager thread/ },
  );
  await assert.rejects(Mapping.create({ size: 4096, hooks: hooks("") }), /exports no function noPage/);
});
