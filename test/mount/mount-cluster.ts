import { chmodSync } from "node:fs";
import { type HomeChoice, HomeUnderTest } from "../faults/home-under-test.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { type MountStart, MountUnderTest } from "./mount-under-test.js";

export interface MountClusterOptions {
  readonly mounts?: number;
  /** Of `dmmap mount`. */
  readonly options?: readonly string[];
  readonly home?: Partial<HomeChoice>;
}

/** A home and mounts of its volume, each a process of its own, any of which may be killed. */
export class MountCluster implements AsyncDisposable {
  /** What the home serves. */
  readonly folder: TemporaryFolder;
  readonly home: HomeUnderTest;
  readonly mounts: MountUnderTest[] = [];

  static async start({ mounts = 2, options = [], home = {} }: MountClusterOptions = {}): Promise<MountCluster> {
    const folder = temporaryFolder();
    chmodSync(folder.path, 0o755); // The mounts' root has its mode.
    const where = home.store === undefined ? { folder: folder.path } : {};
    const cluster = new MountCluster(folder, await HomeUnderTest.start({ ...where, ...home }));
    try {
      for (let count = 0; count < mounts; count++) await cluster.add(options);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(folder: TemporaryFolder, home: HomeUnderTest) {
    this.folder = folder;
    this.home = home;
  }

  /** One more mount. `url`: where it finds the home. */
  async add(options: readonly string[] = [], how: MountStart = {}, url = this.home.url): Promise<MountUnderTest> {
    const mount = await MountUnderTest.start(url, ["--name", `mount ${this.mounts.length}`, ...options], how);
    this.mounts.push(mount);
    return mount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = [...this.mounts.map((mount) => mount[Symbol.asyncDispose]()), this.home[Symbol.asyncDispose]()];
    const outcomes = await Promise.allSettled(ends);
    this.folder[Symbol.dispose]();
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
