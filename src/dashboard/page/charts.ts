import uPlot from "uplot";
import { formatByteSize, formatRate } from "../../observe/quantities.js";
import { type HomeRates, ratesBetween } from "../../observe/rates.js";
import type { HomeStatus } from "../../observe/status.js";

/** Seconds that are shown. */
const historySeconds = 300;
const chartHeight = 150;

interface Line {
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly color: string;
  readonly value: (rates: HomeRates, status: HomeStatus) => number;
}

interface Chart {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** What ticks may be apart. */
  readonly steps?: number[];
}

const charts: readonly Chart[] = [
  {
    title: "Tokens per second",
    format: formatRate,
    lines: [
      { label: "granted", color: "--one", value: ({ grants }) => grants },
      { label: "upgraded", color: "--two", value: ({ upgrades }) => upgrades },
      { label: "revoked", color: "--three", value: ({ revokes }) => revokes },
    ],
  },
  {
    title: "Data per second",
    format: formatByteSize,
    steps: Array.from({ length: 50 }, (_, power) => 2 ** power),
    lines: [
      { label: "to nodes", color: "--one", value: ({ dataBytes }) => dataBytes },
      { label: "from nodes", color: "--two", value: ({ writeBytes }) => writeBytes },
    ],
  },
  {
    title: "Requests per second",
    format: formatRate,
    lines: [
      { label: "names and attributes", color: "--one", value: ({ requests }) => requests },
      { label: "locks", color: "--two", value: ({ locks }) => locks },
      { label: "recalls", color: "--three", value: ({ recalls }) => recalls },
    ],
  },
  {
    title: "Waiting now",
    format: String,
    steps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
    lines: [
      { label: "for tokens", color: "--one", value: (_, { files }) => sum(files.map(({ waiters }) => waiters)) },
      {
        label: "for locks",
        color: "--two",
        value: (_, { files }) => sum(files.map(({ locksWaiting }) => locksWaiting)),
      },
    ],
  },
];

/** What the home has done over the last minutes, for as long as the page is open. */
export class Charts {
  readonly #plots: readonly uPlot[];
  readonly #seconds: number[] = [];
  readonly #values: (number | null)[][][] = charts.map(({ lines }) => lines.map(() => []));
  #before: HomeStatus | undefined;

  constructor(container: HTMLElement) {
    this.#plots = charts.map((chart) => plot(chart, container));
    new ResizeObserver(() => {
      for (const each of this.#plots) each.setSize({ width: widthIn(each.root), height: chartHeight });
    }).observe(container);
  }

  /** One more look at the home. What happened while it was not looked at, or was started anew, leaves a gap. */
  add(status: HomeStatus): void {
    const rates = this.#before === undefined ? undefined : ratesBetween(this.#before, status);
    this.#before = status;
    const now = Date.now() / 1000;
    this.#seconds.push(now);
    const old = this.#seconds.findIndex((second) => second >= now - historySeconds);
    this.#seconds.splice(0, old);
    for (const [index, { lines }] of charts.entries()) {
      for (const [at, line] of lines.entries()) {
        const values = this.#values[index][at];
        values.push(rates === undefined ? null : line.value(rates, status));
        values.splice(0, old);
      }
      this.#plots[index].setData([this.#seconds, ...this.#values[index]], false);
      const top = Math.max(1, ...this.#values[index].flat().map((value) => value ?? 0));
      this.#plots[index].batch(() => {
        this.#plots[index].setScale("x", { min: now - historySeconds, max: now });
        this.#plots[index].setScale("y", { min: 0, max: top * 1.1 });
      });
      const isPointedAt = (this.#plots[index].cursor.left ?? -1) >= 0;
      if (!isPointedAt) this.#plots[index].setLegend({ idx: this.#seconds.length - 1 });
    }
  }

  /** The home does not answer: what comes next follows after a gap. */
  interrupt(): void {
    this.#before = undefined;
  }
}

function plot({ title, lines, format, steps }: Chart, container: HTMLElement): uPlot {
  const figure = container.appendChild(document.createElement("figure"));
  figure.appendChild(document.createElement("figcaption")).textContent = title;
  const axis = { stroke: () => colorOf("--dim"), grid: { stroke: () => colorOf("--line"), width: 1 } };
  const options: uPlot.Options = {
    width: widthIn(figure),
    height: chartHeight,
    cursor: { y: false },
    scales: { x: { time: true, auto: false }, y: { auto: false } },
    axes: [
      {
        ...axis,
        size: 30,
        space: 70,
        incrs: [60, 120, 300],
        values: (_, ticks) => ticks.map((second) => timeOf(second, { timeStyle: "short" })),
      },
      { ...axis, size: 70, ...(steps === undefined ? {} : { incrs: steps }), values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      { label: "at", value: (_, second) => (second === null ? "" : timeOf(second, { timeStyle: "medium" })) },
      ...lines.map(({ label, color }) => ({
        label,
        stroke: () => colorOf(color),
        width: 1.5,
        points: { show: false },
        value: (_: uPlot, value: number | null) => (value === null ? "" : format(value)),
      })),
    ],
  };
  return new uPlot(options, [[], ...lines.map(() => [])], figure);
}

function timeOf(seconds: number, how: Intl.DateTimeFormatOptions): string {
  return new Date(seconds * 1000).toLocaleTimeString([], how);
}

/** As it is now: a canvas does not know the style sheet's variables, nor which of two colors is for the night. */
function colorOf(property: string): string {
  const swatch = document.getElementById("swatch") as HTMLElement;
  swatch.style.color = `var(${property})`;
  return getComputedStyle(swatch).color;
}

function widthIn({ parentElement, clientWidth }: HTMLElement): number {
  return Math.max(200, parentElement?.tagName === "FIGURE" ? parentElement.clientWidth : clientWidth);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
