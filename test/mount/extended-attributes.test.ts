import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();

/** What a program in Python prints of a file. `who`: what runs it, and its arguments. */
function python(path: string, script: string, ...who: string[]): string {
  const program = ["python3", "-c", `import ctypes, os, sys\nfile = sys.argv[1]\n${script}`, path];
  const [command, ...args] = [...who, ...program];
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 20_000 });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("names of attributes in trusted.* are told to those alone who may read them, as on a local disk", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  for (const file of [cluster.folder.at("local"), mount.at("file")]) {
    writeFileSync(file, "");
    chmodSync(file, 0o666);
    python(file, 'for name in "trusted.one", "user.two": os.setxattr(file, name, b"")');
    // With 0 for the room, with too little, and with enough.
    const list = [
      "libc = ctypes.CDLL(None, use_errno=True)",
      "print(sorted(os.listxattr(file)))",
      "for room in 0, 9, 20: print(libc.listxattr(file.encode(), ctypes.create_string_buffer(30), room))",
    ].join("\n");
    assert.equal(python(file, list), "['trusted.one', 'user.two']\n21\n-1\n-1\n");
    const asNobody = "os.setgroups([]); os.setgid(65534); os.setuid(65534)";
    assert.equal(python(file, `${asNobody}\n${list}`), "['user.two']\n9\n9\n9\n");
    const asLesserRoot = ["setpriv", "--bounding-set=-sys_admin"];
    assert.equal(python(file, list, ...asLesserRoot), "['user.two']\n9\n9\n9\n");
  }
});

test("XATTR_CREATE and XATTR_REPLACE at once change nothing, whether there is one or not", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  for (const file of [cluster.folder.at("local"), mount.at("file")]) {
    writeFileSync(file, "");
    const set = [
      'os.setxattr(file, "user.one", b"before")',
      'for name in "user.one", "user.two":',
      '    try: os.setxattr(file, name, b"after", os.XATTR_CREATE | os.XATTR_REPLACE)',
      "    except OSError as error: print(name, error.strerror)",
      'print(os.listxattr(file), os.getxattr(file, "user.one"))',
    ].join("\n");
    assert.equal(python(file, set), "user.one File exists\nuser.two No data available\n['user.one'] b'before'\n");
  }
});

test("a name of an attribute is bytes, whether they are UTF-8 or not", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  writeFileSync(mount.at("file"), "");
  const name = "b'user.\\xff\\xc3\\xa9'";
  const use = [
    `os.setxattr(file, ${name}, b"value")`,
    `print([os.fsencode(name) for name in os.listxattr(file)] == [${name}], os.getxattr(file, ${name}))`,
  ].join("\n");
  assert.equal(python(mount.at("file"), use), "True b'value'\n");
  // As who keeps files elsewhere reads it, and takes it away.
  const take = `print(os.getxattr(file, ${name})); os.removexattr(file, ${name}); print(os.listxattr(file))`;
  assert.equal(python(cluster.folder.at("file"), take.split(";")[0]), "b'value'\n");
  assert.equal(python(mount.at("file"), take), "b'value'\n[]\n");
});

test("that listed files have no attributes costs the home no question, file after file", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [maker, other] = cluster.mounts;
  const count = 50;
  for (const folder of [maker.at("made"), cluster.folder.at("there")]) {
    mkdirSync(folder);
    for (let index = 0; index < count; index++) writeFileSync(join(folder, String(index)), "");
  }
  await using volume = await connect(cluster.home.url);
  const requests = async () => (await volume.status()).counters.requests;
  // As ls -l and rsync -X ask of each file.
  const look = [
    "for entry in os.scandir(file):",
    "    entry.stat(follow_symlinks=False)",
    "    assert os.listxattr(entry.path) == []",
    '    for name in "security.selinux", "user.one", "system.posix_acl_access":',
    "        try: os.getxattr(entry.path, name)",
    "        except OSError as error: print(name, error.strerror)",
  ].join("\n");
  const said = [
    "security.selinux No data available",
    "user.one No data available",
    "system.posix_acl_access Operation not supported\n",
  ].join("\n");
  for (const folder of [maker.at("made"), maker.at("there"), other.at("there")]) {
    const before = await requests();
    assert.equal(python(folder, look), said.repeat(count));
    const asked = (await requests()) - before - 1;
    assert.ok(asked <= 10, `${folder}: ${asked} requests for ${count} files`);
  }
});

test("an attribute that one mount gives, or takes, is seen on the other at once", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const programs = await Promise.all(cluster.mounts.map((mount) => MountProcess.start(mount.at("."))));
  const [one, other] = programs;
  await one.run('os.close(os.open("file", os.O_CREAT))');
  const looks = ['os.stat("file").st_size', 'os.listxattr("file")', 'os.scandir(".").__next__().stat().st_size'];
  for (let round = 0; round < 50; round++) {
    const value = `b"${round}"`;
    const [giver, seer] = round % 2 === 0 ? [one, other] : [other, one];
    for (const program of programs) await program.run(looks[round % looks.length]);
    const giving = giver.run(`os.setxattr("file", "user.one", ${value})`);
    for (let look = 0; look < round % 5; look++) await seer.run(looks[look % looks.length]); // Answers that cross with it.
    await giving;
    for (const program of programs) {
      assert.deepEqual(await program.run('os.listxattr("file")'), ["user.one"], `round ${round}`);
      assert.equal(await program.run(`os.getxattr("file", "user.one") == ${value}`), true);
    }
    await seer.run('os.removexattr("file", "user.one")');
    for (const program of programs) assert.deepEqual(await program.run('os.listxattr("file")'), [], `round ${round}`);
  }
  for (const program of programs) await program.kill();
});
