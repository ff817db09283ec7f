import assert from "node:assert/strict";
import { test } from "node:test";
import { dmmap } from "./dmmap.js";

const verbs = [
  "serve",
  "ls",
  "stat",
  "put",
  "get",
  "rm",
  "mv",
  "truncate",
  "status",
  "top",
  "tokens",
  "mount",
  "umount",
  "doctor",
  "bench",
];

test("every verb has a page that suffices: usage, options, examples, exit codes", async () => {
  for (const verb of verbs) {
    const { code, stdout, stderr } = await dmmap([verb, "--help"]);
    assert.equal(code, 0, verb);
    assert.equal(stderr, "");
    assert.match(stdout, new RegExp(`^dmmap ${verb}: `));
    for (const part of ["Usage:", "Options:", "Examples:", `  dmmap ${verb}`, "Exit codes: 0 done, 1 failed, 2"]) {
      assert.ok(stdout.includes(part), `${verb} --help has no ${part}`);
    }
    assert.equal((await dmmap(["help", verb])).stdout, stdout);
    const wide = stdout.split("\n").find((line) => line.length > 120);
    assert.equal(wide, undefined);
  }
});

test("the overview names every verb", async () => {
  const { code, stdout } = await dmmap(["--help"]);
  assert.equal(code, 0);
  for (const verb of verbs) assert.match(stdout, new RegExp(`^  ${verb} `, "m"));
  assert.equal((await dmmap(["help"])).stdout, stdout);
});

test("help goes to a pipe without escape codes", async () => {
  assert.ok(!(await dmmap(["put", "--help"])).stdout.includes("\u001b"));
});

test("--version is the package's", async () => {
  const { code, stdout } = await dmmap(["--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

const misuse: [string, string[], RegExp][] = [
  ["no verb", [], /a verb is missing/],
  ["an unknown verb", ["frobnicate"], /no verb "frobnicate"; there are serve, ls, .*, bench\n/],
  ["a verb of Object's", ["constructor"], /no verb "constructor"/],
  [
    "an unknown option",
    ["rm", "--froce", "dmmap://127.0.0.1:1/a"],
    /unknown option '--froce'; there are --force, --help\n/,
  ],
  ["an option without its value", ["put", "x", "dmmap://127.0.0.1:1/a", "--policy"], /--policy/],
  ["a value for a switch", ["ls", "--json=yes", "dmmap://127.0.0.1:1"], /--json/],
  ["an argument too few", ["mv", "dmmap://127.0.0.1:1/a"], /TO is missing/],
  ["a folder to serve that is empty", ["serve", ""], /FOLDER is empty/],
  ["a mount point that is empty", ["mount", "dmmap://127.0.0.1:1", ""], /MOUNTPOINT is empty/],
  ["nothing to unmount", ["umount", ""], /MOUNTPOINT is empty/],
  ["an argument too many", ["stat", "dmmap://127.0.0.1:1/a", "b"], /unexpected argument "b"/],
  ["a policy that is none", ["put", "x", "dmmap://127.0.0.1:1/a", "--policy", "fast"], /simple or optimal/],
  ["another protocol", ["ls", "http://127.0.0.1:1"], /no dmmap URL/],
  ["a URL that is none", ["ls", "127.0.0.1:7400"], /no dmmap URL/],
  ["a URL without a host", ["ls", "dmmap://"], /no dmmap URL/],
  ["a port that is none", ["ls", "dmmap://127.0.0.1:port"], /expected dmmap:\/\/HOST:PORT/],
  ["a port that is too large", ["ls", "dmmap://127.0.0.1:65536"], /expected dmmap:\/\/HOST:PORT/],
  ["a file where a volume is meant", ["status", "dmmap://127.0.0.1:1/a"], /takes a volume/],
  ["a volume where a file is meant", ["stat", "dmmap://127.0.0.1:1/"], /name is missing/],
  ["two volumes", ["mv", "dmmap://127.0.0.1:1/a", "dmmap://127.0.0.1:2/a"], /two volumes/],
  ["standard input without a name", ["put", "-", "dmmap://127.0.0.1:1/a/"], /no name/],
  ["a file named twice", ["tokens", "dmmap://127.0.0.1:1/a", "b"], /named twice/],
  ["no file", ["tokens", "dmmap://127.0.0.1:1"], /FILE is missing/],
  ["a size that is a word", ["truncate", "dmmap://127.0.0.1:1/a", "big"], /no size/],
  ["a fractional size", ["truncate", "dmmap://127.0.0.1:1/a", "1.5"], /no size/],
  ["a negative size", ["truncate", "dmmap://127.0.0.1:1/a", "--", "-5"], /no size/],
  ["a size beyond 2^53", ["truncate", "dmmap://127.0.0.1:1/a", "9007199254740992"], /too large/],
  ["a size beyond 2^53, with a unit", ["truncate", "dmmap://127.0.0.1:1/a", "8192T"], /too large/],
  ["a policy for a file that is there", ["truncate", "dmmap://127.0.0.1:1/a", "1", "--policy", "simple"], /--create/],
  ["a latency that is a word", ["serve", "--cpu-latency", "none"], /--cpu-latency is a whole number of microseconds/],
  ["no way to open files", ["mount", "dmmap://127.0.0.1:1", "/tmp", "-f", "--direct-io", "on"], /auto, always, never/],
  ["an interval of nothing", ["top", "dmmap://127.0.0.1:1", "--interval", "0"], /from 0\.05 to 86400, not "0"/],
  ["an interval too short", ["top", "dmmap://127.0.0.1:1", "--interval", "0.01"], /from 0\.05 to 86400, not "0\.01"/],
  ["an interval that no timer has", ["top", "dmmap://127.0.0.1:1", "--interval", "9999999"], /from 0\.05 to 86400/],
  ["looks that are none", ["top", "dmmap://127.0.0.1:1", "--count", "0"], /--count is a whole number above 0, not "0"/],
  ["a live view of a file", ["top", "dmmap://127.0.0.1:1/a"], /takes a volume/],
  ["a part of a volume to mount", ["mount", "dmmap://127.0.0.1:1/models", "/tmp", "-f"], /without the path \/models/],
  ["a lease of nothing", ["serve", "--lease", "0"], /--lease/],
  [
    "a lease too short",
    ["serve", "--lease", "0.01"],
    /--lease is a number of seconds from 0\.02 to 86400, not "0\.01"/,
  ],
  [
    "a cache too small",
    ["mount", "dmmap://127.0.0.1:1", "/tmp", "-f", "--cache", "1"],
    /--cache is at least 16M, not "1"/,
  ],
  ["a port that is too large, alone", ["serve", "/tmp", "--listen", "76550"], /HOST:PORT/],
  ["a place to listen that is none", ["serve", "/tmp", "--listen", "127.0.0.1:70000"], /HOST:PORT/],
];

for (const [name, args, message] of misuse) {
  test(`wrong usage, ${name}: exit code 2 and a remedy`, async () => {
    const { code, stdout, stderr } = await dmmap(args);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, /^dmmap: .*\ntry: .*\n$/);
  });
}
