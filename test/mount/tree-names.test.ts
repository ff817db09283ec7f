import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lacksFuse } from "../support/requires.js";
import { MountStage } from "./mount-stage.js";

const skip = lacksFuse();
const stage = new MountStage();

test("O_EXCL and link decide one winner among many processes of two mounts", { skip }, async () => {
  const racers = await stage.start(4);
  const race = (call: string) => `sum(1 for round in range(15) if answer_to(f"${call}") == '{"ok": null}')`;
  for (const call of ["os.close(os.open('won{round}', os.O_CREAT | os.O_EXCL))", "os.mkdir('made{round}')"]) {
    const wins = await Promise.all(racers.map((racer) => racer.run(race(call), 60_000)));
    assert.equal(
      (wins as number[]).reduce((sum, count) => sum + count),
      15,
      call,
    );
  }
  await racers[0].run('os.mknod("source")');
  const links = await Promise.all(racers.map((racer) => racer.run(race("os.link('source', 'link{round}')"), 60_000)));
  assert.equal(
    (links as number[]).reduce((sum, count) => sum + count),
    15,
  );
  assert.equal(statSync(stage.cluster.folder.at("source")).nlink, 16, "in place, on the home's disk");
});

test("O_CREAT without O_EXCL: all get the one file, cut if they ask for that", { skip }, async () => {
  const racers = await stage.start(4);
  const open = `[os.close(os.open(f"shared{round}", os.O_CREAT | os.O_RDWR)) for round in range(20)] and 0`;
  await Promise.all(racers.map((racer) => racer.run(open, 60_000)));
  const append = `[os.write(os.open(f"shared{round}", os.O_CREAT | os.O_APPEND | os.O_WRONLY), b"x") for round in range(20)] and 0`;
  await Promise.all(racers.map((racer) => racer.run(append, 60_000)));
  assert.deepEqual(
    await racers[0].run(`[os.stat(f"shared{round}").st_size for round in range(20)]`),
    Array.from({ length: 20 }, () => 4),
  );
  await racers[1].run('os.open("shared0", os.O_CREAT | os.O_TRUNC | os.O_RDWR)');
  assert.equal(await racers[0].run('os.stat("shared0").st_size'), 0);
});

test("rename replaces atomically: there is no moment without the name, nor with a half", { skip }, async () => {
  const [writer, reader] = await stage.start(2);
  await writer.run(`open("config", "wb").write(b"0" * 5000)`);
  const replace = `[(open("config.new", "wb").write(str(round % 10).encode() * 5000), os.rename("config.new", "config")) for round in range(60)] and 0`;
  const replacing = writer.start(replace);
  let looks = 0;
  while (!replacing.isOver) {
    assert.equal(await reader.run('[len(set(data)) * len(data) for data in [open("config", "rb").read()]][0]'), 5000);
    looks++;
  }
  await replacing.answer;
  assert.ok(looks > 0);
});

test("a file that is removed or replaced lives on in whoever has it open, on both mounts", { skip }, async () => {
  const [one, other] = await stage.open("removed", 2);
  await one.run('os.pwrite(fd, b"before", 0)');
  assert.equal(await other.run("os.pread(fd, 100, 0)"), Buffer.from("before").toString("hex"));
  await other.run('os.unlink("removed")');
  assert.equal(await one.run("os.fstat(fd).st_nlink"), 0);
  await one.run('os.pwrite(fd, b"after!", 0)');
  assert.equal(await other.run("os.pread(fd, 100, 0)"), Buffer.from("after!").toString("hex"));
  await other.run("os.ftruncate(fd, 3)");
  assert.equal(await one.run("os.fstat(fd).st_size"), 3);
  await one.run("os.fchmod(fd, 0o600)");
  assert.equal(await other.run("oct(os.fstat(fd).st_mode)"), "0o100600");
  await assert.rejects(one.run('os.stat("removed")'), { code: "ENOENT" });
  await one.run('set_variable("again", os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))');
  assert.equal(await one.run("os.pread(again, 100, 0)"), Buffer.from("aft").toString("hex"));
  await one.run('set_variable("again", os.open(f"/proc/self/fd/{fd}", os.O_RDWR))');
  await other.run(
    'set_variable("map", mmap.mmap(os.open("map", os.O_RDWR | os.O_CREAT), 4096) if os.truncate(os.open("map", os.O_RDWR | os.O_CREAT), 4096) is None else 0)',
  );
  await one.run('os.rename("shared1", "map")');
  await other.run("map.__setitem__(0, 65)");
  assert.equal(await other.run("map[0]"), 65);
  for (const process of [one, other]) await process.run("os.close(fd)");
  assert.ok(!readdirSync(stage.cluster.folder.path).includes("removed"));
});

