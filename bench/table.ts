import type { Result } from "./rounds.js";

const columns = ["benchmark", "unit", "dmmap", "reference", "ratio", "range", "expected", "the reference"];
const isNumber = [false, false, true, true, true, false, false, false];

export function formatTable(results: readonly Result[]): string {
  const notes = results.flatMap((result) => result.notes.map((note) => `${result.name}: ${note}`));
  const table = formatColumns([columns, ...results.map(rowOf)], isNumber);
  return [table, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

/** Rows under a heading and a rule; numbers stand to the right. */
export function formatColumns(rows: readonly (readonly string[])[], isRight: readonly boolean[]): string {
  const widths = isRight.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (isRight[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join("  ")
      .trimEnd(),
  );
  const rule = "-".repeat(Math.max(...lines.map((line) => line.length)));
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function rowOf(result: Result): string[] {
  const { ratios } = result;
  return [
    result.name,
    result.unit,
    formatNumber(result.dmmap),
    formatNumber(result.reference),
    result.ratio.toFixed(2),
    `${Math.min(...ratios).toFixed(2)}..${Math.max(...ratios).toFixed(2)}`,
    result.target,
    result.referenceName,
  ];
}

export function formatNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 1 ? 1 : 2);
}
