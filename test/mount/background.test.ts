import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dmmap, dmmapJson, serveFolder } from "../cli/dmmap.js";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until, within } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { PlainUser } from "./plain-user.js";

const skip = lacksFuse();

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("`dmmap mount` comes back when it is mounted; a process in the background serves it, and says things to its log", {
  skip,
}, async (context) => {
  using home = await serveFolder();
  using folder = temporaryFolder();
  const mountPoint = folder.at("mount");
  mkdirSync(mountPoint);
  context.after(() => dmmap(["umount", "--lazy", mountPoint]));
  const { pid } = await dmmapJson<{ pid: number }>(["mount", home.url, mountPoint, "--log", folder.at("log")]);
  writeFileSync(join(mountPoint, "file"), "text");
  assert.match(readFileSync("/proc/self/mounts", "utf8"), new RegExp(`${home.url} ${mountPoint} fuse.dmmap rw`));
  assert.equal(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[5], String(pid), "in a session of its own");

  home.program.kill("SIGSTOP");
  await using user = await PlainUser.start();
  const size = user.call("stat", { path: join(mountPoint, "file") });
  await until("its log says that it waits", () =>
    /^dmmap: .* has waited for/m.test(readFileSync(folder.at("log"), "utf8")),
  );
  home.program.kill("SIGCONT");
  assert.equal(await size, 4);
  assert.equal((await dmmap(["umount", mountPoint])).code, 0);
  assert.equal(readFileSync(home.folder.at("file"), "utf8"), "text");
  await until("its process has ended", () => !isAlive(pid));
});

test("what keeps it from mounting reaches whoever asked for the mount: a message, and the exit code", {
  skip,
}, async () => {
  using home = await serveFolder();
  using folder = temporaryFolder();
  const cases: [string[], number, RegExp][] = [
    [["dmmap://127.0.0.1:1", folder.path], 1, /DMMAP_UNREACHABLE/],
    [["http://127.0.0.1:1", folder.path], 2, /DMMAP_BAD_URL/],
    [[home.url, folder.at("nowhere")], 1, /DMMAP_BAD_FOLDER/],
    [[home.url, folder.path, "--log", folder.at("no", "log")], 1, /ENOENT/],
    [[home.url, folder.path, "--timeout", "never"], 2, /--timeout/],
  ];
  for (const [args, code, message] of cases) {
    const outcome = await dmmap(["mount", ...args]);
    assert.equal(outcome.code, code, args.join(" "));
    assert.match(outcome.stderr, message);
    assert.equal(outcome.stdout, "");
  }
});

test("standard error that nobody reads any more stops no mount", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  mount.program.child.stderr?.destroy();
  cluster.home.signal("SIGSTOP");
  await using user = await PlainUser.start();
  const write = user.call("edit", { path: mount.at("file") });
  await assert.rejects(
    within("the home is stopped", write, 2500),
    /not within 2500 ms/,
    "long enough for it to say so",
  );
  cluster.home.signal("SIGCONT");
  await write;
});

test("a mount whose process was killed answers ENOTCONN; it can be unmounted, and mounted over", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  for (const isTakenAway of [true, false]) {
    await mount.kill();
    assert.throws(() => readdirSync(mount.path), { code: "ENOTCONN" });
    if (isTakenAway) assert.equal((await dmmap(["umount", mount.path])).code, 0);
    await mount.start();
    writeFileSync(mount.at("file"), String(isTakenAway));
    assert.equal(readFileSync(mount.at("file"), "utf8"), String(isTakenAway));
  }
  await mount.unmount();
  const { code, stderr } = await dmmap(["umount", mount.path]);
  assert.equal(code, 1);
  assert.match(stderr, /no volume of dmmap is mounted there/);
});
