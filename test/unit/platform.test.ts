import assert from "node:assert/strict";
import { test } from "node:test";
import { platformNumbers } from "../../src/kernel/platform.js";

test("x86-64 packs struct epoll_event and has its own system call numbers", () => {
  assert.deepEqual(platformNumbers("x64"), { userfaultfd: 323, epollEventBytes: 12, epollDataAt: 4 });
});

test("arm64 aligns struct epoll_event and has the generic system call numbers", () => {
  assert.deepEqual(platformNumbers("arm64"), { userfaultfd: 282, epollEventBytes: 16, epollDataAt: 8 });
});

test("any other architecture is refused", () => {
  assert.throws(() => platformNumbers("riscv64"), /runs on x64 and arm64; this machine is riscv64/);
});
