import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { FrameType } from "../../src/core/wire/frame.js";
import { connect } from "../../src/index.js";
import { counterMeanings } from "../../src/observe/counter-meanings.js";
import type { FileTokensStatus, HomeStatus } from "../../src/observe/status.js";
import { page, RawNode } from "../home/raw-node.js";
import { MountCluster } from "../mount/mount-cluster.js";
import { Program } from "../support/program.js";
import { lacksFuse, lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { dmmap, dmmapJson, dmmapScript, serveFolder } from "./dmmap.js";

const skip = lacksUserfaultfd();
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];

/** Fails with this code, and says what to try. */
async function fails(code: string, ...args: string[]): Promise<void> {
  const outcome = await dmmap(args);
  assert.equal(outcome.code, 1, outcome.stderr);
  assert.match(outcome.stderr, new RegExp(`^dmmap: .* \\(${code}\\)\ntry: .+\n$`));
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`serve says where it listens, and ends cleanly on ${signal}`, { skip }, async () => {
    using folder = temporaryFolder();
    using home = new Program(dmmapScript, ["serve", folder.path, "--listen", "127.0.0.1:0"]);
    const [, path, url] = await home.line(/^dmmap serves (.*) at (dmmap:\/\/127\.0\.0\.1:\d+); Ctrl-C ends it$/);
    assert.equal(path, folder.path);
    const { code } = await dmmap(["ls", url]);
    assert.equal(code, 0);
    home.kill(signal);
    assert.deepEqual(await home.end(), { code: 0, signal: null });
    assert.equal(home.errors, "");
  });
}

test("a second signal, of either kind, ends a home at once whose disk hangs", {
  skip: lacksFuse() || skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 }); // Of which the home's folder is a part: a disk that can be made to hang.
  const [mount] = cluster.mounts;
  mkdirSync(mount.at("volume"));
  using home = new Program(dmmapScript, ["serve", mount.at("volume"), "--listen", "127.0.0.1:0"]);
  const [, url] = await home.line(/ at (dmmap:.*); Ctrl-C/);
  const { node } = await RawNode.greet(Number(new URL(url).port));
  const { file } = await node.request("open", { name: "file", create: true, size: 4096 });
  await node.granted(node.acquire(file, 2, 0, 1));
  await node.outcome(node.write(file, 0, page(1)), FrameType.written);
  await cluster.home.stop();
  home.kill("SIGINT");
  await home.line(/^SIGINT: closing$/);
  node.socket.destroy();
  home.kill("SIGTERM");
  assert.deepEqual(await home.end(5000), { code: null, signal: "SIGTERM" });
  cluster.home.signal("SIGCONT");
});

test("a port that is in use", async () => {
  using home = await serveFolder();
  using folder = temporaryFolder();
  await fails("DMMAP_PORT_IN_USE", "serve", folder.path, "--listen", `127.0.0.1:${home.port}`);
});

test("a number alone is a port, of this machine only", async () => {
  using folder = temporaryFolder();
  using home = new Program(dmmapScript, ["serve", folder.path, "--listen", "7661", "--http", "7662"]);
  const [, url] = await home.line(/^dmmap serves .* at (.*); Ctrl-C ends it$/);
  assert.equal(url, "dmmap://127.0.0.1:7661");
  await home.line(/^its page: http:\/\/127\.0\.0\.1:7662\/$/);
  assert.equal((await fetch("http://localhost:7662/")).status, 200);
});

test("what keeps a home from listening has its own remedy", async () => {
  using folder = temporaryFolder();
  const foreign = await dmmap(["serve", folder.path, "--listen", "192.0.2.1:7663"]);
  assert.match(foreign.stderr, /EADDRNOTAVAIL \(DMMAP_UNREACHABLE\)\ntry: listen on an address of this machine/);
  using other = temporaryFolder();
  chmodSync(other.path, 0o777);
  using reserved = new Program(dmmapScript, ["serve", other.path, "--listen", "127.0.0.1:99"], {}, undefined, asNobody);
  assert.equal((await reserved.end()).code, 1);
  assert.match(
    reserved.errors,
    /ports below 1024 are for root.*\(DMMAP_UNREACHABLE\)\ntry: choose a port from 1024 on/,
  );
});

