import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMount8 } from "../../src/cli/mount8.js";

const url = "dmmap://10.0.0.5:7400";

test("a line of fstab becomes a call of dmmap mount", () => {
  const args = [
    url,
    "/mnt/a",
    "-o",
    "rw,nofail,_netdev,x-systemd.automount,timeout=5,cache=64M,cpu-latency=0,direct-io=never",
  ];
  const options = ["--timeout=5", "--cache=64M", "--cpu-latency=0", "--direct-io=never"];
  assert.deepEqual(parseMount8(args), { url, mountPoint: "/mnt/a", options, isFake: false });
});

test("read-only is said in two ways; flags of mount(8) may come together", () => {
  assert.deepEqual(parseMount8([url, "/mnt/a", "-o", "ro,allow_other"]).options, ["--read-only", "--allow-other"]);
  assert.deepEqual(parseMount8(["-rnv", url, "/mnt/a"]).options, ["--read-only"]);
  assert.equal(parseMount8(["-fnv", "-t", "dmmap", url, "/mnt/a"]).isFake, true);
});

test("what a mount cannot do is refused, unless sloppy was asked for", () => {
  for (const option of ["noexec", "sync", "remount", "timeout", "subdir=x"]) {
    const args = [url, "/mnt/a", "-o", `rw,${option}`];
    assert.throws(() => parseMount8(args), new RegExp(`has the option "${option}"`));
    assert.deepEqual(parseMount8(["-s", ...args]).options, []);
  }
});

test("a missing folder, one too many, and unknown flags are wrong usage", () => {
  for (const args of [[], [url], [url, "/a", "/b"], [url, "/a", "--help"]]) {
    assert.throws(() => parseMount8(args), { name: "UsageError" });
  }
});
