import { test } from "node:test";
import { MountCluster } from "../mount/mount-cluster.js";
import { lacks } from "./packages.js";
import { run } from "./run.js";

for (const [engine, otherEngine] of [
  ["mmap", "psync"],
  ["psync", "mmap"],
]) {
  test(`fio: what ${engine} wrote on one mount, ${otherEngine} verifies on the other`, {
    skip: lacks("fio"),
  }, async () => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    const job = (file: string, ioengine: string, ...more: string[]) => {
      const what = [`--filename=${file}`, `--ioengine=${ioengine}`, "--rw=randwrite", "--bs=4k", "--size=8m"];
      return run("fio", [
        "--name=job",
        ...what,
        "--verify=crc32c",
        "--verify_fatal=1",
        "--verify_state_save=0",
        ...more,
      ]);
    };
    await job(one.at("data"), engine, "--do_verify=1");
    await job(other.at("data"), otherEngine, "--verify_only=1");
  });
}
