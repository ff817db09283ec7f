import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, closeSync, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { within } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();

/** As somebody without rights; of these groups, too. */
function asNobody(script: string, ...groups: number[]): void {
  const others = groups.length > 0 ? `--groups=${groups.join(",")}` : "--clear-groups";
  const who = ["--reuid=65534", "--regid=65534", others];
  const { status, stderr } = spawnSync("setpriv", [...who, "sh", "-c", script], { encoding: "utf8", timeout: 20_000 });
  assert.equal(status, 0, stderr);
}

/** In Python, and in revision 2: the right to ports below 1024. */
const capability = `struct.pack("<IIIII", 0x02000000, 1 << 10, 0, 0, 0)`;

function python(script: string, ...args: string[]): void {
  const { status, stderr } = spawnSync("python3", ["-c", script, ...args], { encoding: "utf8", timeout: 20_000 });
  assert.equal(status, 0, stderr);
}

for (const [what, script] of [
  ["an append", "echo more >> $FILE"],
  ["a write in the middle", "echo more | dd of=$FILE conv=notrunc status=none"],
  ["a cut", "truncate -s 1 $FILE"],
]) {
  test(`${what} by somebody without rights ends set-user-id and set-group-id, on all mounts`, { skip }, async () => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    writeFileSync(one.at("tool"), "a tool");
    chmodSync(one.at("tool"), 0o6777);
    assert.equal(statSync(other.at("tool")).mode % 0o10000, 0o6777);
    asNobody(script.replace("$FILE", other.at("tool")));
    for (const mount of [other, one]) assert.equal(statSync(mount.at("tool")).mode % 0o10000, 0o777);
  });
}

/** Somebody without rights has the file open, and appends to it when told to. */
async function appending(path: string): Promise<{ append(): Promise<void> }> {
  const who = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const script = 'exec 3>>"$1" && echo open && read -r go && echo more >&3';
  const program = spawn("setpriv", [...who, "sh", "-c", script, "sh", path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(program, "close");
  await once(program.stdout, "data");
  return {
    append: async () => {
      program.stdin.end("go\n");
      assert.equal((await within("the program has appended", ended))[0], 0);
    },
  };
}

for (const [before, meanwhile, after] of [
  [0o6777, 0o766, 0o766],
  [0o777, 0o6776, 0o776],
]) {
  const change = `${before.toString(8)} to ${meanwhile.toString(8)}`;
  test(`a write ends the privileges of the mode that another host has set meanwhile: ${change}`, { skip }, async () => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    writeFileSync(other.at("tool"), "a tool");
    chmodSync(other.at("tool"), before);
    const program = await appending(other.at("tool"));
    assert.equal(statSync(other.at("tool")).mode % 0o10000, before);
    chmodSync(one.at("tool"), meanwhile);
    await program.append();
    for (const mount of [other, one]) assert.equal(statSync(mount.at("tool")).mode % 0o10000, after);
  });
}

for (const writers of [[], ["one"], ["other"], ["one", "other"]]) {
  const whose = writers.join(" and ") || "nobody";
  test(`also while programs write the file: of ${whose}`, { skip }, async () => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    writeFileSync(other.at("tool"), "a tool");
    chmodSync(other.at("tool"), 0o777);
    const mounts = { one, other };
    const open = writers.map((writer) => openSync(mounts[writer as keyof typeof mounts].at("tool"), "r+"));
    for (const fd of open) writeSync(fd, "an");
    // Each write after the first goes by what was known before: no request asks for the mode.
    for (const mode of [0o4777, 0o2777, 0o6777]) {
      const program = await appending(other.at("tool"));
      asNobody(`echo more >> ${other.at("tool")}`);
      chmodSync(one.at("tool"), mode);
      await program.append();
      for (const mount of [other, one]) assert.equal(statSync(mount.at("tool")).mode % 0o10000, 0o777);
    }
    for (const fd of open) closeSync(fd);
  });
}

test("writes without rights ask the home once whether there is something to end", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  writeFileSync(mount.at("log"), "");
  chmodSync(mount.at("log"), 0o777);
  const requests = async () => (await cluster.home.status()).counters.requests;
  const append = (count: number) => asNobody(`for n in $(seq ${count}); do echo more >> ${mount.at("log")}; done`);
  append(1);
  const before = await requests();
  append(100);
  const asked = (await requests()) - before;
  assert.ok(asked < 350, `${asked} requests: a file is opened, was stored to, and is closed`);
});

test("where the home's filesystem has no extended attributes, writes without rights succeed and end privileges", {
  skip,
}, async () => {
  using folder = temporaryFolder();
  const mounted = spawnSync("mount", ["-t", "ramfs", "none", folder.path], { encoding: "utf8" });
  assert.equal(mounted.status, 0, mounted.stderr);
  try {
    chmodSync(folder.path, 0o755);
    await using cluster = await MountCluster.start({ mounts: 1, home: { folder: folder.path } });
    const [mount] = cluster.mounts;
    writeFileSync(mount.at("tool"), "a tool");
    chmodSync(mount.at("tool"), 0o6777);
    asNobody(`echo more >> ${mount.at("tool")}`);
    assert.equal(statSync(mount.at("tool")).mode % 0o10000, 0o777);
    asNobody(`echo more >> ${mount.at("tool")}`);
  } finally {
    spawnSync("umount", ["-l", folder.path]);
  }
});

