import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();
const stale = { code: "ESTALE" };

for (const directIo of ["auto", "always"]) {
  test(`a file without a name does not outlive its home: who waits for it hears so, and others go on (--direct-io ${directIo})`, {
    skip,
  }, async () => {
    const options = ["--direct-io", directIo];
    await using cluster = await MountCluster.start({ mounts: 1, options, home: { leaseMillis: 3000 } });
    const [mount] = cluster.mounts;
    mount.isQuiet = false;
    for (const name of ["nameless", "named"]) writeFileSync(cluster.folder.at(name), "x".repeat(2 ** 20));
    using program = await MountProcess.start(mount.path);
    for (const name of ["nameless", "named"]) {
      await program.run(`set_variable("${name}", os.open("${name}", os.O_RDWR))`);
    }
    await program.run("os.unlink('nameless')");
    assert.equal(await program.run("os.pread(nameless, 1, 0)"), "78");
    await cluster.home.kill();
    const waiting = ["nameless", "named"].map((name) => program.start(`os.pread(${name}, 1, 900000)`));
    const write = program.start("os.pwrite(nameless, b'y', 800000)");
    await until("they wait", () => mount.program.errors.split("has waited").length > 3);
    await cluster.home.start();
    await assert.rejects(waiting[0].answer, stale);
    await assert.rejects(write.answer, stale);
    assert.equal(await waiting[1].answer, "78");
    await assert.rejects(program.run("os.pread(nameless, 1, 700000)"), stale);
    await assert.rejects(program.run("os.fsync(nameless)"), stale);
    await assert.rejects(program.run("os.ftruncate(nameless, 10)"), stale);
    await program.run("os.close(nameless)");
    assert.equal(await program.run("os.pwrite(named, b'y', 0)"), 1);
    await program.run("os.fsync(named)");
    await until("it is logged", () => /nameless is not there any more/.test(mount.program.errors));
    await program.kill();
    await mount.unmount(); // Which waits for no file that is gone.
  });
}
