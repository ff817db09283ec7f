import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { dmmap, dmmapJson, dmmapScript, type ServedFolder, serveFolder } from "./dmmap.js";

interface FileStat {
  name: string;
  size: number;
  policy: string;
  modifiedMillis: number;
  allocatedBytes: number;
}

describe("dmmap on files", { skip: lacksUserfaultfd() }, () => {
  const local = temporaryFolder();
  let home: ServedFolder;
  before(async () => {
    home = await serveFolder();
  });
  after(() => {
    home[Symbol.dispose]();
    local[Symbol.dispose]();
  });

  async function ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await dmmap(args, { cwd: local.path });
    assert.equal(stderr, "", args.join(" "));
    assert.equal(code, 0);
    return stdout;
  }

  async function fails(code: string, ...args: string[]): Promise<string> {
    const outcome = await dmmap(args, { cwd: local.path });
    assert.equal(outcome.code, 1, outcome.stderr);
    assert.match(outcome.stderr, new RegExp(`^dmmap: .* \\(${code}\\)\ntry: .+\n$`));
    assert.equal(outcome.stdout, "");
    return outcome.stderr;
  }

  test("put, and the home's folder has the bytes; get, and they are back", async () => {
    const bytes = randomBytes(3 * 1024 * 1024 + 77);
    writeFileSync(local.at("model.bin"), bytes);
    assert.equal(await ok("put", "model.bin", `${home.url}/`), "");
    assert.deepEqual(readFileSync(home.folder.at("model.bin")), bytes);
    await ok("put", local.at("model.bin"), `${home.url}/models/`);
    await ok("put", local.at("model.bin"), `${home.url}/models/v2.bin`);
    assert.deepEqual(readFileSync(home.folder.at("models/v2.bin")), bytes);

    await ok("get", `${home.url}/models/v2.bin`);
    assert.deepEqual(readFileSync(local.at("v2.bin")), bytes);
    mkdirSync(local.at("into"));
    await ok("get", `${home.url}/models/v2.bin`, "into");
    assert.deepEqual(readFileSync(local.at("into/v2.bin")), bytes);
    await ok("get", `${home.url}/models/v2.bin`, "other-name");
    assert.deepEqual(readFileSync(local.at("other-name")), bytes);
  });

  test("through standard input and output, byte for byte", async () => {
    const bytes = randomBytes(2 * 1024 * 1024 + 1);
    const { code, stderr } = await dmmap(["put", "-", `${home.url}/piped`], { input: bytes });
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.deepEqual(readFileSync(home.folder.at("piped")), bytes);
    const back = await dmmap(["get", `${home.url}/piped`, "-"]);
    assert.equal(back.code, 0);
    assert.ok(back.bytes.equals(bytes));
    await dmmap(["put", "-", `${home.url}/nothing`], { input: Buffer.alloc(0) });
    assert.equal(statSync(home.folder.at("nothing")).size, 0);
    assert.equal((await dmmap(["get", `${home.url}/nothing`, "-"])).bytes.byteLength, 0);
  });

  test("output that nobody can take is a failure like any other", async () => {
    writeFileSync(home.folder.at("bytes"), randomBytes(100_000));
    for (const command of ['ls "$0"', 'get "$0/bytes" -', 'get "$0/bytes" /dev/full']) {
      const shell = `exec ${process.execPath} ${dmmapScript} ${command} ${command.endsWith("full") ? "" : ">/dev/full"}`;
      const { status, stderr } = spawnSync("sh", ["-c", shell, home.url], { encoding: "utf8", timeout: 30_000 });
      assert.equal(status, 1, stderr);
      assert.equal(
        stderr,
        "dmmap: ENOSPC: no space left on device, write\ntry: make room on this machine's disk\n",
        command,
      );
    }
  });

  test("a folder in the place of a file, and a size too large, have remedies of their own", async () => {
    mkdirSync(home.folder.at("folder"));
    writeFileSync(local.at("one"), "1");
    for (const args of [["rm"], ["stat"], ["put", "one"], ["get"]]) {
      const said = await fails("DMMAP_BAD_NAME", ...args, `${home.url}/folder`);
      assert.match(said, /it is a folder.*\ntry: name a file in the folder: dmmap ls/, args.join(" "));
    }
    writeFileSync(home.folder.at("file"), "");
    assert.match(
      await fails("DMMAP_BAD_NAME", "stat", `${home.url}/file/x`),
      /try: see which part of the name is a file/,
    );
    const tooLarge = await fails("DMMAP_BAD_RANGE", "truncate", `${home.url}/file`, "8191T");
    assert.match(tooLarge, /try: choose a smaller size/);
  });

  test("ls of a folder without files lists nothing; of what is not there it fails", async () => {
    mkdirSync(home.folder.at("empty"));
    assert.equal(await ok("ls", `${home.url}/empty`), "");
    assert.equal(await ok("ls", "--json", `${home.url}/empty/`), "[]\n");
    symlinkSync("nowhere", home.folder.at("dangling"));
    assert.match(await fails("DMMAP_NOT_FOUND", "ls", `${home.url}/dangling`), /of the kind symlink/);
    await fails("DMMAP_NOT_FOUND", "ls", `${home.url}/not-there`);
  });

  test("put replaces as cp does, shorter content too, and --no-clobber does not", async () => {
    writeFileSync(local.at("long"), "a long content");
    writeFileSync(local.at("short"), "short");
    await ok("put", "long", `${home.url}/text`);
    await ok("put", "short", `${home.url}/text`);
    assert.equal(readFileSync(home.folder.at("text"), "utf8"), "short");
    await fails("DMMAP_EXISTS", "put", "--no-clobber", "long", `${home.url}/text`);
    assert.equal(readFileSync(home.folder.at("text"), "utf8"), "short");
  });

  test("get replaces as cp does, and --no-clobber does not; a missing file leaves the local one alone", async () => {
    writeFileSync(home.folder.at("there"), "from home");
    writeFileSync(local.at("mine"), "something much longer of my own");
    const refused = await dmmap(["get", "-n", `${home.url}/there`, local.at("mine")]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /EEXIST[\s\S]*try: /);
    await fails("DMMAP_NOT_FOUND", "get", `${home.url}/not-there`, "mine");
    assert.equal(readFileSync(local.at("mine"), "utf8"), "something much longer of my own");
    await ok("get", `${home.url}/there`, "mine");
    assert.equal(readFileSync(local.at("mine"), "utf8"), "from home");
  });

  test("a sparse file stays sparse both ways", async () => {
    writeFileSync(local.at("sparse"), "");
    truncateSync(local.at("sparse"), 64 * 1024 * 1024);
    const marked = readFileSync(local.at("sparse"));
    marked[40_000_000] = 7;
    await dmmap(["put", "-", `${home.url}/sparse`], { input: marked });
    const put = await dmmapJson<FileStat>(["stat", `${home.url}/sparse`]);
    assert.equal(put.size, 64 * 1024 * 1024);
    assert.ok(put.allocatedBytes <= 1024 * 1024, `${put.allocatedBytes} bytes on disk`);
    await ok("get", `${home.url}/sparse`, "sparse-back");
    assert.ok(readFileSync(local.at("sparse-back")).equals(marked));
    assert.ok(statSync(local.at("sparse-back")).blocks * 512 <= 1024 * 1024);

    truncateSync(local.at("sparse"), 2 ** 40);
    await ok("put", "sparse", `${home.url}/huge`);
    const huge = statSync(home.folder.at("huge"));
    assert.equal(huge.size, 2 ** 40);
    assert.ok(huge.blocks * 512 <= 1024 * 1024);
  });

  test("ls and stat, for people and as JSON", async () => {
    writeFileSync(home.folder.at("list-b"), "12345");
    mkdirSync(home.folder.at("list/in"), { recursive: true });
    writeFileSync(home.folder.at("list/a"), "1");
    writeFileSync(home.folder.at("list/in/c"), "");
    assert.equal(await ok("ls", `${home.url}/list`), "list/a\nlist/in/c\n");
    assert.equal(await ok("ls", `${home.url}/list/`), "list/a\nlist/in/c\n");
    assert.equal(await ok("ls", `${home.url}/list-b`), "list-b\n");
    assert.match(
      await ok("ls", "-l", `${home.url}/list`),
      /^SIZE +ON DISK +POLICY.*\n +1 .*optimal .*list\/a\n +0 .*\n$/,
    );
    assert.ok((await ok("ls", home.url)).includes("list-b\n"));
    await fails("DMMAP_NOT_FOUND", "ls", `${home.url}/lis`);

    const [first] = await dmmapJson<FileStat[]>(["ls", `${home.url}/list`]);
    const stat = await dmmapJson<FileStat>(["stat", `${home.url}/list/a`]);
    assert.deepEqual(first, stat);
    assert.equal(stat.name, "list/a");
    assert.equal(stat.size, 1);
    assert.equal(stat.policy, "optimal");
    assert.ok(Math.abs(stat.modifiedMillis - Date.now()) < 60_000);
    assert.match(await ok("stat", `${home.url}/list/a`), /^name +list\/a\nsize +1 bytes \(1 B\)\n/);
  });

  test("mv and rm", async () => {
    writeFileSync(home.folder.at("move-me"), "moved");
    await ok("mv", `${home.url}/move-me`, `${home.url}/new/place`);
    assert.equal(readFileSync(home.folder.at("new/place"), "utf8"), "moved");
    await ok("mv", `${home.url}/new/place`, `${home.url}/other/`);
    assert.ok(existsSync(home.folder.at("other/place")));
    await fails("DMMAP_NOT_FOUND", "mv", `${home.url}/move-me`, `${home.url}/x`);

    writeFileSync(home.folder.at("other/second"), "");
    await ok("rm", `${home.url}/other/place`, `${home.url}/other/second`);
    assert.ok(!existsSync(home.folder.at("other/place")));
    assert.ok(!existsSync(home.folder.at("other/second")));
    await fails("DMMAP_NOT_FOUND", "rm", `${home.url}/other/place`);
    await ok("rm", "--force", `${home.url}/other/place`);
  });

  test("truncate cuts, extends, and makes a file with a policy", async () => {
    writeFileSync(home.folder.at("cut"), "0123456789");
    await ok("truncate", `${home.url}/cut`, "4");
    assert.equal(readFileSync(home.folder.at("cut"), "utf8"), "0123");
    await ok("truncate", `${home.url}/cut`, "6");
    assert.equal(readFileSync(home.folder.at("cut"), "utf8"), "0123\0\0");
    assert.match(await fails("DMMAP_NOT_FOUND", "truncate", `${home.url}/made`, "1G"), /\ntry: --create makes it/);
    await ok("truncate", "--create", "--policy", "simple", `${home.url}/made`, "1G");
    const made = await dmmapJson<FileStat>(["stat", `${home.url}/made`]);
    assert.deepEqual([made.size, made.policy], [2 ** 30, "simple"]);
    const other = await dmmap(["put", local.at("short"), `${home.url}/made`, "--policy", "optimal"]);
    assert.equal(other.code, 2);
    assert.equal(statSync(home.folder.at("made")).size, 2 ** 30);
  });

  test("names that leave the folder are refused", async () => {
    for (const name of ["../x", "a/../../x", "/etc/passwd", "a//b", ".", "..", ".dmmap/lock", "a/"]) {
      await fails("DMMAP_BAD_NAME", "stat", `${home.url}/${name}`);
    }
    writeFileSync(local.at("secret"), "secret");
    symlinkSync(local.at("secret"), home.folder.at("way-out"));
    await fails("DMMAP_BAD_NAME", "get", `${home.url}/way-out`, "-");
    await fails("DMMAP_BAD_NAME", "put", "secret", `${home.url}/../escaped`);
    assert.ok(!existsSync(home.folder.at("../escaped")));
  });

  test("local mistakes are told as such", async () => {
    const missing = await dmmap(["put", local.at("no-such-file"), `${home.url}/`]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^dmmap: ENOENT.*no-such-file'\ntry: check the local path\n$/);
    const folder = await dmmap(["put", local.path, `${home.url}/`]);
    assert.equal(folder.code, 2);
    assert.match(folder.stderr, /is a folder/);
    const blocked = await dmmap(["get", `${home.url}/text`, local.at("no/such/folder")]);
    assert.equal(blocked.code, 1);
    assert.match(blocked.stderr, /ENOENT/);
  });
});
