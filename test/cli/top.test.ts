import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import type { HomeRates } from "../../src/observe/rates.js";
import type { HomeStatus } from "../../src/observe/status.js";
import { Program } from "../support/program.js";
import { lacksProgram, lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { dmmap, dmmapScript, serveFolder } from "./dmmap.js";
import { TerminalProgram } from "./terminal.js";

const skip = lacksUserfaultfd();
const skipTerminal = skip || lacksProgram("python3");

const entered = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const left = "\u001b[?7h\u001b[?25h\u001b[?1049l";

/** What `top --json` says of one look. */
interface JsonLook {
  readonly at: string;
  readonly status: HomeStatus;
  readonly rates: HomeRates | null;
}

test("top --json: a line for each look, with rates from the second on", { skip }, async () => {
  using home = await serveFolder();
  await using volume = await connect(home.url, { name: "the writer" });
  await using file = await volume.open("shared", { create: true, size: 4096 });
  const { code, stdout, stderr } = await dmmap(["top", home.url, "--json", "--count", "3", "--interval", "0.1"]);
  assert.equal(code, 0, stderr);
  const looks = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonLook);
  assert.equal(looks.length, 3);
  for (const { at, status } of looks) {
    assert.equal(new Date(at).toISOString(), at);
    assert.equal(status.url, home.url);
    assert.ok(status.nodes.some(({ name }) => name === "the writer"));
    assert.deepEqual(
      status.files.map(({ name }) => name),
      [file.name],
    );
  }
  assert.equal(looks[0].rates, null);
  const [, before, after] = looks;
  const seconds = (after.status.uptimeMillis - before.status.uptimeMillis) / 1000;
  assert.ok(seconds >= 0.05, `${seconds} s from one look to the next`);
  const requests = (after.status.counters.requests - before.status.counters.requests) / seconds;
  assert.ok(requests > 0); // The look's own.
  assert.equal(after.rates?.requests, requests);
});

