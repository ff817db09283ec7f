import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { visible } from "../../src/kernel/visible.js";
import { lacksProgram, lacksUserfaultfd } from "../support/requires.js";
import { dmmap, serveFolder } from "./dmmap.js";
import { TerminalProgram } from "./terminal.js";

const skip = lacksUserfaultfd();
const name = "red\u001b[31m\nnext";
const spelledOut = "red\\u{1b}[31m\\u{a}next";

test("what cannot be seen is spelled out, and what can is left", () => {
  assert.equal(visible(name), spelledOut);
  assert.equal(visible("a\u009bb\u200ec\u2028d\u007f"), "a\\u{9b}b\\u{200e}c\\u{2028}d\\u{7f}");
  assert.equal(visible("Ünï/cødé 名前 \\ 🙂"), "Ünï/cødé 名前 \\ 🙂");
});

test("ls: names as they are for who reads them, and spelled out on a terminal", {
  skip: skip || lacksProgram("python3"),
}, async () => {
  using home = await serveFolder();
  writeFileSync(home.folder.at(name), "");
  assert.equal((await dmmap(["ls", home.url])).stdout, `${name}\n`);
  using terminal = new TerminalProgram(["ls", home.url], { rows: 24, columns: 80 });
  assert.equal((await terminal.end()).code, 0);
  assert.match(terminal.written, /^red\\u\{1b\}\[31m\\u\{a\}next\r+\n$/);
});

test("messages are one line each, whatever name is in them", { skip }, async () => {
  using home = await serveFolder();
  const { stderr } = await dmmap(["stat", home.url, name]);
  assert.ok(stderr.startsWith("dmmap: "), stderr);
  const { stderr: missing } = await dmmap(["stat", `${home.url}/${name}`]);
  for (const text of [missing, stderr])
    assert.ok(!text.includes("\u001b") && text.trimEnd().split("\n").length === 2, text);
  assert.ok(missing.includes(spelledOut), missing);
});

test("what is said from any thread is one line as well", () => {
  const module = new URL("../../src/kernel/standard-error.js", import.meta.url).href;
  const script = `import { say } from ${JSON.stringify(module)}; say(${JSON.stringify(name)});`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(stderr, `dmmap: ${spelledOut}\n`);
});
