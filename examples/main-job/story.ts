/** What the job tells as it goes, and whether everything it checked was exact. */
export class Story {
  wrong = 0;
  #chapters = 0;

  chapter(title: string): void {
    console.log(`\n${++this.#chapters}. ${title}`);
  }

  say(line: string): void {
    console.log(`   ${line}`);
  }

  /** A value that must be exact. */
  check<Value>(what: string, actual: Value, expected: Value, show: (value: Value) => string = String): void {
    const exact = actual === expected;
    if (!exact) this.wrong++;
    this.say(exact ? `✔ ${what}: ${show(actual)}` : `✘ ${what}: ${show(actual)}, but it must be ${show(expected)}`);
  }

  /** First row: the heads. The first column is text, the others are numbers. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = rows[0].map((_, index) => Math.max(...rows.map((row) => row[index].length)));
    for (const row of rows) {
      const cells = row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index])));
      this.say(cells.join("   "));
    }
  }
}

/** Nothing here may hang without saying what it waits for. */
export async function within<Value>(seconds: number, what: string, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${seconds} s: ${what}`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
