import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingHttpHeaders, request } from "node:http";
import { createConnection } from "node:net";
import { test } from "node:test";
import { Dashboard } from "../../src/dashboard/dashboard.js";
import { connect } from "../../src/index.js";
import { counterMeanings } from "../../src/observe/counter-meanings.js";
import type { FileTokensStatus, HomeStatus } from "../../src/observe/status.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { DashboardStage } from "./dashboard-stage.js";

const skip = lacksUserfaultfd();

/** The statuses that /events tells, as they come. */
async function watch(url: string): Promise<{ readonly statuses: HomeStatus[]; isOver: boolean; end(): void }> {
  const asked = get(url);
  const [response] = await once(asked, "response");
  const watched = { statuses: [] as HomeStatus[], isOver: false, end: () => asked.destroy() };
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => {
    const events = (text + part).split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) watched.statuses.push(JSON.parse(event.replace("data: ", "")) as HomeStatus);
  });
  response
    .on("error", () => undefined)
    .on("close", () => {
      watched.isOver = true;
    });
  return watched;
}

/** With a Host, and a path, that fetch does not allow. */
async function ask(
  url: string,
  headers: Record<string, string>,
  method = "GET",
  path = new URL(url).pathname,
): Promise<[number, IncomingHttpHeaders]> {
  const [response] = await once(request(url, { headers, method, path }).end(), "response");
  response.resume();
  return [response.statusCode, response.headers];
}

test("status and tokens, as the home tells them", { skip }, async () => {
  await using stage = await DashboardStage.start();
  await using volume = await connect(stage.home.url, { name: "the writer" });
  await using file = await volume.open("shared & more", { create: true, size: 64 * 4096 });
  await using map = await file.map();
  new Uint8Array(map.buffer)[0] = 1;
  const status = (await (await fetch(stage.at("/status"))).json()) as HomeStatus;
  assert.equal(status.url, stage.home.url);
  assert.deepEqual(
    status.nodes.map(({ name }) => name),
    ["the writer"],
  );
  const tokens = (await (
    await fetch(stage.at(`/tokens?file=${encodeURIComponent("shared & more")}`))
  ).json()) as FileTokensStatus;
  assert.deepEqual(
    [tokens.name, tokens.segments[0].mode, tokens.segments[0].name],
    ["shared & more", "write", "the writer"],
  );
  for (const path of ["/tokens?file=missing", "/tokens"]) assert.equal((await fetch(stage.at(path))).status, 404, path);
});

test("events: a status every second to all who watch, and none is asked for when nobody does", async () => {
  await using stage = await DashboardStage.start();
  const watchers = [await watch(stage.at("/events")), await watch(stage.at("/events"))];
  await until("both are told again and again", () => watchers.every(({ statuses }) => statuses.length >= 3));
  const [{ statuses }] = watchers;
  assert.ok(statuses[2].uptimeMillis > statuses[1].uptimeMillis);
  for (const watcher of watchers) watcher.end();
  // Of what is on its way nothing is told: so it stays.
  let last = -1;
  await until("the home is left alone", async () => {
    last = stage.statuses;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    return stage.statuses === last;
  });
});

test("a page that is closed lets go of who watches, and a home that is closed says so", async () => {
  const stage = await DashboardStage.start();
  const watcher = await watch(stage.at("/events"));
  await until("it is told", () => watcher.statuses.length > 0);
  await stage.home.close();
  assert.equal((await fetch(stage.at("/status"))).status, 503);
  await until("the feed ends with the home", () => watcher.isOver);
  const other = await watch(stage.at("/events"));
  await stage.dashboard.close();
  await until("all connections are closed", () => other.isOver);
  await assert.rejects(fetch(stage.at("/status")));
});

test("metrics: every counter, nodes and files, in Prometheus' format, whatever their names are", { skip }, async () => {
  await using stage = await DashboardStage.start();
  await using volume = await connect(stage.home.url, { name: 'a "node"\\' });
  await using _file = await volume.open('a\n"file"', { create: true, size: 8192 });
  const response = await fetch(stage.at("/metrics"));
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  const { counters } = await stage.home.status();
  for (const counter of Object.keys(counters)) {
    const name = `dmmap_${counter.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_total`;
    const help = `# HELP ${name} Since the home's start: ${counterMeanings[counter as keyof typeof counters]}.`;
    assert.match(text, new RegExp(`^${help}\n# TYPE ${name} counter\n${name} \\d+$`, "m"));
  }
  assert.match(text, /^dmmap_nodes 1$/m);
  assert.match(text, /^dmmap_node_files\{node="\d+",name="a \\"node\\"\\\\"\} 1$/m);
  assert.match(text, /^dmmap_node_requests_total\{node="\d+",name="a \\"node\\"\\\\"\} [1-9]\d*$/m);
  assert.match(text, /^dmmap_file_size_bytes\{name="a\\n\\"file\\""\} 8192$/m);
});

