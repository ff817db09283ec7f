import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { Program } from "../support/program.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { RawNode } from "./raw-node.js";

const script = new URL("./home-program.js", import.meta.url);
const listen = "127.0.0.1:0";

test("a port in use, a bad folder and bad options are told with the remedy", async () => {
  using folder = temporaryFolder();
  await using home = await startHome({ folder: folder.path, listen });
  const same = `127.0.0.1:${home.port}`;
  await assert.rejects(startHome({ store: "memory", listen: same }), {
    code: "DMMAP_PORT_IN_USE",
    message: new RegExp(`port ${home.port} of 127.0.0.1 is in use.*another port`),
  });
  await assert.rejects(startHome({ folder: folder.path, listen }), {
    code: "DMMAP_BAD_FOLDER",
    message: /served already/,
  });
  await assert.rejects(startHome({ folder: "/dev/null", listen }), { code: "DMMAP_BAD_FOLDER" });
  await assert.rejects(startHome({ folder: "/proc/none", listen }), { code: "DMMAP_BAD_FOLDER" });
  await assert.rejects(startHome({ store: "memory", listen: "192.0.2.1:0" }), { code: "DMMAP_UNREACHABLE" });
  await assert.rejects(startHome({ store: "memory", listen: "no host" }), { code: "DMMAP_UNREACHABLE" });
  await assert.rejects(startHome({ store: "memory", listen: "1:2:3" }), TypeError);
  for (const options of [
    {},
    { folder: "x", store: "memory" },
    { store: "memory", leaseMillis: -1 },
    { stoer: "memory" },
  ]) {
    await assert.rejects(startHome(options as never), TypeError, JSON.stringify(options));
  }
  assert.equal(home.url, `dmmap://${same}`);
});

test("a home closed says so to its nodes, and its folder is free for the next one", async () => {
  using folder = temporaryFolder();
  const home = await startHome({ folder: folder.path, listen });
  const { node, welcome } = await RawNode.greet(home.port);
  node.socket.on("end", () => node.socket.end());
  await home.close();
  assert.match(node.story(), /closing/);
  await home.close(); // Twice is once.
  await assert.rejects(home.status(), { code: "DMMAP_CLOSED" });
  await using again = await startHome({ folder: folder.path, listen });
  assert.notEqual(again.boot, welcome.boot);
});

for (const way of ["close", "exit", "unref", "throw"] as const) {
  test(`a process with a home ends by itself: ${way}`, async () => {
    using folder = temporaryFolder();
    using program = new Program(script, [folder.path, way]);
    await program.line(/^port \d+$/);
    const from = performance.now();
    const { code, signal } = await program.end();
    assert.deepEqual([code, signal], [way === "exit" ? 3 : way === "throw" ? 1 : 0, null], program.errors);
    assert.ok(performance.now() - from < 4000, "without waiting for a limit");
  });
}

test("an idle home takes less than 120 MiB", async () => {
  using folder = temporaryFolder();
  using program = new Program(script, [folder.path, "stay"]);
  const [, residentBytes] = await program.line(/^resident (\d+)$/);
  assert.ok(Number(residentBytes) < 120 * 2 ** 20, `${Number(residentBytes) / 2 ** 20} MiB`);
  program.kill();
  await program.end();
});

test("out of descriptors, new connections wait and the others go on", async () => {
  using folder = temporaryFolder();
  const child = spawn("bash", ["-c", `ulimit -n 64; exec ${process.execPath} ${script.pathname} ${folder.path} stay`]);
  let said = "";
  child.stdout.on("data", (text) => {
    said += String(text);
  });
  try {
    await until("it listens", () => /^port \d+$/m.test(said));
    const port = Number(/^port (\d+)$/m.exec(said)?.[1]);
    const { node } = await RawNode.greet(port, "before");
    const crowd = Array.from({ length: 80 }, () => connect(port, "127.0.0.1"));
    await until("it says so", () => /^warning .*ulimit -n/m.test(said));
    await node.settled();
    for (const socket of crowd) socket.destroy();
    const { node: later } = await RawNode.greet(port, "after");
    await later.settled();
    await node.settled();
    assert.equal(said.match(/warning/g)?.length, 1, "said once");
    for (const each of [node, later]) each.socket.destroy();
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
});