test("a folder that is removed under whoever works in it", { skip }, async () => {
  const [one, other] = await stage.start(2);
  await one.run('[os.mkdir("cwd"), os.chdir("cwd")] and 0');
  await one.run('os.rmdir("../cwd")');
  assert.equal(await one.run('os.stat(".").st_nlink'), 0);
  assert.deepEqual(await one.run('os.listdir(".")'), []);
  await assert.rejects(one.run('open("x", "w")'), { code: "ENOENT" });
  await one.run(`os.chdir("${stage.cluster.mounts[0].path}")`);
  await other.run('[os.mkdir("cwd2"), os.chdir("cwd2")] and 0');
  await one.run('os.rmdir("cwd2")');
  await assert.rejects(other.run('open("x", "w")'), { code: "ESTALE" }, "elsewhere: the kernel does not know it");
  assert.equal(await other.run('os.stat(".").st_nlink'), 0);
  await other.run(`os.chdir("${stage.cluster.mounts[1].path}")`);
});

test("names of 255 bytes and of any bytes; paths of 4095; deep links", { skip }, async () => {
  const [one, other] = await stage.start(2);
  const long = "n".repeat(255);
  await one.run(`os.mknod("${long}")`);
  await other.run(`os.stat("${long}")`);
  for (const call of ["os.mknod", "os.stat", "os.mkdir", "os.unlink"]) {
    await assert.rejects(one.run(`${call}("${long}n")`), { code: "ENAMETOOLONG" });
  }
  await one.run(
    "os.mkdir('bytes') or [os.mknod(b'bytes/' + bytes([b])) for b in range(1, 256) if b not in (46, 47)] and 0",
  );
  assert.equal(await other.run("len(set(os.listdir(b'bytes')))"), 253);
  assert.equal(await other.run("os.stat(b'bytes/\\xff').st_size + os.stat(b'bytes/\\n').st_size"), 0);
  assert.equal(readdirSync(stage.cluster.folder.at("bytes"), { encoding: "buffer" }).length, 253);
  // 15 folders of 255 bytes and a name: a path of 4095 bytes; and deeper than any path reaches.
  await one.run(`[(os.mkdir("d" * 255), os.chdir("d" * 255)) for _ in range(20)] and 0`);
  await one.run(`open("deep", "w").write("far down") and os.chdir("${stage.cluster.mounts[0].path}")`);
  await other.run(`open("/".join(["d" * 255] * 15) + "/" + "f" * 255, "w").write("4095") and 0`);
  assert.equal(await one.run(`open("/".join(["d" * 255] * 15) + "/" + "f" * 255).read()`), "4095");
  await assert.rejects(one.run(`os.stat("/".join(["d" * 255] * 17))`), { code: "ENAMETOOLONG" });
  await other.run(`[os.chdir("d" * 255) for _ in range(20)] and 0`);
  assert.equal(await other.run('open("deep").read()'), "far down");
  await other.run(`os.chdir("${stage.cluster.mounts[1].path}")`);
  await other.run('__import__("shutil").rmtree("d" * 255)');
  await assert.rejects(one.run('os.stat("d" * 255)'), { code: "ENOENT" });
});

test("a name of more than 255 bytes is ENAMETOOLONG for whatever is asked of it, in a folder just made too", {
  skip,
}, async () => {
  const [one] = await stage.start(1);
  await one.run('os.mkdir("fresh") or os.mknod("short")');
  for (const length of [256, 1024, 1025, 3000]) {
    for (const folder of [".", "fresh"]) {
      const long = `"${folder}/" + "n" * ${length}`;
      for (const call of ["os.stat", "os.mkdir", "os.mknod", "os.unlink", "os.rmdir", "open"]) {
        await assert.rejects(one.run(`${call}(${long})`), { code: "ENAMETOOLONG" }, `${call} ${folder} ${length}`);
      }
      for (const call of [`open(${long}, "w")`, `os.rename("short", ${long})`, `os.rename(${long}, "short")`]) {
        await assert.rejects(one.run(call), { code: "ENAMETOOLONG" }, `${call} ${folder} ${length}`);
      }
      for (const call of [`os.symlink("x", ${long})`, `os.link("short", ${long})`]) {
        await assert.rejects(one.run(call), { code: "ENAMETOOLONG" }, `${call} ${folder} ${length}`);
      }
    }
  }
});

