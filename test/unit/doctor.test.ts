import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { type Check, judge } from "../../src/kernel/doctor.js";
import type { Facts } from "../../src/kernel/doctor-facts.js";
import type { NativeFacts } from "../../src/kernel/doctor-native.js";

const { EPERM, EACCES, ENOENT, ENOSYS } = constants.errno;
const allFeatures = 2 ** 17 - 1;

const goodNative: NativeFacts = {
  pageBytes: 4096,
  access: { systemCall: 0, device: 0, userModeOnly: 0 },
  features: allFeatures,
  memfdError: undefined,
};

const good: Facts = {
  architecture: "x64",
  nodeVersion: "20.19.0",
  kernelRelease: "6.12.1-arch1",
  cpuCount: 8,
  native: goodNative,
  unprivilegedUserfaultfd: "0",
  shmemHugePages: "never",
  swapBytes: 0,
  openFilesMax: 65_536,
  addressSpaceBytesMax: Number.POSITIVE_INFINITY,
  overcommitMemory: "0",
  fuseDevice: "usable",
  fusermountPath: "/usr/bin/fusermount3",
};

function find(facts: Facts, name: string): Check {
  const check = judge(facts).checks.find((candidate) => candidate.name === name);
  assert.ok(check, `no check is called ${name}`);
  return check;
}

function withAccess(systemCall: number, device: number, userModeOnly: number): Facts {
  return { ...good, native: { ...goodNative, access: { systemCall, device, userModeOnly } } };
}

test("a machine that has everything is ready, without a remark", () => {
  const report = judge(good);
  assert.equal(report.ready, true);
  assert.equal(report.access, "systemCall");
  for (const check of report.checks) {
    assert.equal(check.state, "ok", check.name);
    assert.equal(check.remedy, undefined, check.name);
  }
});

test("the best way that works is taken", () => {
  assert.equal(judge(withAccess(EPERM, 0, 0)).access, "device");
  assert.equal(find(withAccess(EPERM, 0, 0), "userfaultfd").state, "ok");
  assert.equal(judge(withAccess(EPERM, EACCES, 0)).access, "userModeOnly");
});

test("user-mode-only is ready but limited: what it costs, and every remedy", () => {
  const facts = withAccess(EPERM, EACCES, 0);
  assert.equal(judge(facts).ready, true);
  const { state, found, cost, remedy } = find(facts, "userfaultfd");
  assert.equal(state, "limited");
  assert.match(found, /system call EPERM, \/dev\/userfaultfd EACCES, user-mode-only works/);
  assert.match(cost ?? "", /EFAULT/);
  for (const way of ["vm.unprivileged_userfaultfd=1", 'KERNEL=="userfaultfd"', "CAP_SYS_PTRACE"]) {
    assert.ok(remedy?.includes(way), way);
  }
});

test("no way at all: a filter, or a kernel without it", () => {
  const filtered = withAccess(EPERM, ENOENT, EPERM);
  assert.equal(judge(filtered).ready, false);
  assert.equal(judge(filtered).access, undefined);
  assert.match(find(filtered, "userfaultfd").remedy ?? "", /seccomp/);
  assert.match(find(withAccess(ENOSYS, ENOENT, ENOSYS), "userfaultfd").remedy ?? "", /CONFIG_USERFAULTFD/);
});

test("features: poison is a comfort, the others are not", () => {
  const without = (bit: number): Facts => ({
    ...good,
    native: { ...goodNative, features: allFeatures - 2 ** bit },
  });
  assert.equal(find(without(14), "fault features").state, "limited");
  for (const bit of [0, 5, 8, 10, 12, 13]) {
    assert.equal(find(without(bit), "fault features").state, "missing");
    assert.equal(judge(without(bit)).ready, false);
  }
  assert.equal(find(without(16), "fault features").state, "ok");
});

test("what makes a machine unfit", () => {
  for (const [name, facts] of [
    ["architecture", { ...good, architecture: "riscv64" }],
    ["Node", { ...good, nodeVersion: "20.18.3" }],
    ["Node", { ...good, nodeVersion: "18.20.0" }],
    ["page size", { ...good, native: { ...goodNative, pageBytes: 65_536 } }],
    ["memfd", { ...good, native: { ...goodNative, memfdError: "EPERM" } }],
    ["native calls", { ...good, native: { loadError: "Cannot find the native Koffi module" } }],
  ] as const) {
    assert.equal(find(facts, name).state, "missing", name);
    assert.ok(find(facts, name).remedy, name);
    assert.equal(judge(facts).ready, false);
  }
});

test("what limits a machine that is ready all the same", () => {
  for (const [name, facts] of [
    ["kernel", { ...good, kernelRelease: "5.14.0-503.el9" }],
    ["kernel", { ...good, architecture: "arm64", kernelRelease: "6.9.0" }],
    ["shared huge pages", { ...good, shmemHugePages: "always" }],
    ["shared huge pages", { ...good, shmemHugePages: "within_size" }],
    ["open files", { ...good, openFilesMax: 1024 }],
    ["address space", { ...good, addressSpaceBytesMax: 2 ** 36 }],
    ["address space", { ...good, overcommitMemory: "2" }],
    ["FUSE", { ...good, fuseDevice: "missing" }],
    ["FUSE", { ...good, fusermountPath: undefined }],
  ] as const) {
    const { state, cost, remedy } = find(facts, name);
    assert.equal(state, "limited", name);
    assert.ok(cost && remedy, name);
    assert.equal(judge(facts).ready, true);
  }
});

test("a FUSE device that is there, and not for this user, wants no module", () => {
  assert.match(find({ ...good, fuseDevice: "denied" }, "FUSE").remedy ?? "", /^sudo chmod 666 \/dev\/fuse/);
  assert.match(find({ ...good, fuseDevice: "missing" }, "FUSE").remedy ?? "", /^sudo modprobe fuse/);
});

test("swap is no hazard", () => {
  assert.equal(find({ ...good, swapBytes: 2 ** 31 }, "swap").state, "ok");
});
