const linesMax = 400;
const badFileName = /(^|\/)[^/]*(utils?|helpers?|common|manager|misc)\b[^/]*\.ts$/;

/** Rules on lines of code: `where` says which files, `pattern` what must not stand in them. */
const lineRules = [
  {
    where: (path) => !path.startsWith("src/cli/"),
    pattern: /\bconsole\s*\./,
    problem: "only the command line prints",
  },
  {
    // A bit operator cuts an offset or a page index down to 32 bits. System call arguments are not offsets, and the
    // middle of a binary search, `(low + high) >>> 1`, is an index into an array; `1 << 7` is a flag.
    where: (path) => !path.startsWith("src/kernel/"),
    pattern: /\s>>\s|(?<!\b1)\s<<\s|\s>>>\s(?!1;)|\|\s*0\b|~~/,
    problem: "R8: no 32-bit operator where an offset or a page index may be",
  },
  {
    // V8 of Node 20 takes 2 µs for each field that it adds to what was spread, 20 ns for all of a literal; and each result has
    // a shape of its own, which no compiled code knows.
    where: (path) => path.startsWith("src/core/"),
    pattern: /\{ \.\.\.[^,{}]+, (?!\.\.\.)/,
    problem: "no fields behind a spread where it is hot: write them all out",
  },
  {
    where: (path) => path.startsWith("src/node/"),
    pattern: /\b(mmap|munmap|madvise|ioctl|memfdCreate|fallocate|ftruncate)\s*\(/,
    problem: "the page cache is mapping's alone",
  },
  {
    where: () => true,
    pattern: /\bas any\b|:\s*any\b|\bBigInt\b|\bbigint\b/,
    problem: "no any, no bigint: offsets and addresses are exact doubles",
  },
];

const textRules = [{ pattern: /\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck|expect-error)/, problem: "unfinished" }];

export function checkSources({ sources }) {
  const problems = sources.flatMap((source) => [
    ...checkFile(source),
    ...lineRules.flatMap((rule) => (rule.where(source.path) ? findIn(source.path, source.code, rule) : [])),
    ...textRules.flatMap((rule) => findIn(source.path, source.text, rule)),
  ]);
  return { counts: [], problems };
}

function checkFile({ path, text }) {
  const problems = [];
  const lineCount = text.split("\n").length - 1;
  if (lineCount > linesMax) problems.push(`${path} has ${lineCount} lines, at most ${linesMax}`);
  if (!/^[a-z0-9.-]+$/.test(path.split("/").at(-1))) problems.push(`${path} is not named in kebab-case`);
  if (badFileName.test(path)) problems.push(`${path} says nothing by its name`);
  return problems;
}

function findIn(path, text, { pattern, problem }) {
  return text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${problem}`] : []));
}
