import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

const good: Record<string, string> = {
  "README.md": "# Project\n\nSee [errors](docs/errors.md#dmmap_io).\n",
  "docs/errors.md": "# Errors\n\n## `DMMAP_IO`\n\nThe disk.\n",
  "src/core/error.ts": 'export type ErrorCode = "DMMAP_IO";\n',
  "src/core/units.ts": 'import type { ErrorCode } from "./error.js";\nexport const code: ErrorCode = "DMMAP_IO";\n',
  "src/kernel/libc.ts": 'import koffi from "koffi";\nexport const library = koffi.load("libc.so.6");\n',
  "src/mapping/index.ts": 'export { library } from "../kernel/libc.js";\n',
  "src/node/index.ts": 'export { code } from "../core/units.js";\n',
};

const script = new URL("../../../scripts/check.mjs", import.meta.url);
const { checkHouse }: { checkHouse: (root: string) => string[] } = await import(script.href);

/** Builds a small house in a folder, given as files by path. */
function build(folder: TemporaryFolder, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(folder.at(path)), { recursive: true });
    writeFileSync(folder.at(path), text);
  }
}

function problemsOf(files: Record<string, string>): string {
  using folder = temporaryFolder();
  build(folder, files);
  return checkHouse(folder.path).join("\n");
}

function rejects(files: Record<string, string>, problem: RegExp): void {
  assert.match(problemsOf({ ...good, ...files }), problem);
}

test("a house in order passes", () => {
  assert.equal(problemsOf(good), "");
});

test("the command's exit code tells", () => {
  using folder = temporaryFolder();
  build(folder, good);
  const run = () => spawnSync(process.execPath, [script.pathname, folder.path], { encoding: "utf8" });
  assert.deepEqual({ status: run().status, stderr: run().stderr }, { status: 0, stderr: "" });
  build(folder, { "src/core/x.ts": "await 1;\n" });
  assert.equal(run().status, 1);
  assert.match(run().stderr, /core is pure/);
});

test("an empty house fails: a check that saw nothing has not passed", () => {
  const problems = problemsOf({});
  assert.match(problems, /0 source files/);
  assert.match(problems, /0 error codes/);
});

const upward: Record<string, string> = {
  "src/core/x.ts": "../kernel/libc.js",
  "src/kernel/x.ts": "../core/units.js",
  "src/mapping/x.ts": "../core/units.js",
  "src/store/x.ts": "../mapping/index.js",
  "src/home/x.ts": "../node/index.js",
  "src/node/x.ts": "../home/index.js",
  "src/observe/x.ts": "../node/index.js",
  "src/cli/x.ts": "../../test/support/until.js",
  "src/nowhere/x.ts": "../core/units.js",
};

for (const [path, specifier] of Object.entries(upward)) {
  test(`layers: ${path} may not import ${specifier}, in any way of writing it`, () => {
    const place = new RegExp(`^${path}:1 `, "m");
    rejects({ [path]: `import { x } from "${specifier}";\n` }, place);
    rejects({ [path]: `export * from '${specifier}';\n` }, place);
    rejects({ [path]: `import "${specifier}";\n` }, place);
    rejects({ [path]: `export type X = import("${specifier}").X;\n` }, place);
    rejects({ [path]: `const x = import("${specifier}");\n` }, place);
    rejects({ [path]: `const x = new URL("${specifier}", import.meta.url);\n` }, place);
  });
}

test("layers: node uses the page cache through mapping only", () => {
  rejects({ "src/node/x.ts": 'import { Region } from "../kernel/region.js";\n' }, /node may import only/);
  rejects({ "src/node/x.ts": 'import { mmap } from "../kernel/libc.js";\nmmap(0, 4096);\n' }, /x\.ts:2 the page cache/);
});

test("layers: one file calls out of JavaScript", () => {
  rejects({ "src/store/x.ts": 'import koffi from "koffi";\n' }, /only src\/kernel\/libc\.ts/);
});

for (const code of [
  'import { readFileSync } from "node:fs";',
  'import fc from "fast-check";',
  "const now = Date.now();",
  "const dice = Math.random();",
  "const now = performance.now();",
  "setTimeout(() => undefined, 1);",
  "const later: Promise<void> | undefined = undefined;",
  "async function f() {}",
  "const text = `${process.pid}`;",
]) {
  test(`core is pure: ${code}`, () => {
    rejects({ "src/core/x.ts": `${code}\n` }, /^src\/core\/x\.ts:1 core/m);
  });
}

test("what stands in a comment, a string or a regular expression is no code", () => {
  const prose = [
    '// import { x } from "../kernel/libc.js"; Promise, Date.now()',
    "/* async\n * console.log */",
    "const text = \"Promise // 'await'\" + 'x >> 1' + `Date ${1 + 1} await`;",
    "const pattern = /[\"/]async'/;",
    "const half = 4 / 2; // async",
  ].join("\n");
  assert.equal(problemsOf({ ...good, "src/core/x.ts": `${prose}\n` }), "");
});

test("what follows such prose is code again", () => {
  const code = 'const pattern = /["/]/;\nconst text = `a ${"}"} b`;\nconst half = 4 / 2;\nawait 1;\n';
  rejects({ "src/core/x.ts": code }, /^src\/core\/x\.ts:4 core is pure/m);
});

test("sources: length, printing, 32-bit operators, names, leftovers", () => {
  rejects({ "src/node/x.ts": "\n".repeat(401) }, /401 lines/);
  rejects({ "src/node/x.ts": "console.log(1);\n" }, /only the command line prints/);
  rejects({ "src/node/x.ts": "const page = offset >> 12;\n" }, /R8/);
  rejects({ "src/node/x.ts": "const page = offset >>> 12;\n" }, /R8/);
  rejects({ "src/node/x.ts": "const page = (offset / 4096) | 0;\n" }, /R8/);
  rejects({ "src/node/x.ts": "const offset = 1n as bigint;\n" }, /no bigint/);
  rejects({ "src/node/x.ts": "const x = y as any;\n" }, /no any/);
  rejects({ "src/core/x.ts": "list.push({ ...range, reached: 0 });\n" }, /behind a spread/);
  rejects({ "src/node/node-utils.ts": "export {};\n" }, /says nothing by its name/);
  rejects({ "src/node/NodeFile.ts": "export {};\n" }, /kebab-case/);
  rejects({ "src/node/x.ts": `// ${["TO", "DO"].join("")}: all of it\n` }, /unfinished/);
  const fine = "const middle = (low + high) >>> 1;\nlet queue: Map<number, Set<number>> = later;\n";
  assert.equal(problemsOf({ ...good, "src/node/x.ts": fine }), "");
});

test("errors: each code has its heading, and each heading its code", () => {
  rejects({ "src/core/error.ts": 'export type ErrorCode = "DMMAP_IO" | "DMMAP_NEW";\n' }, /no heading for DMMAP_NEW/);
  rejects({ "docs/errors.md": "## DMMAP_IO\n\n## DMMAP_OLD\n" }, /explains DMMAP_OLD/);
  rejects({ "docs/errors.md": "# Errors\n\nSee DMMAP_IO.\n" }, /no heading for DMMAP_IO/);
});

test("documents: a relative link leads somewhere", () => {
  rejects({ "README.md": "[gone](docs/gone.md)\n" }, /README\.md:1 links to docs\/gone\.md/);
  rejects({ "README.md": "x\n\n[gone](docs/errors.md#gone)\n" }, /README\.md:3 .* no such heading/);
});
