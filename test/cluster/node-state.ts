import type { File, FileMap, Hold, Lock, Volume } from "../../src/index.js";

/** What a node program has open, by the names that its test gave. */
export class NodeState {
  readonly volumes = new Map<string, Volume>();
  readonly files = new Map<string, File>();
  readonly maps = new Map<string, FileMap>();
  readonly holds = new Map<string, Hold>();
  readonly locks = new Map<string, Lock>();
  /** Views that were taken of maps, kept beyond the end of the map. */
  readonly kept = new Map<string, Uint8Array>();
  readonly events: { readonly event: string; readonly value: unknown }[] = [];

  volume(name = "main"): Volume {
    return found(this.volumes, name, "volume");
  }

  file(name = "main"): File {
    return found(this.files, name, "file");
  }

  map(name = "main"): FileMap {
    return found(this.maps, name, "map");
  }

  lock(name = "main"): Lock {
    return found(this.locks, name, "lock");
  }

  bytes(name?: string): Uint8Array {
    return new Uint8Array(this.map(name).buffer);
  }

  words(name?: string): Int32Array {
    const { buffer } = this.map(name);
    return new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
  }
}

function found<Value>(values: Map<string, Value>, name: string, kind: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new Error(`this node has no ${kind} "${name}"`);
  return value;
}
