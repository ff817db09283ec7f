import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Program } from "../support/program.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { dmmap, serveFolder } from "./dmmap.js";

const skip = lacksUserfaultfd();
const mainJob = new URL("../../examples/main-job/main.js", import.meta.url);
const limitMillis = 120_000;

test("npm start -- --once: every value exact, and the process ends by itself", { skip }, async () => {
  using folder = temporaryFolder();
  using job = new Program(mainJob, ["--once", "--listen", "127.0.0.1:0", "--folder", folder.path]);
  const { code } = await job.end(limitMillis);
  const told = job.lines.join("\n");
  assert.equal(code, 0, `${told}\n${job.errors}`);
  assert.match(told, /\nEvery value was exact\.$/);
  assert.equal(told.match(/✔ node \d, through its map/g)?.length, 3);
  assert.match(told, /✔ 15000 \+ 15000 \+ 15000 \+ 15000: 60000\n/);
  assert.match(told, /✔ messages that arrived whole and in order: 2000\n/);
  assert.match(told, /its own store survives: 42\n/);
  assert.match(told, /policy +ms +faults +KiB received +upgrades +revokes\n +simple .*\n +optimal /);
  assert.match(told, /faults +transfers +MiB in +MiB out +upgrades +revokes +µs per fault\n +node 1 /);
  assert.ok(!told.includes("✘"));
  assert.equal(readFileSync(folder.at("shared-state.bin")).readInt32LE(0), 15_000);
});

test("npm start stays up until Ctrl-C, and the commands that it tells work", { skip }, async () => {
  using folder = temporaryFolder();
  using job = new Program(mainJob, ["--listen", "127.0.0.1:0", "--folder", folder.path]);
  await job.line(/^Ctrl-C ends it\.$/, limitMillis);
  const commands = job.lines.flatMap((line) => line.match(/^ {2}node dist\/src\/cli\/main\.js (.*)$/)?.[1] ?? []);
  assert.equal(commands.length, 7);
  for (const command of commands) {
    const { code, stderr } = await dmmap(command.split(" "));
    assert.equal(code, 0, `${command}\n${stderr}`);
  }
  const page = job.lines.join("\n").match(/See who holds what: (http:\S+)/)?.[1] ?? "";
  assert.match(await (await fetch(page)).text(), /<title>dmmap<\/title>/);
  const tokens = commands.find((command) => command.startsWith("tokens"));
  const { stdout } = await dmmap(tokens?.split(" ") ?? []);
  assert.match(stdout, /\nwrite +\d+ .*node \d/);

  job.kill("SIGINT");
  assert.deepEqual(await job.end(), { code: 0, signal: null });
  assert.ok(existsSync(folder.at("README.md")));
});

test("npm start with its port in use says what to do", { skip }, async () => {
  using home = await serveFolder();
  using folder = temporaryFolder();
  using job = new Program(mainJob, ["--once", "--listen", `127.0.0.1:${home.port}`, "--folder", folder.path]);
  const { code } = await job.end();
  assert.equal(code, 1);
  assert.match(job.errors, /\(DMMAP_PORT_IN_USE\)\ntry: npm start -- --listen 127\.0\.0\.1:0\n$/);
});
