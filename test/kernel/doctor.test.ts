import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { examine, type Report } from "../../src/kernel/doctor.js";
import type { Facts } from "../../src/kernel/doctor-facts.js";
import { Userfaultfd } from "../../src/kernel/userfaultfd.js";
import { lacksUserfaultfd } from "../support/requires.js";

test("the doctor names the access that a Userfaultfd then has", { skip: lacksUserfaultfd() }, async () => {
  const report = await examine();
  assert.equal(report.ready, true);
  const uffd = new Userfaultfd();
  assert.equal(report.access, uffd.access);
  uffd.close();
  for (const { name, state, found, remedy } of report.checks) {
    assert.ok(found.length > 0, name);
    assert.equal(remedy === undefined, state === "ok", name);
  }
});

const mayDrop = process.getuid?.() === 0;

test("an unprivileged user gets user-mode-only, or full service where the machine grants it", {
  skip: mayDrop ? false : "needs root, to become nobody",
}, () => {
  const program = fileURLToPath(new URL("./doctor-program.js", import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8", timeout: 20_000 });
  assert.ok(stdout.length > 0, stderr);
  const { facts, report }: { facts: Facts; report: Report } = JSON.parse(stdout);
  assert.ok("access" in facts.native);
  const { systemCall, device, userModeOnly } = facts.native.access;
  const check = report.checks.find(({ name }) => name === "userfaultfd");
  if (facts.unprivilegedUserfaultfd === "1") assert.equal(systemCall, 0);
  if (systemCall === 0 || device === 0) {
    assert.equal(check?.state, "ok");
  } else if (userModeOnly === 0) {
    assert.equal(report.access, "userModeOnly");
    assert.equal(report.ready, true);
    assert.equal(check?.state, "limited");
    assert.match(check.remedy ?? "", /vm\.unprivileged_userfaultfd=1/);
  } else {
    assert.equal(report.access, undefined);
    assert.equal(report.ready, false);
    assert.equal(check?.state, "missing");
  }
});
