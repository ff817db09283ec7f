import assert from "node:assert/strict";
import {
  accessSync,
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { lacksFuse } from "../support/requires.js";
import { MountCluster } from "./mount-cluster.js";
import { StatProgram } from "./stat-program.js";

const skip = lacksFuse();
const rounds = 120;

test("I19: what is cached is stated without asking the home", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  mkdirSync(one.at("a/b"), { recursive: true });
  chmodSync(other.at("a"), 0o750);
  lstatSync(other.at("a/b"));
  await using volume = await connect(cluster.home.url);
  const requests = async () => (await volume.status()).counters.requests;
  const before = await requests();
  for (let round = 0; round < 1000; round++) assert.ok(lstatSync(other.at("a/b")).isDirectory());
  const asked = (await requests()) - before - 1;
  assert.ok(asked <= 5, `${asked} requests for 1000 stats`);
});

test("a mode that comes with a size of an open file counts for who asks first", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), "");
  for (let round = 0; round < rounds; round++) {
    chmodSync(one.at("file"), 0o755);
    const fd = openSync(other.at("file"), "r");
    accessSync(other.at("file"), constants.X_OK);
    chmodSync(one.at("file"), 0o644);
    appendFileSync(one.at("file"), "longer");
    // The kernel is brought the size by another answer than to this question, and throws that away, as the older one.
    assert.throws(() => accessSync(other.at("file"), constants.X_OK), { code: "EACCES" }, `round ${round}`);
    closeSync(fd);
  }
});

test("I19: attributes that one mount changes are seen by the next stat on the other", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  const names = ["one", "other"];
  for (const name of names) mkdirSync(one.at(name));
  for (const name of names) writeFileSync(one.at(name, "file"), "");
  const paths = cluster.mounts.flatMap((mount) =>
    names.flatMap((name) => [mount.at(name, "file"), mount.at(name, "link"), mount.at(name)]),
  );
  await using _stats = new StatProgram(paths);
  for (let round = 0; round < rounds; round++) {
    const [here, there] = round % 2 === 0 ? [one, other] : [other, one];
    const folder = names[Math.floor(round / 2) % 2];
    const [file, seen] = [here.at(folder, "file"), there.at(folder, "file")];

    const mode = 0o600 + (round % 64);
    chmodSync(file, mode);
    assert.equal(statSync(seen).mode & 0o777, mode, `chmod, round ${round}`);

    utimesSync(file, round, round * 2);
    assert.equal(statSync(seen).mtimeMs, round * 2000, `utimes, round ${round}`);

    const folderBefore = statSync(there.at(folder), { bigint: true }).mtimeNs;
    linkSync(file, here.at(folder, "link"));
    assert.equal(statSync(seen).nlink, 2, `link, round ${round}`);
    assert.equal(statSync(there.at(folder, "link")).nlink, 2, `link, round ${round}`);
    const folderAfter = statSync(there.at(folder), { bigint: true }).mtimeNs;
    assert.ok(folderAfter > folderBefore, `the folder of a link, round ${round}`);
    assert.equal(statSync(here.at(folder), { bigint: true }).mtimeNs, folderAfter, `both agree, round ${round}`);
    unlinkSync(here.at(folder, "link"));
    assert.equal(statSync(seen).nlink, 1, `unlink, round ${round}`);

    mkdirSync(here.at(folder, "below"));
    assert.equal(statSync(there.at(folder)).nlink, 3, `mkdir, round ${round}`);
    chmodSync(there.at(folder, "below"), mode);
    assert.equal(statSync(here.at(folder, "below")).mode & 0o777, mode, `chmod of a folder, round ${round}`);
    rmdirSync(there.at(folder, "below"));
    assert.equal(statSync(here.at(folder)).nlink, 2, `rmdir, round ${round}`);
  }
});

test("I19: sizes that one mount changes are seen by the next stat on the other, cached or not", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), "");
  await using _stats = new StatProgram(cluster.mounts.map((mount) => mount.at("file")));
  for (let round = 1; round <= rounds; round++) {
    const [here, there] = round % 2 === 0 ? [one, other] : [other, one];
    truncateSync(here.at("file"), round * 1000);
    assert.equal(statSync(there.at("file")).size, round * 1000, `truncate, round ${round}`);
    const fd = openSync(here.at("file"), "a");
    writeSync(fd, "more");
    assert.equal(statSync(there.at("file")).size, round * 1000 + 4, `append, round ${round}`);
    closeSync(fd);
  }
});

test("I19: what a library changes is seen by the next stat on a mount", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [mount] = cluster.mounts;
  writeFileSync(mount.at("file"), "");
  await mount.unmount(); // So that nobody has the file open for writing.
  await mount.start();
  await using volume = await connect(cluster.home.url);
  await using _stats = new StatProgram([mount.at("file"), mount.path]);
  for (let round = 0; round < rounds; round++) {
    const mode = 0o600 + (round % 64);
    await volume.chmod("file", mode);
    assert.equal(statSync(mount.at("file")).mode & 0o777, mode, `chmod, round ${round}`);
    const before = statSync(mount.at("file"), { bigint: true }).ctimeNs;
    await volume.setxattr("file", "user.round", Buffer.from(String(round)));
    assert.ok(statSync(mount.at("file"), { bigint: true }).ctimeNs > before, `setxattr, round ${round}`);
    if (round % 20 !== 0) continue;
    await using file = await volume.open("file");
    await file.truncate(round);
    assert.equal(statSync(mount.at("file")).size, round, `truncate, round ${round}`);
  }
});
