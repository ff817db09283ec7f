import { after, before } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

/** Two mounts for all tests of a file, and processes on them in turn, which lock. */
export class LockStage {
  readonly processes: MountProcess[] = [];
  #cluster: MountCluster | undefined;

  constructor(leaseMillis = 10_000) {
    before(async () => {
      if (lacksFuse() === false) this.#cluster = await MountCluster.start({ home: { leaseMillis } });
    });
    after(async () => {
      for (const process of this.processes) process[Symbol.dispose]();
      await this.#cluster?.[Symbol.asyncDispose]();
    });
  }

  get cluster(): MountCluster {
    if (this.#cluster === undefined) throw new Error("there are no mounts");
    return this.#cluster;
  }

  /** Processes with the same file open as `fd`: on the mounts in turn. Those that live are used again. */
  async open(name: string, count: number): Promise<MountProcess[]> {
    const { processes } = this;
    for (let index = 0; index < count; index++) {
      if (!processes[index]?.isAlive) {
        processes[index] = await MountProcess.start(this.cluster.mounts[index % 2].path);
      }
      await processes[index].run(`set_variable("fd", os.open("${name}", os.O_RDWR | os.O_CREAT))`);
    }
    return processes.slice(0, count);
  }

  async locksWaiting(name: string, count: number): Promise<void> {
    await until(`${count} locks of ${name} wait at the home`, async () => {
      const { files } = await this.cluster.home.status();
      return files.find((file) => file.name === name)?.locksWaiting === count;
    });
  }
}
