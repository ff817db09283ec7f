import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import { MountCluster } from "../mount/mount-cluster.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { lacks } from "./packages.js";
import { run } from "./run.js";

const skip = lacks("rsync", "python3");

/**
 * Files, folders, links, modes, times, holes and extended attributes. Nothing of it was made just now: rsync takes times of the same
 * second for the same, and leaves what it makes within that as it is, on a local disk, too.
 */
const makeTree = `
import os, sys
root = sys.argv[1]
os.makedirs(root + '/deep/er/folder')
for number in range(12):
    path = f'{root}/deep/file {number}'
    with open(path, 'wb') as file: file.write(os.urandom(number * 2997))
    os.chmod(path, [0o644, 0o600, 0o755, 0o444][number % 4])
    os.setxattr(path, 'user.number', str(number).encode())
    os.utime(path, ns=(1_000_000_000_123_456_789 + number, 1_100_000_000_987_654_321 - number))
os.symlink('deep/file 3', root + '/symlink')
os.symlink('nowhere', root + '/dangling')
os.link(root + '/deep/file 5', root + '/deep/er/hard link')
os.mkfifo(root + '/fifo')
with open(root + '/sparse', 'wb') as file:
    file.seek(3_000_000)
    file.write(b'end')
os.chmod(root + '/deep/er', 0o1770)
for number, path in enumerate(['/deep/er/folder', '/deep/er', '/fifo', '/sparse']):
    os.utime(root + path, ns=(1_200_000_000_123_456_789 + number, 1_300_000_000_987_654_321 - number))
os.utime(root + '/deep', ns=(5, 6))
`;

/** Everything about a tree that a copy has to keep, a line for each entry. */
const describeTree = `
import hashlib, os, stat, sys
root = sys.argv[1]
for folder, folders, files in sorted(os.walk(root)):
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        facts = os.lstat(path)
        line = [os.path.relpath(path, root), oct(facts.st_mode), facts.st_uid, facts.st_gid]
        if not stat.S_ISDIR(facts.st_mode): line += [facts.st_nlink, facts.st_size]
        if not stat.S_ISLNK(facts.st_mode): line += [facts.st_mtime_ns]
        if stat.S_ISREG(facts.st_mode):
            line.append(hashlib.sha256(open(path, 'rb').read()).hexdigest())
            line += [(key, os.getxattr(path, key)) for key in os.listxattr(path) if key.startswith('user.')]
        if stat.S_ISLNK(facts.st_mode): line.append(os.readlink(path))
        print(*line)
`;

const python = async (program: string, path: string) => await run("/usr/bin/python3", ["-c", program, path]);

test("cp, tar and rsync copy a tree to a mount with all that belongs to it, and rm removes it", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  using local = temporaryFolder();
  await python(makeTree, local.at("tree"));
  const original = await python(describeTree, local.at("tree"));
  assert.match(original, /hard link/);

  const copies: Record<string, (to: string) => Promise<unknown>> = {
    cp: (to) => run("cp", ["-a", local.at("tree"), to]),
    rsync: (to) => run("rsync", ["-aHX", `${local.at("tree")}/`, to]),
    tar: async (to) => {
      mkdirSync(to);
      const archive = local.at("archive.tar");
      await run("tar", ["--xattrs", "-cf", archive, "-C", local.at("tree"), "."]);
      await run("tar", ["--xattrs", "--xattrs-include=*", "-xpf", archive, "-C", to]);
    },
  };
  for (const [name, copy] of Object.entries(copies)) {
    await copy(one.at(name));
    assert.equal(await python(describeTree, one.at(name)), original, `${name}, on the host that copied`);
    assert.equal(await python(describeTree, other.at(name)), original, `${name}, on the other host`);
    await run("diff", ["-r", "--no-dereference", "-x", "fifo", local.at("tree"), other.at(name)]);
  }
  await run("rsync", ["-aHX", "--checksum", `${other.at("rsync")}/`, local.at("back")]);
  assert.equal(await python(describeTree, local.at("back")), original, "and back, from the other host");
  const differences = await run("rsync", ["-aHXni", "--checksum", `${local.at("back")}/`, other.at("rsync")]);
  assert.equal(differences, "", "rsync finds nothing to do");

  const [found, foundThere] = await Promise.all(
    [one, other].map((mount) => run("find", [".", "-type", "f"], { cwd: mount.path })),
  );
  assert.deepEqual(found.split("\n").toSorted(), foundThere.split("\n").toSorted());
  assert.equal(
    await run("du", ["-sb", "."], { cwd: one.at("cp") }),
    await run("du", ["-sb", "."], { cwd: other.at("cp") }),
  );
  await run("rm", ["-rf", other.at("cp"), other.at("tar"), other.at("rsync")]);
  assert.equal(await run("ls", ["-A", one.path]), "");
});
