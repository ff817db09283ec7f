import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();
const rounds = 400;
const becomeNobody = "(os.setgroups([]), os.setgid(65534), os.setuid(65534)) and 0";

/** At the same times on both hosts, a little earlier or later by chance. */
const wait = "time.sleep(max(0, start + number * 0.006 + random.uniform(0, 0.003) - time.time()))";

/** A file of root's appears under each name, in one step with what is in it. */
const link = `[(${wait}, attempt(lambda: os.link('secret', f'race/{number}'))) for number in range(${rounds})] and 0`;

/** Opens each name as it appears, made if need be. `wrong`: whether the file that was opened should not have been, or so. */
function open(flags: string, wrong: string): string {
  const opening = `attempt(lambda: os.open(f'race/{number}', os.O_RDWR | os.O_CREAT${flags}, 0o666))`;
  return `sum(${wrong} for number in range(${rounds}) for _ in [${wait}] for fd in [${opening}] if fd is not None)`;
}

/**
 * 1. The kernel looks a name up, and finds nothing. 2. Another host makes the file. 3. The kernel sends CREATE, and takes what it gets
 * for its own.
 */
for (const [what, isNobody, expression] of [
  ["with its permissions", true, open("", "os.fstat(fd).st_uid == 0")],
  ["and cut, with O_TRUNC", false, open(" | os.O_TRUNC", "os.fstat(fd).st_size > 0")],
] as const) {
  test(`a file that another host makes at the same moment is opened ${what}`, { skip }, async () => {
    await using cluster = await MountCluster.start();
    mkdirSync(cluster.folder.at("race"));
    chmodSync(cluster.folder.at("race"), 0o777);
    const [one, other] = cluster.mounts.map(({ path }) => path);
    using maker = await MountProcess.start(one);
    using opener = await MountProcess.start(other);
    if (isNobody) await opener.run(becomeNobody);
    const mode = isNobody ? 0o400 : 0o600;
    await maker.run(`os.write(os.open('secret', os.O_CREAT | os.O_WRONLY, ${mode}), b'secret')`);
    const start = Date.now() / 1000 + 1;
    for (const each of [maker, opener]) await each.run(`set_variable("start", ${start})`);
    const linked = maker.start(link);
    assert.equal(await opener.start(expression).answer, 0);
    await linked.answer;
  });
}