test("serve shows a page where it is told to, or nowhere", async () => {
  using folder = temporaryFolder();
  using home = new Program(dmmapScript, ["serve", folder.path, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
  const [, url] = await home.line(/^its page: (http:\/\/127\.0\.0\.1:\d+\/)$/);
  assert.match(await (await fetch(url)).text(), /<title>dmmap<\/title>/);
  const { port } = new URL(url);
  using other = await serveFolder(["--http", "none"]);
  assert.deepEqual(JSON.parse(other.program.lines[0]).http, null);
  using free = temporaryFolder();
  await fails("DMMAP_PORT_IN_USE", "serve", free.path, "--listen", "127.0.0.1:0", "--http", `127.0.0.1:${port}`);
  const wrong = await dmmap(["serve", free.path, "--listen", "127.0.0.1:0", "--http", "a:b:c"]);
  assert.deepEqual([wrong.code, wrong.stderr.includes('--http: "HOST:PORT"')], [2, true]);
  home.kill("SIGTERM");
  assert.deepEqual(await home.end(), { code: 0, signal: null }, "whoever looks at the page does not keep it");
});

test("a home whose default page's port is in use serves without, and says so", async () => {
  const other = createServer();
  other.on("error", () => undefined); // In use already.
  other.listen(7401, "127.0.0.1");
  using folder = temporaryFolder();
  using home = new Program(dmmapScript, ["serve", folder.path, "--listen", "127.0.0.1:0"]);
  const [, why] = await home.line(/^it has no page: (.*)$/);
  assert.equal(why, "127.0.0.1:7401 is in use; --http HOST:PORT puts it elsewhere");
  other.close();
});

test("a folder that is served already, is missing, or is a file", async () => {
  using home = await serveFolder();
  await fails("DMMAP_BAD_FOLDER", "serve", home.folder.path, "--listen", "127.0.0.1:0");
  await fails("DMMAP_BAD_FOLDER", "serve", home.folder.at("missing"), "--listen", "127.0.0.1:0");
  const missing = await dmmap(["serve", home.folder.at("missing"), "--listen", "127.0.0.1:0"]);
  assert.match(missing.stderr, /\ntry: mkdir -p .*\/missing, or mount its disk\n$/);
  writeFileSync(home.folder.at("file"), "");
  await fails("DMMAP_BAD_FOLDER", "serve", home.folder.at("file"), "--listen", "127.0.0.1:0");
});

test("the default folder is made where the command runs", async () => {
  using folder = temporaryFolder();
  using home = new Program(dmmapScript, ["serve", "--listen", "127.0.0.1:0"], {}, folder.path);
  const [, path] = await home.line(/^dmmap serves (.*) at /);
  assert.equal(path, folder.at("volume"));
});

test("no home there, no such host, something else there", { skip }, async () => {
  await fails("DMMAP_UNREACHABLE", "ls", "dmmap://127.0.0.1:1");
  await fails("DMMAP_UNREACHABLE", "ls", "dmmap://no-such-host.invalid:7400");
  const { stderr } = await dmmap(["serve", "/tmp", "--listen", "no-such-host.invalid:0"]);
  assert.match(stderr, /no such host \(DMMAP_UNREACHABLE\)\ntry: listen on an address or a name of this machine/);
  const other = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n".padEnd(200)));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  assert.ok(address !== null && typeof address === "object");
  await fails("DMMAP_PROTOCOL", "ls", `dmmap://127.0.0.1:${address.port}`);
  other.close();
});

test("status and tokens show who is there and who holds what", { skip }, async () => {
  using home = await serveFolder(["--lease", "30"]);
  await using volume = await connect(home.url, { name: "the writer" });
  await using file = await volume.open("shared", { create: true, size: 64 * 4096 });
  await using map = await file.map();
  new Uint8Array(map.buffer)[0] = 1;

  const status = await dmmapJson<HomeStatus>(["status", home.url]);
  assert.equal(status.store, home.folder.path);
  assert.equal(status.leaseMillis, 30_000);
  assert.ok(status.nodes.some(({ name, state }) => name === "the writer" && state === "connected"));
  assert.deepEqual(
    status.files.map(({ name, sizeBytes, nodes }) => [name, sizeBytes, nodes]),
    [["shared", 64 * 4096, 1]],
  );
  const writer = status.nodes.find(({ name }) => name === "the writer");
  assert.equal(writer?.counters.acquires, 1);
  const page = (await dmmap(["status", home.url])).stdout;
  assert.match(page, /\n +NODE .* ACQUIRES +REVOKES +REQUESTS +RECALLS +DATA OUT +DATA IN\n/);
  for (const part of [home.url, home.folder.path, "the writer", "shared", "Fenced last: none\n", "Since its start"]) {
    assert.ok(page.includes(part), part);
  }

  const tokens = await dmmapJson<FileTokensStatus>(["tokens", home.url, "shared"]);
  assert.equal(tokens.name, "shared");
  assert.ok(tokens.segments.some(({ mode, start, name }) => mode === "write" && start === 0 && name === "the writer"));
  assert.deepEqual(await dmmapJson<FileTokensStatus>(["tokens", `${home.url}/shared`]), tokens);
  const table = (await dmmap(["tokens", home.url, "shared"])).stdout;
  assert.match(table, /\nTOKEN +FIRST PAGE +LAST PAGE +NODE +NAME +EPOCH\nwrite +0 /);
  await fails("DMMAP_NOT_FOUND", "tokens", home.url, "missing");
});

/** Names of fields, of objects in it too. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (value === null || typeof value !== "object") return [];
  return [...Object.keys(value), ...Object.values(value).flatMap(fieldsOf)];
}

test("what --json gives is in the documents, and what each counter counts", { skip }, async () => {
  const text = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");
  using home = await serveFolder();
  await using volume = await connect(home.url);
  await using file = await volume.open("shared", { create: true, size: 4096 });
  await file.write(0, new Uint8Array([1]));
  const calls = [["status", home.url], ["tokens", home.url, "shared"], ["ls", home.url], ["doctor"]];
  const found = await Promise.all(calls.map((args) => dmmapJson<unknown>(args)));
  const missing = found.flatMap(fieldsOf).filter((field) => !text.includes(`\`${field}\``));
  assert.deepEqual([...new Set(missing)], []);
  for (const [name, meaning] of Object.entries(counterMeanings)) {
    assert.ok(
      text.includes(`\n| \`${name}\` | ${meaning} |\n`),
      `docs/operating.md lacks | \`${name}\` | ${meaning} |`,
    );
  }
});

test("a command that waits for another node says so, and goes on", { skip }, async () => {
  using home = await serveFolder();
  await using volume = await connect(home.url);
  await using file = await volume.open("held", { create: true, size: 4096 });
  await using map = await file.map();
  const hold = await map.hold(0, 4096, "write");
  new Uint8Array(map.buffer).fill(1);
  using get = new Program(dmmapScript, ["get", `${home.url}/held`, home.folder.at("copy")]);
  await until("it says so", () =>
    /^dmmap: has waited for 3 s for the home, .*`dmmap tokens URL FILE`/.test(get.errors),
  );
  hold.release();
  assert.deepEqual(await get.end(), { code: 0, signal: null });
  assert.deepEqual(readFileSync(home.folder.at("copy")), Buffer.alloc(4096, 1));
});

test("doctor: checks with a state each, and exit code 0 where maps work", { skip }, async () => {
  const report = await dmmapJson<{ ready: boolean; access: string; checks: { name: string; state: string }[] }>([
    "doctor",
  ]);
  assert.equal(report.ready, true);
  assert.ok(report.checks.some(({ name }) => name === "userfaultfd"));
  const { code, stdout } = await dmmap(["doctor"]);
  assert.equal(code, 0);
  assert.match(stdout, /^✔ architecture: /);
  assert.match(stdout, /\nThis machine can map files, /);
});

test("a home that dies under a command: the command fails, whatever it had sent", { skip }, async () => {
  using home = await serveFolder();
  using fed = new Program(dmmapScript, ["put", "-", `${home.url}/endless`]);
  fed.child.stdin?.on("error", () => undefined); // It ends while it is being fed.
  const feeding = setInterval(() => fed.child.stdin?.write(Buffer.alloc(256 * 1024, 1)), 5);
  try {
    await until("the first bytes are there", () => existsSync(home.folder.at("endless")));
    home.program.kill();
    assert.equal((await fed.end()).code, 1);
    assert.match(fed.errors, /^dmmap: .* \(DMMAP_UNREACHABLE\)\ntry: .*\n/);
  } finally {
    clearInterval(feeding);
  }
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`a command that ${signal} ends gives everything back: nobody waits for its lease`, { skip }, async () => {
    using home = await serveFolder(["--lease", "60"]);
    using fed = new Program(dmmapScript, ["put", "-", `${home.url}/endless`]);
    fed.child.stdin?.on("error", () => undefined); // It ends while it is being fed.
    const feeding = setInterval(() => fed.child.stdin?.write(Buffer.alloc(256 * 1024, 1)), 5);
    try {
      await until("the first bytes are there", () => existsSync(home.folder.at("endless")));
      fed.kill(signal);
      assert.deepEqual(await fed.end(), { code, signal: null });
    } finally {
      clearInterval(feeding);
    }
    const { nodes, files } = await dmmapJson<HomeStatus>(["status", home.url]);
    assert.deepEqual(
      nodes.map(({ state }) => state),
      ["connected"],
      "who asks",
    );
    assert.deepEqual(files, []);
  });
}
