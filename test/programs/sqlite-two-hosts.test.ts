import assert from "node:assert/strict";
import { test } from "node:test";
import { Program } from "../support/program.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { lacks } from "./packages.js";

const example = new URL("../../examples/sqlite-two-hosts/main.js", import.meta.url);
const limitMillis = 120_000;

test("examples/sqlite-two-hosts: a host dies in the middle, and nothing that was committed is lost", {
  skip: lacks("sqlite3"),
}, async (context) => {
  using folder = temporaryFolder();
  using story = new Program(example, ["--folder", folder.path]);
  const { code } = await story.end(limitMillis);
  const told = story.lines.join("\n");
  assert.equal(code, 0, `${told}\n${story.errors}`);
  assert.match(told, /Nothing that was committed is lost\.$/);
  assert.ok(!told.includes("✘"), told);
  const committed = [...told.matchAll(/ had (\d+) transactions committed/g)].map(([, count]) => Number(count));
  assert.equal(committed.length, 2);
  assert.ok(Math.min(...committed) >= 30, `${committed.join(" and ")} transactions: too few to show anything`);
  context.diagnostic(`${committed.join(" and ")} transactions`);
});
