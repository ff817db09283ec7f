import { rmSync, writeFileSync } from "node:fs";
import { temporaryFolder } from "../support/temporary-folder.js";
import { MountCluster, type MountClusterOptions } from "./mount-cluster.js";

/** A home whose disk fails when the test says so, with mounts. */
export interface FailingHome extends AsyncDisposable {
  readonly cluster: MountCluster;
  /** From now on this fails: `sync`, `setSize`, `setAttributes`, `read`, or `read 5` of one page; `slow`: no sync comes to its end. */
  readonly fail: (fault: string) => void;
  readonly mend: (fault: string) => void;
}

export async function failingHome(options: Pick<MountClusterOptions, "mounts"> = {}): Promise<FailingHome> {
  const faults = temporaryFolder();
  process.env.DMMAP_TEST_FAULTS = faults.path;
  const store = new URL("../home/failing-store.js", import.meta.url).href;
  const cluster = await MountCluster.start({ ...options, home: { store } });
  return {
    cluster,
    fail: (fault) => writeFileSync(faults.at(fault), ""),
    mend: (fault) => rmSync(faults.at(fault)),
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]();
      faults[Symbol.dispose]();
    },
  };
}
