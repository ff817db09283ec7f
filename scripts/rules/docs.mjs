import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const errorSources = new Set(["src/core/error.ts", "src/core/assert.ts"]);
const errorReference = "docs/errors.md";
const code = /\bDMMAP_[A-Z_]+\b/g;

/** Every error code has its heading in the error reference, and every link between the documents leads somewhere. */
export function checkDocs({ root, sources, documents }) {
  const codes = new Set(
    sources.filter(({ path }) => errorSources.has(path)).flatMap(({ text }) => text.match(code) ?? []),
  );
  const links = documents.flatMap(linksOf);
  return {
    counts: [
      { what: "error codes", count: codes.size },
      { what: "documents", count: documents.length },
      { what: "relative links", count: links.length },
    ],
    problems: [...checkErrorReference(codes, documents), ...links.flatMap((link) => checkLink(root, documents, link))],
  };
}

function checkErrorReference(codes, documents) {
  const reference = documents.find(({ path }) => path === errorReference);
  if (reference === undefined) return [`${errorReference} is missing`];
  const headings = new Set(headingsOf(reference.text).flatMap((heading) => heading.match(code) ?? []));
  return [
    ...[...codes].filter((name) => !headings.has(name)).map((name) => `${errorReference} has no heading for ${name}`),
    ...[...headings]
      .filter((name) => !codes.has(name))
      .map((name) => `${errorReference} explains ${name}: no such code`),
  ];
}

function linksOf({ path, text }) {
  const prose = withoutCode(text);
  return [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)]
    .map((match) => ({ path, target: match[1], line: prose.slice(0, match.index).split("\n").length }))
    .filter(({ target }) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

function checkLink(root, documents, { path, target, line }) {
  const [file, anchor] = target.split("#");
  const to = file === "" ? path : normalize(join(dirname(path), decodeURIComponent(file)));
  if (!existsSync(join(root, to))) return [`${path}:${line} links to ${target}, which does not exist`];
  const document = documents.find((candidate) => candidate.path === to);
  if (anchor === undefined || document === undefined) return [];
  return headingsOf(document.text).map(slugOf).includes(anchor)
    ? []
    : [`${path}:${line} links to ${target}: ${to} has no such heading`];
}

function headingsOf(text) {
  return withoutFences(text)
    .split("\n")
    .filter((line) => /^#{1,6}\s/.test(line))
    .map((line) => line.replace(/^#+\s+/, "").trim());
}

/** As GitHub makes them: lower case, no punctuation, spaces to dashes. */
function slugOf(heading) {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function withoutFences(text) {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, blankLines);
}

function withoutCode(text) {
  return withoutFences(text).replace(/`[^`\n]*`/g, "``");
}

function blankLines(text) {
  return text.replace(/[^\n]/g, "");
}
