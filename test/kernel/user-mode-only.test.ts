import assert from "node:assert/strict";
import { test } from "node:test";
import { Errno } from "../../src/kernel/errno.js";
import { probeAccess } from "../../src/kernel/userfaultfd.js";
import { Stage } from "./stage.js";

const skip = probeAccess().userModeOnly === 0 ? false : "no user-mode-only userfaultfd here";

test("user-mode-only: a system call on an unresolved page fails with EFAULT and raises no event", {
  skip,
}, async () => {
  await using stage = await Stage.open({ access: "userModeOnly" });
  for (const sharing of ["shared", "private"] as const) {
    const view = stage.view(sharing);
    assert.equal(stage.quietly(stage.thread.write(view.addressOf(0))), -Errno.EFAULT);
    stage.put(0, 1);
    assert.equal(stage.quietly(stage.thread.write(view.addressOf(0))), -Errno.EFAULT, "cached is not mapped");
    stage.serve(stage.thread.load(view.addressOf(0)), (fault) => stage.resume(fault));
    assert.equal(
      stage.quietly(stage.thread.write(view.addressOf(0))),
      1,
      "once touched, it is there for the kernel too",
    );
    stage.file.punch(0, 1);
  }
});

test("user-mode-only: the program's own touches get full service", { skip }, async () => {
  await using stage = await Stage.open({ access: "userModeOnly" });
  assert.equal(stage.uffd.access, "userModeOnly");
  const view = stage.view("shared");
  const load = stage.thread.load(view.addressOf(0));
  assert.deepEqual(
    stage.serve(load, (fault) => stage.fill(fault, 1)),
    ["page 0: missing"],
  );
  const store = stage.thread.store(view.addressOf(0), 2);
  const events = stage.serve(store, ({ region, page }) => stage.uffd.writeProtect(region, page, page + 1, false));
  assert.deepEqual(events, ["page 0: protected store"]);
});
