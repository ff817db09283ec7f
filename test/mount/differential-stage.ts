import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { promisify } from "node:util";
import { temporaryFolder } from "../support/temporary-folder.js";
import { MountCluster } from "./mount-cluster.js";

const script = new URL("../../../test/mount/programs/differential.py", import.meta.url).pathname;
const stepCount = 400;
const run = promisify(execFile);

/** A local folder and two mounts, on which the same is done step for step. */
export class DifferentialStage implements AsyncDisposable {
  readonly #local = temporaryFolder();
  readonly #cluster: MountCluster;
  #count = 0;

  static async start(): Promise<DifferentialStage> {
    return new DifferentialStage(await MountCluster.start());
  }

  private constructor(cluster: MountCluster) {
    this.#cluster = cluster;
  }

  /** @returns what was answered differently; "" for nothing */
  async run(seed: number): Promise<string> {
    const name = `${++this.#count} seed ${seed}`;
    const { mounts } = this.#cluster;
    for (const folder of [this.#local.path, mounts[0].path]) mkdirSync(`${folder}/${name}`);
    const places = [this.#local.at(name), ...mounts.map((mount) => mount.at(name))];
    const args = [script, String(seed), String(stepCount), ...places];
    const outcome = await run("python3", args).catch((error: Error & { stdout?: string }) => error);
    if (!(outcome instanceof Error)) return outcome.stdout;
    return `differential.py ${seed} ${stepCount}:\n${outcome.stdout || outcome.message}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
    this.#local[Symbol.dispose]();
  }
}
