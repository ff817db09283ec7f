import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Capability, credentialsIn, credentialsOf } from "../../src/kernel/credentials.js";

const status = [
  "Name:\tprogram",
  "Gid:\t100\t100\t100\t100",
  "Groups:\t100 27 65534 ",
  "CapInh:\tffffffffffffffff",
  "CapEff:\t0000000000200010",
  "",
].join("\n");

test("groups and rights, as /proc has them", () => {
  const { groups, capabilities } = credentialsIn(status);
  assert.deepEqual(groups, [100, 27, 65534]);
  assert.equal(capabilities, Capability.fsetid | Capability.sysAdmin);
  assert.deepEqual(credentialsIn("Groups:\t \nCapEff:\t0000000000000000\n"), { groups: [], capabilities: 0 });
});

test("of a thread that is there, and of none", () => {
  const { groups = [] } = credentialsOf(process.pid) ?? {};
  assert.deepEqual(
    new Set([...groups, process.getgid?.()]),
    new Set([...(process.getgroups?.() ?? []), process.getgid?.()]),
  );
  assert.equal(credentialsOf(0), undefined);
  assert.equal(credentialsOf(spawnSync("true").pid), undefined);
});
