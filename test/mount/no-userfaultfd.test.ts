import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { dmmapScript } from "../cli/dmmap.js";
import { lacksFuse, lacksProgram } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse() || lacksProgram("gcc");
const library = new URL("../../src/index.js", import.meta.url).href;

test("a mount needs no userfaultfd, nor does a command: containers have none", { skip }, async () => {
  using without = new CompiledProgram("no-userfaultfd");
  await using cluster = await MountCluster.start({ mounts: 1 });
  const [far] = cluster.mounts;
  const mount = await cluster.add([], { prefix: [without.path] });
  writeFileSync(mount.at("file"), "of a container");
  assert.equal(readFileSync(far.at("file"), "utf8"), "of a container");
  writeFileSync(far.at("file"), "of its host");
  assert.equal(readFileSync(mount.at("file"), "utf8"), "of its host");

  const get = [process.execPath, dmmapScript, "get", `${cluster.home.url}/file`, "-"];
  assert.equal(await without.run(get), "of its host");
});

test("a map does, and says so", { skip }, async () => {
  using without = new CompiledProgram("no-userfaultfd");
  await using cluster = await MountCluster.start({ mounts: 0 });
  const script = `
    const { connect } = await import("${library}");
    const volume = await connect("${cluster.home.url}");
    const file = await volume.open("file", { create: true, size: 4096 });
    await file.write(0, new Uint8Array([1]));
    const { code, message } = await file.map().catch((error) => error);
    console.log(code, message);
    await volume.close();`;
  const said = await without.run([process.execPath, "--input-type=module", "--eval", script]);
  assert.match(said, /^DMMAP_UNSUPPORTED .*may not have a userfaultfd \(EPERM\)/);
});
