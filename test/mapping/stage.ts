import { Mapping } from "../../src/mapping/index.js";
import { until } from "../support/until.js";
import { Count, type Disk, type Order, type Report } from "./disk-hooks.js";

export const pageBytes = 4096;

export interface StageOptions {
  readonly pages?: number;
  readonly size?: number;
  readonly access?: "read" | "write";
  readonly keep?: boolean;
  readonly readAhead?: number;
}

/** A mapping over a disk in shared memory, whose page n is full of the byte n + 1. */
export class Stage implements AsyncDisposable {
  readonly mapping: Mapping;
  readonly disk: Uint8Array;
  readonly reports: Report[];
  readonly #counts: Int32Array;
  #closed = false;

  static async open(options: StageOptions = {}): Promise<Stage> {
    const { pages = 8, size = pages * pageBytes, access = "read", keep = false, readAhead } = options;
    const bytes = new SharedArrayBuffer(pages * pageBytes);
    const counts = new SharedArrayBuffer(16);
    for (let page = 0; page < pages; page++) {
      new Uint8Array(bytes).fill(page + 1, page * pageBytes, (page + 1) * pageBytes);
    }
    const data: Disk = { bytes, counts, access, keep, readAhead };
    const reports: Report[] = [];
    const onMessage = (message: unknown) => reports.push(message as Report);
    const hooks = new URL("./disk-hooks.js", import.meta.url);
    return new Stage(await Mapping.create({ size, hooks, data, onMessage }), data, reports);
  }

  private constructor(mapping: Mapping, disk: Disk, reports: Report[]) {
    this.mapping = mapping;
    this.disk = new Uint8Array(disk.bytes);
    this.reports = reports;
    this.#counts = new Int32Array(disk.counts);
  }

  /** A view's bytes. */
  view(sharing: "shared" | "private" = "shared", firstPage = 0, pageCount?: number): Uint8Array {
    const length = pageCount === undefined ? {} : { length: pageCount * pageBytes };
    return new Uint8Array(this.mapping.map({ offset: firstPage * pageBytes, sharing, ...length }).buffer);
  }

  /** How often this hook has been called. */
  calls(hook: "noPage" | "wpPage" | "writePages"): number {
    return Atomics.load(this.#counts, Count[hook]);
  }

  failWrites(on: boolean): void {
    Atomics.store(this.#counts, Count.failWrites, on ? 1 : 0);
  }

  order(order: Order): void {
    this.mapping.post(order);
  }

  /** Waits until the hooks have reported this many things. */
  async reported(count: number): Promise<void> {
    await until(`${count} reports of the hooks`, () => this.reports.length >= count);
  }

  /** Ends the mapping now; what the hooks keep is never answered. */
  async close(): Promise<void> {
    await this.mapping.close();
    this.#closed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.order("letGo");
    await this.mapping.close();
  }
}

/** Page n's first byte. */
export function at(page: number): number {
  return page * pageBytes;
}
