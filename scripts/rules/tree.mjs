import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { codeOf } from "./code-of.mjs";

const ignored = new Set(["node_modules", "dist", "volume"]);

/**
 * The files the rules look at. `path` is relative to the root; `code` is the text with comments and the insides of
 * strings blanked out, line for line, so that a rule on code is not set off by prose.
 */
export function readTree(root) {
  const paths = filesUnder(root).map((path) => relative(root, path));
  return {
    root,
    sources: paths.filter((path) => /^src\/.*(?<!\.d)\.ts$/.test(path)).map((path) => readSource(root, path)),
    documents: paths.filter(isDocument).map((path) => ({ path, text: readFileSync(join(root, path), "utf8") })),
  };
}

function readSource(root, path) {
  const text = readFileSync(join(root, path), "utf8");
  return { path, text, code: codeOf(text) };
}

function isDocument(path) {
  return path.endsWith(".md") && /^([^/]+$|(docs|src|examples|bench|sim|test)\/)/.test(path);
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (ignored.has(entry.name) || entry.name.startsWith(".")) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}
