import assert from "node:assert/strict";
import { test } from "node:test";
import { Dashboard } from "../../src/dashboard/dashboard.js";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { counterMeanings } from "../../src/observe/counter-meanings.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { BrowserUnderTest, lacksBrowser } from "./browser.js";
import { DashboardStage } from "./dashboard-stage.js";

const skip = lacksBrowser() || lacksUserfaultfd();

test("the page shows who is there, what is open, and who holds what, as it changes", { skip }, async () => {
  await using stage = await DashboardStage.start();
  await using browser = await BrowserUnderTest.start();
  const { page } = browser;
  await page.goto(stage.dashboard.url);
  await page.getByText("Nobody is connected.").waitFor();
  await page.getByText("No file is open.").waitFor();

  await using volume = await connect(stage.home.url, { name: "one <b>node</b>" });
  await using other = await connect(stage.home.url, { name: "another node" });
  const name = "a <i>file</i>";
  await using file = await volume.open(name, { create: true, size: 64 * 4096 });
  await using same = await other.open(name);
  await using map = await file.map();
  await using there = await same.map();
  new Uint8Array(map.buffer)[0] = 1;
  assert.equal(new Uint8Array(there.buffer)[32 * 4096], 0);
  for (const text of ["one <b>node</b>", "another node"]) {
    await page.locator("#nodes td", { hasText: text }).waitFor(); // As text: a name is no markup.
  }
  const row = page.locator("#files tr", { hasText: name });
  await row.getByText("256 KiB").waitFor();

  await row.getByRole("button", { name }).click();
  await page.locator("#tokens svg rect.write").first().waitFor();
  await page.locator("#tokens svg rect.read").first().waitFor();
  await page.getByRole("button", { name: "close" }).click();
  await page.locator("#tokens").waitFor({ state: "detached" });

  await volume.close();
  await other.close();
  await page.getByText("Nobody is connected.").waitFor();
  assert.deepEqual(browser.complaints, []);
});

test("the page shows what the home does with each node per second", { skip }, async () => {
  await using stage = await DashboardStage.start();
  await using browser = await BrowserUnderTest.start();
  const { page } = browser;
  await page.goto(stage.dashboard.url);
  await using volume = await connect(stage.home.url, { name: "busy" });
  await using _idle = await connect(stage.home.url, { name: "idle" });
  const asking = setInterval(() => void volume.list().catch(() => undefined), 20);
  try {
    const cell = (node: string) => page.locator("#nodes tr", { hasText: node }).locator("td").nth(9);
    await cell("busy")
      .and(page.getByText(/^[1-9]/))
      .waitFor();
    const head = page.locator("#nodes th").nth(9);
    assert.equal(await head.textContent(), "requests/s");
    assert.equal(await head.getAttribute("title"), counterMeanings.requests);
    await cell("idle")
      .and(page.getByText("0", { exact: true }))
      .waitFor();
  } finally {
    clearInterval(asking);
  }
  assert.deepEqual(browser.complaints, []);
});

test("of many files, who holds what is told below the one that was clicked", { skip }, async () => {
  await using stage = await DashboardStage.start();
  await using browser = await BrowserUnderTest.start();
  const { page } = browser;
  await using volume = await connect(stage.home.url);
  for (let index = 0; index < 120; index++) {
    const file = await volume.open(`file ${String(index).padStart(3, "0")}`, { create: true, size: 4096 });
    if (index === 50) await file.write(0, new Uint8Array([1]));
  }
  await page.goto(stage.dashboard.url);
  await page.getByText("Open files: 120, 20 of them not shown").waitFor();
  await page.getByRole("button", { name: "file 050" }).click();
  await page.locator("#tokens svg rect.write").waitFor();
  const at = async (selector: string) => (await page.locator(selector).boundingBox()) ?? { y: Number.NaN, height: 0 };
  const [row, detail] = [await at("#files tr.chosen"), await at("#tokens")];
  assert.ok(detail.y >= row.y + row.height && detail.y < row.y + row.height + 20, "right below");
  assert.deepEqual(browser.complaints, []);
});

test("charts draw what happens, and tell its rate", { skip }, async () => {
  await using stage = await DashboardStage.start();
  await using browser = await BrowserUnderTest.start();
  const { page } = browser;
  await page.goto(stage.dashboard.url);
  await using volume = await connect(stage.home.url);
  await using file = await volume.open("file", { create: true, size: 4096 * 4096 });
  await using map = await file.map({ access: "read" });
  const bytes = new Uint8Array(map.buffer);
  let at = 0;
  const touching = setInterval(() => {
    for (let count = 0; count < 4; count++) at += bytes[(at * 4096) % bytes.length] + 1;
  }, 5);
  try {
    const granted = page
      .locator("figure", { hasText: "Tokens per second" })
      .locator(".u-series", { hasText: "granted" });
    await granted.locator(".u-value", { hasText: /^[1-9]/ }).waitFor();
    assert.equal(await page.locator("figure canvas").count(), 4);
  } finally {
    clearInterval(touching);
  }
  assert.deepEqual(browser.complaints, []);
});

test("a home that goes away is said to be silent, and one that comes back is shown again", { skip }, async () => {
  await using browser = await BrowserUnderTest.start();
  const { page } = browser;
  const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  const dashboard = await Dashboard.start(home, { host: "127.0.0.1", port: 0 });
  await page.goto(dashboard.url);
  await page.getByText("live", { exact: true }).waitFor();
  await dashboard.close();
  await home.close();
  await page.getByText("The home has not answered since").waitFor();

  await using next = await startHome({ store: "memory", listen: "127.0.0.1:0" });
  await using _again = await Dashboard.start(next, { host: "127.0.0.1", port: Number(new URL(dashboard.url).port) });
  await page.getByText(next.url).waitFor();
  await page.getByText("live", { exact: true }).waitFor();
});
