/**
 * SQLite in WAL mode, used from two hosts at once, of which one dies in the middle. Every promise is checked.
 *
 *   npm run build && node dist/examples/sqlite-two-hosts/main.js [--folder FOLDER] [--seconds 3]
 *
 * A host here is a process that mounts the volume, and sqlite3 programs on that mount: as on two machines, nothing but the
 * home is between them. It wants sqlite3, and root or fusermount3.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startHome } from "dmmap/home";
import { accountCount, auditOf, Book, makeBank, watchTotal } from "./bank.js";
import { Host } from "./host.js";

const leaseSeconds = 3;
/** On a busy machine they work for longer, until each has done so much. */
const committedMin = 30;
/** Only a hang takes so long. */
const patienceSeconds = 60;
let wrong = 0;

function check(what: string, isTrue: boolean): void {
  if (!isTrue) wrong++;
  console.log(`   ${isTrue ? "✔" : "✘"} ${what}`);
}

async function main(folder: string, seconds: number): Promise<void> {
  const volume = join(folder, "volume");
  mkdirSync(volume, { recursive: true });
  const home = await startHome({ folder: volume, listen: "127.0.0.1:0", leaseMillis: leaseSeconds * 1000 });
  console.log(`1. A home serves ${volume} at ${home.url}, and two hosts mount it`);
  const hosts = await Promise.all(["a", "b"].map((name) => Host.start(name, home.url, join(folder, `host-${name}`))));
  try {
    await tell(hosts, seconds);
  } finally {
    for (const host of hosts) host.takeAway();
    await home.close();
  }
}

async function tell([a, b]: readonly Host[], seconds: number): Promise<void> {
  await makeBank(a);
  console.log(`   host a made bank.db: WAL mode, ${accountCount} accounts`);

  console.log(`2. Both move money between the accounts for ${seconds} s, one transaction each time, and both look on`);
  const books = [new Book(a), new Book(b)];
  const isOver = { value: false };
  const watches = [watchTotal(a, isOver), watchTotal(b, isOver).catch(() => ({ reads: 0, wrong: 0 }))];
  const work = books.map((book) => book.work());
  await delay(seconds * 1000);
  const haveWorked = () => books.every(({ committed }) => committed >= committedMin);
  for (let waits = 0; !haveWorked() && waits < patienceSeconds * 20; waits++) await delay(50);

  console.log("3. Host b dies: kill -9, mount, sqlite3 and all, in the middle of a transaction");
  b.kill();
  await work[1];
  const [before, began] = [books[0].committed, performance.now()];
  const waited = () => (performance.now() - began) / 1000;
  while (books[0].committed < before + 50 && waited() < patienceSeconds) await delay(50);
  const goesOn = books[0].committed >= before + 50;
  check(`host a goes on, when b's lease of ${leaseSeconds} s is over: 50 more after ${waited().toFixed(1)} s`, goesOn);
  books[0].isOver = true;
  await work[0];
  isOver.value = true;
  const seen = await Promise.all(watches);
  check(`the total was the same in each of ${seen[0].reads} looks on a`, seen[0].reads > 0 && seen[0].wrong === 0);

  console.log("4. The books, on host a");
  const audit = await auditOf(a);
  for (const { host, committed, sent } of books) {
    const found = audit.transfers[host.name] ?? 0;
    check(
      `${host.name} had ${committed} transactions committed; there are ${found}`,
      found >= committed && found <= sent,
    );
  }
  check(`the total is ${audit.total}`, audit.total === audit.expected);
  check("every balance is what the transactions make of it", audit.wrongBalances === 0);
  check(`PRAGMA integrity_check: ${audit.integrity}`, audit.integrity === "ok");

  console.log("5. Host b is back");
  await b.restart();
  const again = await auditOf(b);
  check("it sees the same books", JSON.stringify(again) === JSON.stringify(audit));
}

const { values } = parseArgs({ options: { folder: { type: "string" }, seconds: { type: "string", default: "3" } } });
const folder = values.folder === undefined ? mkdtempSync(join(tmpdir(), "two-hosts-")) : resolve(values.folder);
try {
  await main(folder, Number(values.seconds));
  console.log(wrong === 0 ? "Nothing that was committed is lost." : `${wrong} promises were broken.`);
  process.exitCode = wrong === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}
