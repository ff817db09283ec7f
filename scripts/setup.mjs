// Makes a checkout ready to run, from nothing but Node and npm: dependencies when they differ from package-lock.json,
// the build when a source changed. Does nothing, quickly and without the network, when nothing is to be done.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeMin = [20, 19];
const sourceFolders = ["src", "test", "bench", "examples", "sim"];
/** What runs in Node, and what runs in a browser. */
const projects = ["tsconfig.json", "src/dashboard/page/tsconfig.json"];
const stamp = join(root, "dist/.built");

export function setUp() {
  requireMachine();
  if (!dependenciesMatch()) installDependencies();
  build();
}

function requireMachine() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < nodeMin[0] || (major === nodeMin[0] && minor < nodeMin[1])) {
    stop(
      `dmmap needs Node ${nodeMin.join(".")} or newer; this is ${process.version}. Get one from https://nodejs.org.`,
    );
  }
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    stop(
      `dmmap needs Linux on x64 or arm64 (it lives on userfaultfd); this is ${process.platform} on ${process.arch}.`,
    );
  }
}

/** npm writes node_modules/.package-lock.json last: what it names is really there. */
function dependenciesMatch() {
  const hidden = join(root, "node_modules/.package-lock.json");
  if (!existsSync(hidden)) return false;
  const installed = readPackages(hidden);
  return Object.entries(readPackages(join(root, "package-lock.json"))).every(
    ([path, wanted]) =>
      path === "" ||
      installed[path]?.version === wanted.version ||
      (wanted.optional === true && !isForThisMachine(wanted)),
  );
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

function isForThisMachine({ os, cpu, libc }) {
  return (
    (os === undefined || os.includes(process.platform)) &&
    (cpu === undefined || cpu.includes(process.arch)) &&
    (libc === undefined || libc.includes(libcName()))
  );
}

function libcName() {
  return process.report.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc";
}

/**
 * Not `npm ci`: it refuses a lock file without the optional packages of other platforms, which a mirror of the registry
 * may not have. Install takes the same locked versions, and --no-save leaves the lock file alone. No package needs its
 * install script: the system call bindings come prebuilt.
 */
function installDependencies() {
  console.log("setup: installing dependencies");
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--include=dev"];
  const { status, error } = spawnSync("npm", args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (error !== undefined) stop(`npm did not start: ${error.message}. It comes with Node: is it on the PATH?`);
  if (status !== 0) stop(`npm install failed, see above. Without the network? Try again once there is one.`);
  if (!dependenciesMatch()) stop("npm left out a package that this machine needs: is `omit=optional` set in a .npmrc?");
}

/** The stamp is the hash of what the build read, so a file that went back in time, or went away, counts as a change. */
function build() {
  const sources = listSources();
  const others = [...projects, "node_modules/typescript/package.json"].map((path) => join(root, path));
  const hash = hashOf([...sources, ...others]);
  const isWhole = sources.every((source) => existsSync(outputOf(source)));
  if (isWhole && existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;

  // tsc does not emit again what its own notes call up to date, even where the output is gone.
  if (!isWhole)
    for (const file of [".tsbuildinfo", ".page.tsbuildinfo"]) rmSync(join(root, "dist", file), { force: true });
  rmSync(stamp, { force: true });
  const started = performance.now();
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  for (const project of projects) {
    const { status } = spawnSync(process.execPath, [tsc, "-p", project], { cwd: root, stdio: "inherit" });
    if (status !== 0) stop("the build failed, see above.");
  }
  for (const asset of sources.filter((source) => !source.endsWith(".ts"))) copyFileSync(asset, outputOf(asset));
  const removed = removeStale(new Set(sources.map(outputOf)));
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`setup: built ${sources.length} files in ${seconds} s${removed > 0 ? `, removed ${removed} stale` : ""}`);
}

/** What is compiled, and what is copied. */
function listSources() {
  const files = sourceFolders.flatMap((folder) => filesUnder(join(root, folder)));
  return files.filter((file) => /(?<!\.d)\.ts$|\/page\/.*\.(html|css)$/.test(file));
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(root, file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function outputOf(source) {
  return join(root, "dist", relative(root, source).replace(/\.ts$/, ".js"));
}

/** Removes what an earlier build made of sources that are gone: a deleted test would run for ever. */
function removeStale(outputs) {
  let removed = 0;
  for (const file of filesUnder(join(root, "dist"))) {
    const output = file.replace(/\.d\.ts$|\.js\.map$/, ".js");
    if (!/\.(js|html|css)$/.test(output) || outputs.has(output)) continue;
    rmSync(file);
    removed++;
  }
  return removed;
}

function stop(reason) {
  console.error(`setup: ${reason}`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
