import assert from "node:assert/strict";
import { test } from "node:test";
import { absenceKey, nameKey } from "../../src/core/home/lease-table.js";
import type { Attributes } from "../../src/core/wire/attributes.js";
import { Leased } from "../../src/core/wire/leases.js";
import { KernelLeases } from "../../src/fuse/kernel-leases.js";
import { type EndChange, Leases } from "../../src/fuse/leases.js";

const inode = 7;
const told = { leased: Leased.attributes };
const absent = { leased: Leased.name };

function attributesOf(size: number): Attributes {
  return { inode, size } as Attributes;
}

/** Those of a mount whose kernel has been told nothing: so it is not told to forget anything. */
function newLeases(isGood = () => true): Leases {
  const notifier = {
    invalidateAttributes: () => assert.fail("the kernel has no attributes"),
    forgetNames: () => assert.fail("the kernel has no names"),
  };
  const mount = { ids: { idOf: () => undefined }, notifier, until: () => 0, mayForgetNames: () => true };
  return new Leases(new KernelLeases(mount as never), isGood);
}

test("I19: what the home was asked before it heard of a store does not count after that", () => {
  const leases = newLeases();
  const asked = leases.now;
  leases.outdated(inode); // A program stores, and the home is told so; its answer crosses with that.
  leases.learn(attributesOf(1), told, asked);
  assert.equal(leases.attributesOf(inode), undefined);
  leases.learn(attributesOf(2), told, leases.now);
  assert.equal(leases.attributesOf(inode)?.size, 2);
  leases.outdated(inode);
  assert.equal(leases.attributesOf(inode), undefined);
});

test("I19: what the home was asked before it heard of a store to one file counts for others", () => {
  const leases = newLeases();
  const asked = leases.now;
  leases.outdated(inode + 1);
  leases.learn(attributesOf(1), told, asked);
  assert.equal(leases.attributesOf(inode)?.size, 1);
});

test("I19: what was told while this mount changes it does not count, and what the change tells does", () => {
  const leases = newLeases();
  const key = nameKey(1, "name");
  let end: EndChange = () => assert.fail("the change has not begun");
  leases.change([inode, key], { parent: 1, name: "name" }, (ended) => {
    end = ended;
  });
  leases.learn(attributesOf(1), { leased: Leased.attributes + Leased.name }, leases.now, { parent: 1, name: "name" });
  leases.learnAbsent({ parent: 1, name: "name" }, absent);
  assert.deepEqual([leases.attributesOf(inode), leases.inodeOf(1, "name")], [undefined, undefined]);
  assert.equal(leases.isAbsent(1, "name"), false);
  end({ attributes: attributesOf(2), leased: Leased.attributes + Leased.name, changed: [inode, key] }, () => undefined);
  assert.equal(leases.lookup(1, "name")?.size, 2);
});

test("I19: that names lead nowhere is forgotten one by one, by folder, and when the lease is over", () => {
  let isGood = true;
  const leases = newLeases(() => isGood);
  const isAbsent = () => ["a", "b"].map((name) => leases.isAbsent(1, name));
  const learnBoth = () => {
    for (const name of ["a", "b"]) leases.learnAbsent({ parent: 1, name }, absent);
  };
  leases.learnAbsent({ parent: 1, name: "a" }, {});
  assert.deepEqual(isAbsent(), [false, false], "not on a lease");
  learnBoth();
  assert.deepEqual(isAbsent(), [true, true]);
  assert.equal(leases.isAbsent(11, "a"), false);
  leases.recall([nameKey(1, "a")], () => undefined);
  assert.deepEqual(isAbsent(), [false, true]);
  learnBoth();
  leases.recall([absenceKey(11)], () => undefined);
  assert.deepEqual(isAbsent(), [true, true], "of another folder");
  leases.recall([absenceKey(1)], () => undefined);
  assert.deepEqual(isAbsent(), [false, false]);
  learnBoth();
  isGood = false;
  assert.deepEqual(isAbsent(), [false, false], "the lease is over");
});
