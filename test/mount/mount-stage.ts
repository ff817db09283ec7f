import { after, before } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { until } from "../support/until.js";
import { MountCluster, type MountClusterOptions } from "./mount-cluster.js";
import { MountProcess } from "./mount-process.js";

/** Two mounts for all tests of a file, and processes on them in turn. */
export class MountStage {
  readonly processes: MountProcess[] = [];
  #cluster: MountCluster | undefined;

  constructor(options: MountClusterOptions = {}) {
    before(async () => {
      if (lacksFuse() === false) this.#cluster = await MountCluster.start(options);
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

  /** Processes on the mounts in turn. Those that live are used again. */
  async start(count: number): Promise<MountProcess[]> {
    const { processes } = this;
    const start = async (index: number) => {
      if (processes[index]?.isAlive) return;
      processes[index] = await MountProcess.start(this.cluster.mounts[index % 2].path);
    };
    await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
    return processes.slice(0, count);
  }

  /** Such processes, with the same file open as `fd`. */
  async open(name: string, count: number): Promise<MountProcess[]> {
    const processes = await this.start(count);
    for (const process of processes) {
      await process.run(`set_variable("fd", os.open("${name}", os.O_RDWR | os.O_CREAT))`);
    }
    return processes;
  }

  async locksWaiting(name: string, count: number): Promise<void> {
    await until(`${count} locks of ${name} wait at the home`, async () => {
      const { files } = await this.cluster.home.status();
      return files.find((file) => file.name === name)?.locksWaiting === count;
    });
  }
}
