import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";

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