test("metrics: a removed file takes no other's place", { skip }, async () => {
  await using stage = await DashboardStage.start();
  await using volume = await connect(stage.home.url);
  await using _old = await volume.open("file", { create: true, size: 4096 });
  await volume.remove("file");
  assert.ok(!(await (await fetch(stage.at("/metrics"))).text()).includes("dmmap_file_size_bytes{"));
  await using _file = await volume.open("file", { create: true, size: 8192 });
  const text = await (await fetch(stage.at("/metrics"))).text();
  assert.deepEqual(text.match(/^dmmap_file_size_bytes\{.*$/gm), ['dmmap_file_size_bytes{name="file"} 8192']);
  const { files } = (await (await fetch(stage.at("/status"))).json()) as HomeStatus;
  assert.deepEqual(
    files.map(({ isRemoved, sizeBytes }) => [isRemoved, sizeBytes]),
    [
      [true, 4096],
      [false, 8192],
    ],
  );
});

test("metrics: nobody there and nothing open is no series, not one without labels", async () => {
  await using stage = await DashboardStage.start();
  const text = await (await fetch(stage.at("/metrics"))).text();
  assert.match(text, /^dmmap_nodes 0$/m);
  assert.match(text, /^# TYPE dmmap_node_tokens gauge$/m);
  assert.doesNotMatch(text, /^dmmap_(node|file)_(tokens|files|size_bytes|waiters)\b.* 0$/m);
});

test("what is no page, no reading, or not asked for by this host's name", async () => {
  await using stage = await DashboardStage.start({ name: "Home.example" });
  const { port } = new URL(stage.dashboard.url);
  for (const path of ["/nothing", "/dashboard/page/../../../package.json", "/dashboard/page/%2e%2e/metrics.js", "//"]) {
    assert.equal((await ask(stage.dashboard.url, {}, "GET", path))[0], 404, path);
  }
  const [code, { allow }] = await ask(stage.at("/status"), {}, "POST");
  assert.deepEqual([code, allow], [405, "GET, HEAD"]);
  for (const path of ["/status", "/events"]) assert.equal((await ask(stage.at(path), {}, "HEAD"))[0], 200, path);
  const own = ["127.0.0.1", "localhost", "home.example", "HOME.EXAMPLE", "[::1]", "192.0.2.1"];
  for (const host of own) assert.equal((await ask(stage.at("/status"), { host: `${host}:${port}` }))[0], 200, host);
  for (const host of ["evil.example", `evil.example:${port}`, "localhost.evil.example"]) {
    assert.equal((await ask(stage.at("/status"), { host }))[0], 403, host);
  }
  const policy = (await fetch(stage.at("/"))).headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'; script-src 'self' 'sha256-[^']+'; style-src 'self'; connect-src 'self'/);
});

test("who looks too often is turned away, and the home goes on", { skip }, async () => {
  await using stage = await DashboardStage.start();
  const { port, hostname } = new URL(stage.dashboard.url);
  const sockets = Array.from({ length: 150 }, () =>
    createConnection(Number(port), hostname).on("error", () => undefined),
  );
  let closed = 0;
  for (const socket of sockets) socket.on("close", () => closed++);
  await until("those above the limit are closed", () => closed === 50);
  await using volume = await connect(stage.home.url);
  assert.equal((await volume.status()).nodes.length, 1);
  for (const socket of sockets) socket.destroy();
});

test("a feed that ends while the home is being asked ends, and no more", async () => {
  let answer: (status: HomeStatus) => void = () => undefined;
  let asked = 0;
  const source = {
    status: () => {
      asked++;
      return new Promise<HomeStatus>((resolve) => {
        answer = resolve;
      });
    },
    tokens: () => Promise.resolve(null),
  };
  const dashboard = await Dashboard.start(source, { host: "127.0.0.1", port: 0 });
  const watcher = await watch(new URL("/events", dashboard.url).href);
  await new Promise((resolve) => setTimeout(resolve, 2500)); // Two more are due meanwhile.
  assert.equal(asked, 1, "a home that does not answer is not asked again");
  const closing = dashboard.close();
  answer({} as HomeStatus); // A write behind the end would end the process.
  await closing;
  await until("the feed is over", () => watcher.isOver);
});

test("a place that cannot be had", async () => {
  await using stage = await DashboardStage.start();
  const port = Number(new URL(stage.dashboard.url).port);
  await assert.rejects(Dashboard.start(stage.home, { host: "127.0.0.1", port }), { code: "DMMAP_PORT_IN_USE" });
  await assert.rejects(Dashboard.start(stage.home, { host: "192.0.2.1", port: 0 }), { code: "DMMAP_UNREACHABLE" });
});