test("chown(2) ends the privileges of the mode that another host has set meanwhile, and leaves that mode", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  for (const [before, meanwhile, after] of [
    [0o6711, 0o755, 0o755],
    [0o711, 0o6755, 0o755],
  ]) {
    writeFileSync(one.at("tool"), "a tool");
    chmodSync(one.at("tool"), before);
    assert.equal(statSync(other.at("tool")).mode % 0o10000, before);
    chmodSync(one.at("tool"), meanwhile);
    chownSync(other.at("tool"), 12_345, 12_345);
    for (const mount of [other, one]) assert.equal(statSync(mount.at("tool")).mode % 0o10000, after);
  }
});

test("set-group-id without execution by the group is ended by who is not of the group, as on a local disk", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const file = mount.at("file");
  const after = (owner: number, group: number, act: () => void) => {
    writeFileSync(file, "data");
    chownSync(file, owner, group);
    chmodSync(file, 0o2766);
    act();
    return statSync(file).mode % 0o10000;
  };
  for (const script of [
    `echo more >> ${file}`,
    `echo more | dd of=${file} conv=notrunc status=none`,
    `truncate -s 1 ${file}`,
    `fallocate -l 1000 ${file}`,
  ]) {
    assert.equal(
      after(0, 0, () => asNobody(script)),
      0o766,
      script,
    );
    assert.equal(
      after(0, 1001, () => asNobody(script, 1000, 1001)),
      0o2766,
      `of the group: ${script}`,
    );
    assert.equal(
      after(0, 65534, () => asNobody(script)),
      0o2766,
      `of that group above all: ${script}`,
    );
  }
  for (const [change, left] of [
    [`chown :1001 ${file}`, 0o766],
    [`chown 65534 ${file}`, 0o766],
  ] as const) {
    assert.equal(
      after(65534, 0, () => asNobody(change, 1001)),
      left,
      change,
    );
    assert.equal(
      after(65534, 1001, () => asNobody(change, 1001)),
      0o2766,
      `of the group: ${change}`,
    );
  }
  assert.equal(
    after(65534, 1001, () => chownSync(file, 65534, 1002)),
    0o2766,
    "by root",
  );
});

test("a capability is seen on all mounts, and ended by a write on any", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("tool"), "a tool"); // So its kernel has asked, and knows that there is none.
  const script = `
import os, struct, sys
one, other = sys.argv[1:]
name, value = "security.capability", ${capability}
def lacks(path):
    try: os.getxattr(path, name)
    except OSError as error: return error.errno == 61
for path in one, other: assert lacks(path), path
for path in one, other:
    for writer in one, other:
        os.setxattr(path, name, value)
        for seer in one, other: assert os.getxattr(seer, name) == value, (path, seer)
        with open(writer, "ab") as file: file.write(b"more")
        for seer in one, other: assert lacks(seer), (path, writer, seer)
`;
  python(script, one.at("tool"), other.at("tool"));
});

test("that a file has no capability is forgotten with the home that said so", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  writeFileSync(mount.at("tool"), "a tool", { flush: true }); // Else the next home is sent it again, and that write ends what it has.
  await cluster.home.kill();
  const set = `import os, sys; os.setxattr(sys.argv[1], "security.capability", ${capability})`;
  python(`import struct; ${set}`, cluster.folder.at("tool"));
  await cluster.home.start();
  writeFileSync(mount.at("other"), ""); // When that is done, the mount has found the home again.
  const see = `assert os.getxattr(sys.argv[1], "security.capability") == ${capability}`;
  python(`import os, struct, sys; ${see}`, mount.at("tool"));
});

test("the kernel's questions for capabilities before it writes are no requests to the home", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const files = 100;
  const make = (name: string) => {
    writeFileSync(mount.at(name), "data", { flag: "wx+" }); // Of what is open for reading, too, the kernel has a cache, and asks.
  };
  make("warm");
  const before = (await cluster.home.status()).counters.requests;
  for (let count = 0; count < files; count++) make(`file ${count}`);
  const asked = (await cluster.home.status()).counters.requests - before;
  assert.ok(asked < 3.5 * files, `${asked} requests: a file is created, was stored to, and is closed`);
});

/** How often, at most, the home is told that a file is being stored to: see `tellMicros` of MountFile. */
const tellMillis = 4;

test("a write under a token that is held asks the home for nothing", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  const fd = openSync(mount.at("file"), "w+");
  for (let count = 0; count < 10; count++) writeSync(fd, "warm", 0);
  const before = (await cluster.home.status()).counters.requests;
  const start = performance.now();
  for (let count = 0; count < 500; count++) writeSync(fd, "data", 0);
  const asked = (await cluster.home.status()).counters.requests - before;
  const tellings = (performance.now() - start) / tellMillis;
  closeSync(fd);
  assert.ok(asked <= tellings + 5, `${asked} requests for 500 writes, which took ${tellings} times ${tellMillis} ms`);
});
