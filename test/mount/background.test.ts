import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { detachDevice } from "../../src/fuse/device.js";
import { mount } from "../../src/fuse/mount.js";
import { mountedAt } from "../../src/fuse/mount-table.js";
import { dmmap, dmmapJson, dmmapScript, serveFolder } from "../cli/dmmap.js";
import { Program } from "../support/program.js";
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
  writeFileSync(folder.at("file"), "");
  const cases: [string[], number, RegExp][] = [
    [["dmmap://127.0.0.1:1", folder.path], 1, /DMMAP_UNREACHABLE/],
    [["http://127.0.0.1:1", folder.path], 2, /DMMAP_BAD_URL/],
    [[home.url, folder.at("nowhere")], 1, /DMMAP_BAD_FOLDER\)\ntry: mkdir -p .*nowhere/],
    [[home.url, folder.at("file")], 1, /DMMAP_BAD_FOLDER\)\ntry: name a folder/],
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

test("where there is no syslog the mount says so, and not where a file was named", {
  skip: skip || (existsSync("/dev/log") ? "there is a syslog here" : false),
}, async (context) => {
  using home = await serveFolder();
  using folder = temporaryFolder();
  const mountPoint = folder.at("mount");
  mkdirSync(mountPoint);
  context.after(() => dmmap(["umount", "--lazy", mountPoint]));
  const expected = "dmmap: no syslog here: what this mount has to say is lost; --log FILE keeps it\n";
  for (const [log, stderr] of [
    [[], expected],
    [["--log", folder.at("log")], ""],
  ] as const) {
    const outcome = await dmmap(["mount", home.url, mountPoint, ...log]);
    assert.deepEqual([outcome.code, outcome.stderr], [0, stderr]);
    assert.equal((await dmmap(["umount", mountPoint])).code, 0);
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

for (const how of [["--foreground"], []]) {
  test(`a signal while a volume is being mounted leaves nothing mounted: dmmap mount ${how.join()}`, {
    skip,
  }, async () => {
    using home = await serveFolder();
    using folder = temporaryFolder();
    using _mount = { [Symbol.dispose]: () => void detachDevice(folder.path) };
    for (const [signal, code] of [
      ["SIGTERM", 143],
      ["SIGINT", 130],
      ["SIGHUP", 129],
    ] as const) {
      using program = new Program(dmmapScript, ["mount", ...how, home.url, folder.path]);
      await until("the kernel has mounted it", () => mountedAt(folder.path) !== undefined);
      program.kill(signal);
      const { code: ended } = await program.end();
      if (ended !== code && how.length === 0) {
        assert.ok(existsSync(folder.path), "else it was up already, and is alive");
        assert.equal((await dmmap(["umount", folder.path])).code, 0);
      }
      assert.equal(mountedAt(folder.path), undefined, signal);
    }
  });
}

test("who gives up mounting leaves nothing mounted", { skip }, async () => {
  using home = await serveFolder();
  using folder = temporaryFolder();
  using _mount = { [Symbol.dispose]: () => void detachDevice(folder.path) };
  for (let round = 0; round < 5; round++) {
    const patience = new AbortController();
    const givenUp = mount(home.url, folder.path, { signal: patience.signal }).then(
      (mounted) => mounted.unmount(),
      (error: { code: string }) => error.code,
    );
    await until("the kernel has mounted it", () => mountedAt(folder.path) !== undefined);
    patience.abort();
    await givenUp;
    assert.equal(mountedAt(folder.path), undefined);
  }
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
  assert.match(stderr, /no volume of dmmap is mounted there.*\ntry: see what is mounted: findmnt -t fuse.dmmap\n$/);
});

test("nothing is mounted on a mount that is alive, whether its home answers or not", { skip }, async () => {
  const leaseMillis = 1000;
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis } });
  const [mount] = cluster.mounts;
  const refused = async () => {
    const { code, stderr } = await within("an answer", dmmap(["mount", cluster.home.url, mount.path]), 10_000);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /a volume is mounted on .* already \(DMMAP_BUSY\)\ntry: dmmap umount /);
  };
  await refused();
  await cluster.home.stop();
  await setTimeout(2 * leaseMillis); // So that nothing is known of its root on a lease.
  await refused();
  cluster.home.signal("SIGCONT");
});

test("nothing is mounted over the folder of a home on this machine, over one above, or in it", {
  skip,
}, async (context) => {
  using folder = temporaryFolder();
  const [above, served, other] = [folder.at("above"), folder.at("above", "served"), folder.at("above", "other")];
  const inside = folder.at("above", "served", "inside");
  for (const path of [above, served, other, inside]) mkdirSync(path);
  symlinkSync("above", folder.at("link"));
  using home = new Program(dmmapScript, ["serve", folder.at("link", "served"), "--listen", "127.0.0.1:0", "--json"]);
  const { url } = JSON.parse((await home.line(/^\{.*\}$/))[0]) as { url: string };
  using elsewhere = await serveFolder();
  for (const volume of [url, elsewhere.url]) {
    for (const path of [above, served, inside, folder.at("link", "served", "inside"), folder.at("link"), folder.path]) {
      context.after(() => dmmap(["umount", "--lazy", path]));
      const { code, stderr } = await dmmap(["mount", volume, path]);
      assert.equal(code, 1, path);
      assert.match(stderr, /a home on this machine serves .*\(DMMAP_BAD_FOLDER\)\ntry: mount it on another folder/);
    }
  }
  assert.equal((await dmmap(["mount", url, other])).code, 0, "beside it");
  assert.equal((await dmmap(["umount", other])).code, 0);
});
