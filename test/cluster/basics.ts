import { type ConnectOptions, connect, type LockOptions, type MapOptions, type OpenOptions } from "../../src/index.js";
import { until } from "../support/until.js";
import type { NodeState } from "./node-state.js";

export interface InMap {
  readonly map?: string;
  /** Bytes from the map's begin. */
  readonly at: number;
}

export interface OfFile {
  readonly file?: string;
}

type MapArgs = OfFile & MapOptions & { as?: string };
type HoldArgs = { map?: string; offset: number; length: number; mode: "read" | "write"; timeout?: number; as?: string };
type LockArgs = OfFile & LockOptions & { start: number; length: number; mode: "shared" | "exclusive"; as?: string };

/** The library's calls, one command each. What is opened gets a name; "main" when the test gives none. */
export const basics = {
  async connect(node: NodeState, { url, as = "main", ...options }: ConnectOptions & { url: string; as?: string }) {
    const volume = await connect(url, options);
    volume.on("disconnect", (value) => node.events.push({ event: "disconnect", value }));
    volume.on("reconnect", () => node.events.push({ event: "reconnect", value: undefined }));
    node.volumes.set(as, volume);
  },

  async open(
    node: NodeState,
    { volume, name, as = "main", ...options }: OpenOptions & { volume?: string; name: string; as?: string },
  ) {
    const file = await node.volume(volume).open(name, options);
    node.files.set(as, file);
    return { size: file.size, created: file.created, policy: file.policy };
  },

  async map(node: NodeState, { file, as = "main", ...options }: MapArgs) {
    const map = await node.file(file).map(options);
    map.on("resize", (value) => node.events.push({ event: "resize", value }));
    map.on("lost", (value) => node.events.push({ event: "lost", value }));
    node.maps.set(as, map);
    return map.length;
  },

  async closeMap(node: NodeState, { map }: { map?: string }) {
    await node.map(map).close();
  },

  async closeFile(node: NodeState, { file }: OfFile) {
    await node.file(file).close();
  },

  async closeVolume(node: NodeState, { volume }: { volume?: string }) {
    await node.volume(volume).close();
  },

  /** Keeps a view of a map, to be used after its close. */
  keep(node: NodeState, { map, as }: { map?: string; as: string }) {
    node.kept.set(as, node.bytes(map));
  },

  keptByte(node: NodeState, { as, at, store }: { as: string; at: number; store?: number }) {
    const bytes = node.kept.get(as);
    if (bytes === undefined) throw new Error(`nothing was kept as ${as}`);
    if (store !== undefined) bytes[at] = store;
    return bytes[at];
  },

  load(node: NodeState, { map, at }: InMap) {
    return node.bytes(map)[at];
  },

  store(node: NodeState, { map, at, value }: InMap & { value: number }) {
    node.bytes(map)[at] = value;
  },

  load32(node: NodeState, { map, at }: InMap) {
    return Atomics.load(node.words(map), at / 4);
  },

  store32(node: NodeState, { map, at, value }: InMap & { value: number }) {
    Atomics.store(node.words(map), at / 4, value);
  },

  /** @returns the value before. */
  add32(node: NodeState, { map, at, value }: InMap & { value: number }) {
    return Atomics.add(node.words(map), at / 4, value);
  },

  bytes(node: NodeState, { map, at, length }: InMap & { length: number }) {
    return node.bytes(map).slice(at, at + length);
  },

  fill(node: NodeState, { map, at, length, value }: InMap & { length: number; value: number }) {
    node.bytes(map).fill(value, at, at + length);
  },

  /** The offset of the first byte in the range that is not this one; -1 when all are. */
  firstUnlike(node: NodeState, { map, at, length, value }: InMap & { length: number; value: number }) {
    const index = node
      .bytes(map)
      .subarray(at, at + length)
      .findIndex((byte) => byte !== value);
    return index < 0 ? -1 : at + index;
  },

  async read(node: NodeState, { file, offset, length }: OfFile & { offset: number; length: number }) {
    return await node.file(file).read(offset, length);
  },

  async write(node: NodeState, { file, offset, bytes }: OfFile & { offset: number; bytes: Uint8Array }) {
    await node.file(file).write(offset, bytes);
  },

  async sync(node: NodeState, { file, timeout }: OfFile & { timeout?: number }) {
    await node.file(file).sync(timeout === undefined ? {} : { timeout });
  },

  async truncate(node: NodeState, { file, size }: OfFile & { size: number }) {
    await node.file(file).truncate(size);
  },

  size(node: NodeState, { file }: OfFile) {
    return node.file(file).size;
  },

  async hold(node: NodeState, { map, offset, length, mode, timeout, as = "main" }: HoldArgs) {
    const hold = await node.map(map).hold(offset, length, mode, timeout === undefined ? {} : { timeout });
    node.holds.set(as, hold);
    return performance.timeOrigin + performance.now();
  },

  release(node: NodeState, { as = "main" }: { as?: string }) {
    node.holds.get(as)?.release();
  },

  async prefetch(node: NodeState, { map, offset, length, mode }: HoldArgs) {
    await node.map(map).prefetch(offset, length, mode);
  },

  async lock(node: NodeState, { file, start, length, mode, as = "main", ...options }: LockArgs) {
    node.locks.set(as, await node.file(file).lock(start, length, mode, options));
  },

  async unlock(node: NodeState, { as = "main" }: { as?: string }) {
    await node.locks.get(as)?.release();
  },

  /** Locks one byte of each ten, exclusively. */
  async lockMany(node: NodeState, { count }: { count: number }) {
    for (let each = 0; each < count; each++) {
      node.locks.set(`byte ${10 * each}`, await node.file().lock(10 * each, 1, "exclusive"));
    }
  },

  /** How many of those bytes may be locked: each for a moment. */
  async countLockable(node: NodeState, { count }: { count: number }) {
    let lockable = 0;
    for (let each = 0; each < count; each++) {
      try {
        await using _lock = await node.file().lock(10 * each, 1, "exclusive", { wait: false });
        lockable++;
      } catch (error) {
        if ((error as { code?: string }).code !== "DMMAP_BUSY") throw error;
      }
    }
    return lockable;
  },

  /** Counts on without atomics, under an exclusive lock. */
  async countUnderLock(node: NodeState, { rounds }: { rounds: number }) {
    const words = node.words();
    for (let round = 0; round < rounds; round++) {
      await using _lock = await node.file().lock(0, 1, "exclusive");
      const before = words[1024];
      await Promise.resolve();
      words[1024] = before + 1;
    }
  },

  async metrics(node: NodeState, { volume }: { volume?: string }) {
    return await node.volume(volume).metrics();
  },

  /** Looks until the home keeps so much in memory that its disk refused. */
  async waitForRefused(node: NodeState, { bytes }: { bytes: number }) {
    let refused = 0;
    await until(`${bytes} bytes are refused`, async () => {
      refused = (await node.volume().status()).refusedBytes;
      return refused >= bytes;
    });
    return refused;
  },

  async status(node: NodeState, { volume }: { volume?: string }) {
    return await node.volume(volume).status();
  },

  async rename(node: NodeState, { from, to }: { from: string; to: string }) {
    await node.volume().rename(from, to);
  },

  async remove(node: NodeState, { name }: { name: string }) {
    await node.volume().remove(name);
  },

  events(node: NodeState) {
    return node.events.splice(0);
  },

  /** Resident memory of the process, in bytes. */
  resident() {
    return process.memoryUsage.rss();
  },
};
