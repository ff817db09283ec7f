import { formatColumns, formatNumber } from "../table.js";
import type { MountResult } from "./mount-rounds.js";
import type { MountFigures } from "./mount-suite.js";

/** One table: the figures on each volume, then how many times as fast as the others dmmap is. */
export function formatMountTable({ volumes, results, missing }: MountFigures): string {
  const [, ...others] = volumes;
  const columns = ["benchmark", "unit", ...volumes, ...others.map((name) => `× ${name}`), "expected"];
  const isNumber = columns.map((_, column) => column >= 2 && column < columns.length - 1);
  const rows = results.map((result) => [
    result.name,
    result.unit,
    ...volumes.map((volume) => figureIn(result, volume)),
    ...others.map((volume) => result.speeds[volume]?.toFixed(2) ?? "-"),
    result.expected,
  ]);
  const notes = [...results.flatMap(({ name, notes: of }) => of.map((note) => `${name}: ${note}`)), ...missing];
  const table = results.length === 0 ? [] : [formatColumns([columns, ...rows], isNumber)];
  return [...table, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

function figureIn({ figures }: MountResult, volume: string): string {
  const figure = figures[volume];
  return figure === undefined ? "wrong" : formatNumber(figure);
}