test("a folder is listed in full, however long its names are", { skip }, async () => {
  const [one, other] = await stage.start(2);
  await one.run(`os.mkdir("long") or [os.mknod("long/" + "\\x01" * 250 + f"{n:05}") for n in range(600)] and 0`);
  assert.equal(await other.run(`sorted(int(name[-5:]) for name in os.listdir("long")) == list(range(600))`), true);
});

test("symbolic links: long, dangling, in a circle", { skip }, async () => {
  const [one, other] = await stage.start(2);
  await one.run('os.symlink("t" * 4095, "long-link")');
  assert.equal(await other.run('len(os.readlink("long-link"))'), 4095);
  assert.equal(await other.run('os.lstat("long-link").st_size'), 4095);
  await assert.rejects(one.run('os.symlink("", "empty")'), { code: "ENOENT" });
  await one.run('[os.symlink("nowhere", "dangling"), os.symlink("b", "a"), os.symlink("a", "b")] and 0');
  await assert.rejects(other.run('open("dangling")'), { code: "ENOENT" });
  await assert.rejects(other.run('os.stat("a")'), { code: "ELOOP" });
  await other.run('open("dangling", "w").write("x") and 0');
  assert.equal(await one.run('open("nowhere").read()'), "x");
});

test("the home's own folder is not there, and cannot be made", { skip }, async () => {
  const [one] = await stage.start(1);
  assert.equal(await one.run('".dmmap" in os.listdir(".")'), false);
  await assert.rejects(one.run('os.stat(".dmmap")'), { code: "ENOENT" });
  for (const call of ['os.mkdir(".dmmap")', 'open(".dmmap", "w")', 'os.symlink("x", ".dmmap")']) {
    await assert.rejects(one.run(call), { code: "EPERM" }, call);
  }
  await assert.rejects(one.run('[os.mkdir("visible"), os.rename("visible", ".dmmap")]'), { code: "EPERM" });
  await assert.rejects(one.run('os.stat(".dmmap/lock")'), { code: "ENOENT" });
  await one.run('[os.mkdir("below"), os.mkdir("below/.dmmap")] and 0'); // Only the one in the root is the home's.
});

test("a file that another tool puts into a folder is listed after a mount has made a name there, and goes with the folder", {
  skip,
}, async () => {
  const [one, other] = await stage.start(2);
  await one.run('os.mkdir("shared") or os.listdir("shared")');
  await delay(50);
  await one.run('os.listdir("shared")');
  writeFileSync(stage.cluster.folder.at("shared/outside"), "x");
  await one.run('os.mknod("shared/own")');
  for (const mount of [one, other])
    assert.deepEqual(await mount.run('sorted(os.listdir("shared"))'), ["outside", "own"]);
  assert.equal(await other.run('os.system("rm -r shared")'), 0);
});

test("a folder is listed in full while names come and go: what stays is told once", { skip }, async () => {
  const [one, other] = await stage.start(2);
  await one.run('os.mkdir("busy") or [os.mknod(f"busy/stays{n:04}") for n in range(1000)] and 0', 60_000);
  const churn = `[(os.mknod(f"busy/a{n}"), os.rename(f"busy/a{n}", f"busy/z{n}"), os.unlink(f"busy/z{n}")) for n in range(100)] and 0`;
  const churning = one.start(churn);
  const seen = `[len([n for n in names if n.startswith("stays")]) == 1000 == len({n for n in names if n.startswith("stays")}) for names in [[e.name for e in os.scandir("busy")]]][0]`;
  while (!churning.isOver) assert.equal(await other.run(seen, 60_000), true);
  await churning.answer;
  assert.equal(readFileSync(stage.cluster.folder.at("nowhere"), "utf8"), "x");
});
