import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../faults/seeded-random.js";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { firstUntrue, type NameUse } from "./name-history.js";
import { useNames } from "./name-program.js";

const names = ["a", "b", "c"];
const programsEach = 2;
const millis = 4000;

function use(act: NameUse["act"], wasThere: boolean | undefined, start: number, end: number): NameUse {
  return { act, wasThere, start: BigInt(start), end: BigInt(end) };
}

const made = use("make", false, 0, 10);
const histories: readonly [string, NameUse[], boolean][] = [
  ["seen once it was made", [made, use("look", true, 11, 12)], true],
  ["not seen though it was made", [made, use("look", false, 11, 12)], false],
  ["seen, or not, while it is made", [made, use("look", true, 1, 2), use("look", true, 3, 4)], true],
  ["seen, and then not, while it is made", [made, use("look", true, 1, 2), use("look", false, 3, 4)], false],
  ["made twice", [made, use("make", false, 5, 15)], false],
  ["made twice, and removed between", [made, use("make", false, 5, 15), use("remove", true, 2, 14)], true],
  ["removed twice", [made, use("remove", true, 11, 13), use("remove", true, 12, 14)], false],
  ["there though it was removed", [made, use("remove", true, 11, 12), use("make", true, 13, 14)], false],
  [
    "there when somebody who was told nothing may have made it",
    [use("make", undefined, 0, 9), use("look", true, 8, 9)],
    true,
  ],
  ["there before that", [use("make", undefined, 5, 9), use("look", true, 1, 2)], false],
  [
    "not there though whoever was told nothing may have made it",
    [use("make", undefined, 0, 9), use("look", false, 11, 12)],
    true,
  ],
  ["there before it was made", [use("look", true, 0, 1), use("make", false, 2, 3)], false],
];
for (const [what, uses, isTrue] of histories) {
  test(`the checker ${isTrue ? "takes" : "rejects"} a name that is ${what}`, () => {
    assert.equal(firstUntrue(uses) === undefined, isTrue);
  });
}

/** With what happened in the milliseconds before. */
function describe(untrue: NameUse | undefined, uses: readonly NameUse[]): string {
  if (untrue === undefined) return "";
  const from = untrue.start - 5_000_000n;
  const around = uses.filter(({ start, end }) => start < untrue.end && end > from);
  return around.map(({ act, wasThere, start, end }) => `${act} ${wasThere} ${start - from}..${end - from}`).join("\n");
}

test("I19: whoever makes, removes and looks for names, on either host, is told what is so", {
  skip: lacksFuse(),
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start();
  const roots = cluster.mounts.flatMap((mount) => Array.from({ length: programsEach }, () => mount.path));
  const told = await Promise.all(roots.map((root) => useNames(root, names, millis, random.between(0, 2 ** 31))));
  let [count, untold] = [0, 0];
  for (const name of names) {
    const uses = told.flatMap((each) => each.get(name) ?? []);
    assert.ok(uses.length > 100, `${uses.length} uses of ${name}`);
    assert.equal(describe(firstUntrue(uses), uses), "");
    count += uses.length;
    untold += uses.filter(({ wasThere }) => wasThere === undefined).length;
  }
  context.diagnostic(`${count} uses, ${untold} of which were told nothing (ESTALE)`);
});