test("top without a terminal: looks one after the other, without escape codes", { skip }, async () => {
  using home = await serveFolder();
  await using volume = await connect(home.url, { name: "clear\u001b[2Jed" });
  await using _file = await volume.open("red\u001b[31m", { create: true });
  const { code, stdout, stderr } = await dmmap(["top", home.url, "--count", "2", "--interval", "0.1"]);
  assert.equal(code, 0, stderr);
  const looks = stdout.split("\n\n");
  assert.equal(looks.length, 2);
  for (const look of looks) {
    assert.ok(look.startsWith(`${home.url}  ${home.folder.path}  up `), look);
    assert.match(
      look,
      /\nPer second\n {2}GRANTS .*\n.*\nNodes: 2\n {2}NODE +NAME .*\n(?:.*\n){2}Open files: 1, busiest/,
    );
    assert.match(look, /clear\\u\{1b\}\[2Jed .*connected/);
    assert.match(look, /\n {2}red\\u\{1b\}\[31m +1 /);
  }
  assert.doesNotMatch(stdout, /[^\P{Cc}\n]/u);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`top looks on until ${signal}, which is a good end`, { skip }, async () => {
    using home = await serveFolder();
    using top = new Program(dmmapScript, ["top", home.url, "--interval", "0.05"]);
    await until("the third look", () => top.lines.filter((line) => line.startsWith(home.url)).length >= 3);
    top.kill(signal);
    assert.deepEqual(await top.end(), { code: 0, signal: null });
    assert.equal(top.errors, "");
  });
}

test("a home that dies while top looks: the error of a broken connection", { skip }, async () => {
  using home = await serveFolder();
  using top = new Program(dmmapScript, ["top", home.url, "--json", "--interval", "0.05"]);
  await top.line(/"rates":\{/);
  home.program.kill();
  assert.equal((await top.end()).code, 1);
  assert.match(top.errors, /^dmmap: .* \(DMMAP_UNREACHABLE\)\ntry: .*\n$/);
});

const endings: [string, (top: TerminalProgram) => void][] = [
  ["the key q", (top) => top.type("q")],
  ["Ctrl-C", (top) => top.type("\u0003")],
  ["SIGTERM", (top) => top.signal(15)],
];

for (const [name, end] of endings) {
  test(`top on a terminal, ended by ${name}: gives back the screen and the keys`, { skip: skipTerminal }, async () => {
    using home = await serveFolder();
    using top = new TerminalProgram(["top", home.url, "--interval", "60"], { rows: 24, columns: 100 });
    await top.shows("the first look", (lines) => lines[0].startsWith(home.url));
    end(top);
    assert.deepEqual(await top.end(), { code: 0, restored: true });
    assert.ok(top.written.startsWith(entered));
    assert.ok(top.written.endsWith(left));
    assert.equal(top.written.split(entered).length, 2);
  });
}

const suspensions: [string, (top: TerminalProgram) => void][] = [
  ["Ctrl-Z", (top) => top.type("\u001a")],
  ["SIGTSTP", (top) => top.signal(20)],
];

for (const [name, suspend] of suspensions) {
  test(`top on a terminal, stopped by ${name}: gives back the screen and the keys until it goes on`, {
    skip: skipTerminal,
  }, async () => {
    using home = await serveFolder();
    using top = new TerminalProgram(["top", home.url, "--interval", "3600"], { rows: 24, columns: 100 });
    await top.shows("the first look", (lines) => lines[0].startsWith(home.url));
    for (const times of [1, 2]) {
      suspend(top);
      assert.equal(await top.stops(times), true, "the keys are the shell's");
      await until("the screen is given back", () => top.written.endsWith(left));
      top.resize(2 + times, 100);
      top.continue();
      await top.shows("as much as there is room for now", (lines) => lines.length === 2 + times);
      assert.equal(top.written.split(entered).length, times + 2);
    }
    top.type("q");
    assert.deepEqual(await top.end(), { code: 0, restored: true });
    assert.ok(top.written.endsWith(left));
  });
}

test("top that was stopped for longer than the lease looks on, and ends when the home has gone meanwhile", {
  skip: skipTerminal,
}, async () => {
  using home = await serveFolder(["--lease", "0.5"]);
  await using volume = await connect(home.url);
  using top = new TerminalProgram(["top", home.url, "--interval", "0.1"], { rows: 24, columns: 100 });
  const isConnected = async () =>
    (await volume.status()).nodes.some(({ name, state }) => name.startsWith("dmmap[") && state === "connected");
  await top.shows("the first look", (lines) => lines[0].startsWith(home.url));
  top.type("\u001a");
  await top.stops(1);
  while (await isConnected()); // The home waits for the lease.
  const { drawings } = top;
  top.continue();
  await until("some more looks", () => top.drawings > drawings + 5);
  top.type("\u001a");
  await top.stops(2);
  home.program.kill();
  top.continue();
  assert.deepEqual(await top.end(), { code: 1, restored: true });
});

test("top on a terminal that was stopped by SIGSTOP takes the screen and the keys again", {
  skip: skipTerminal,
}, async () => {
  using home = await serveFolder();
  using top = new TerminalProgram(["top", home.url, "--interval", "3600"], { rows: 24, columns: 100 });
  await top.shows("the first look", (lines) => lines[0].startsWith(home.url));
  top.signal(19);
  await top.stops(1);
  top.resize(3, 100);
  top.continue();
  await top.shows("as much as there is room for now", (lines) => lines.length === 3);
  assert.ok(top.written.split(entered).length > 2);
  top.type("q");
  assert.deepEqual(await top.end(), { code: 0, restored: true });
});

test("top on a terminal draws over what is there, as large as the terminal is now", {
  skip: skipTerminal,
}, async () => {
  using home = await serveFolder();
  await using volume = await connect(home.url, { name: "the writer" });
  const files = await Promise.all(
    Array.from({ length: 30 }, async (_, index) => await volume.open(`file-${index}`, { create: true })),
  );
  using top = new TerminalProgram(["top", home.url, "--interval", "0.1"], { rows: 20, columns: 100 });
  await top.shows("rates", (lines) => lines.some((line) => /^( +[\d.]+){7}( +[\d.]+ K?i?B){2}$/.test(line)));
  assert.equal(top.lines.length, 20);
  assert.ok(
    top.lines.some((line) => /^Open files: 30, busiest first, \d+ left out$/.test(line)),
    top.lines.join("\n"),
  );
  top.resize(60, 50);
  await top.shows("a taller and narrower screen", (lines) => lines.length > 30);
  assert.ok(top.lines.includes(`Open files: ${files.length}, busiest first`));
  assert.ok(top.lines.every((line) => Array.from(line).length <= 50));
  top.type("q");
  assert.deepEqual(await top.end(), { code: 0, restored: true });
  assert.ok(!top.written.includes("\u001b[2J"), "a screen that is cleared flickers");
});

test("top on a terminal that is resized between two looks draws at once", { skip: skipTerminal }, async () => {
  using home = await serveFolder();
  using top = new TerminalProgram(["top", home.url, "--interval", "3600"], { rows: 24, columns: 100 });
  await top.shows("the first look", (lines) => lines.length > 3);
  top.resize(3, 100);
  await top.shows("three lines", (lines) => lines.length === 3);
  top.type("q");
  assert.equal((await top.end()).code, 0);
});

test("a home that dies while top has the screen: the message stays to be read", { skip: skipTerminal }, async () => {
  using home = await serveFolder();
  using top = new TerminalProgram(["top", home.url, "--interval", "0.1"], { rows: 24, columns: 100 });
  await top.shows("the first look", (lines) => lines[0].startsWith(home.url));
  home.program.kill();
  assert.deepEqual(await top.end(), { code: 1, restored: true });
  const [, after] = top.written.split(left);
  assert.match(after, /^dmmap: .* \(DMMAP_UNREACHABLE\)\r+\ntry: .*\r+\n$/);
});
