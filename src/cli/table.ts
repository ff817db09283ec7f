import { visible } from "../kernel/visible.js";

/** Lines with aligned columns: text to the left, numbers (columns named in `right`) to the right. Cells are made visible. */
export function columns(given: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const rows = given.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, index) => (right.includes(index) ? cell.padStart(widths[index]) : cell.padEnd(widths[index])))
      .join("  ")
      .trimEnd(),
  );
}

/** One line per fact: `name  value`. */
export function facts(rows: readonly (readonly [string, string | number])[]): string[] {
  return columns(rows.map(([name, value]) => [name, String(value)]));
}

/** The same, below a heading. */
export function titled(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => `  ${line}`)];
}
