import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { Proxy } from "../faults/proxy.js";
import { lacksFuse, lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

const skip = lacksFuse();

interface Case {
  /** What the home is asked. */
  readonly op: string;
  readonly call: string;
  /** Whether it has been done, as the served folder shows it. */
  readonly isDone: (at: (name: string) => string) => boolean;
  /** A home that has restarted cannot tell who made it. */
  readonly isMaking?: boolean;
}

const cases: Record<string, Case> = {
  rename: {
    op: "move",
    call: "os.rename('file', 'moved')",
    isDone: (at) => existsSync(at("moved")),
  },
  "rename over another file": {
    op: "move",
    call: "os.rename('file', 'other')",
    isDone: (at) => !existsSync(at("file")),
  },
  exchange: {
    op: "move",
    call: "exchange('file', 'other')",
    isDone: (at) => lstatSync(at("file")).size === 5,
  },
  unlink: { op: "unlink", call: "os.unlink('file')", isDone: (at) => !existsSync(at("file")) },
  rmdir: { op: "rmdir", call: "os.rmdir('folder')", isDone: (at) => !existsSync(at("folder")) },
  link: { op: "link", call: "os.link('file', 'linked')", isDone: (at) => existsSync(at("linked")) },
  symlink: {
    op: "symlink",
    call: "os.symlink('nowhere', 'pointer')",
    isDone: (at) => lstatSync(at("pointer"), { throwIfNoEntry: false }) !== undefined,
  },
  create: { op: "create", call: "os.open('new', os.O_CREAT | os.O_RDWR) > 0", isDone: (at) => existsSync(at("new")) },
  "create with O_EXCL": {
    op: "create",
    call: "os.open('new', os.O_CREAT | os.O_EXCL | os.O_RDWR) > 0",
    isDone: (at) => existsSync(at("new")),
    isMaking: true,
  },
  mkdir: { op: "mkdir", call: "os.mkdir('made')", isDone: (at) => existsSync(at("made")), isMaking: true },
};

for (const how of ["the connection is lost", "the home is killed"]) {
  test(`what was done, and ${how} with the answer, is not done twice, nor said to have failed`, { skip }, async () => {
    await using cluster = await MountCluster.start({ mounts: 0, home: { leaseMillis: 3000 } });
    await using proxy = await Proxy.start(() => cluster.home.port);
    const mount = await cluster.add([], {}, proxy.url);
    for (const [name, { op, call, isDone, isMaking }] of Object.entries(cases)) {
      if (isMaking === true && how === "the home is killed") continue;
      const at = (file: string) => cluster.folder.at(name, file);
      mkdirSync(cluster.folder.at(name));
      mkdirSync(at("folder"));
      writeFileSync(at("file"), "a");
      writeFileSync(at("other"), "other");
      // This process, in which the proxy runs, must not wait for the mount itself, as it would to start a program there.
      using program = await MountProcess.start("/");
      await program.run(`os.chdir(${JSON.stringify(mount.at(name))})`);
      proxy.deafAfter = new RegExp(`"op":"${op}"`);
      const waiting = program.start(call);
      await until(`${name} has been done`, () => isDone(at));
      if (how === "the home is killed") await cluster.home.restart();
      proxy.cut();
      await waiting.answer;
      assert.ok(isDone(at), `${name}: still done`);
    }
  });
}

for (const how of ["the connection is lost", "the home is killed"]) {
  test(`a file that was cut, and ${how} with the answer, is cut once: what another host wrote since stays`, {
    skip: skip || lacksUserfaultfd(),
  }, async () => {
    await using cluster = await MountCluster.start({ mounts: 0, home: { leaseMillis: 3000 } });
    await using proxy = await Proxy.start(() => cluster.home.port);
    const mount = await cluster.add([], {}, proxy.url);
    writeFileSync(cluster.folder.at("file"), "a".repeat(10_000));
    await using other = await connect(cluster.home.url);
    await using there = await other.open("file");
    using program = await MountProcess.start("/");
    await program.run(`set_variable("fd", os.open(${JSON.stringify(mount.at("file"))}, os.O_RDWR))`);
    proxy.deafAfter = /"op":"truncate"/;
    const cut = program.start("os.ftruncate(fd, 0)");
    await until("the other host sees it", () => there.size === 0);
    const work = async () => {
      await there.truncate(101);
      await there.write(100, Buffer.from("b"));
    };
    const working = work();
    if (how === "the home is killed") await Promise.all([once(other, "reconnect"), cluster.home.restart()]);
    await other.status(); // Served in order: by now the home has been asked for that size.
    proxy.cut();
    await Promise.all([cut.answer, working]);
    assert.deepEqual([there.size, ...(await there.read(100, 1))], [101, 98]);
    assert.deepEqual(await program.run("[os.fstat(fd).st_size, os.pread(fd, 1, 100).decode()]"), [101, "b"]);
  });
}
