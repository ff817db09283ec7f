import type { Patience } from "../../src/index.js";
import type { NodeState } from "../cluster/node-state.js";

type Call = (node: NodeState, patience: Patience) => Promise<unknown>;

/** Every call of the library that may have to wait for the home. The file and the map are there, and a name "other". */
export const patientCalls = {
  hold: (node, patience) => node.map().hold(0, 4096, "write", patience),
  prefetch: (node, patience) => node.map().prefetch(0, 4096, "write", patience),
  "map.sync": (node, patience) => node.map().sync(patience),
  sync: (node, patience) => node.file().sync(patience),
  read: (node, patience) => node.file().read(0, 4096, patience),
  write: (node, patience) => node.file().write(0, new Uint8Array(4096), patience),
  truncate: (node, patience) => node.file().truncate(4096 * 4, patience),
  lock: async (node, patience) => (await node.file().lock(0, 0, "exclusive", patience)).release(),
  "file.stat": (node, patience) => node.file().stat(patience),
  open: async (node, patience) => (await node.volume().open("other", { ...patience })).close(),
  list: (node, patience) => node.volume().list(patience),
  stat: (node, patience) => node.volume().stat("other", patience),
  rename: (node, patience) => node.volume().rename("other", "other", patience),
  status: (node, patience) => node.volume().status(patience),
  tokens: (node, patience) => node.volume().tokens("other", patience),
  lstat: (node, patience) => node.volume().lstat("other", patience),
  readdir: (node, patience) => node.volume().readdir("", patience),
  mkdir: (node, patience) => node.volume().mkdir("deep/folder", { recursive: true, ...patience }),
  move: (node, patience) => node.volume().move("other", "other", patience),
  chmod: (node, patience) => node.volume().chmod("other", 0o644, patience),
  utimes: (node, patience) => node.volume().utimes("other", "now", "now", patience),
  setxattr: (node, patience) => node.volume().setxattr("other", "user.a", Buffer.of(1), patience),
  listxattr: (node, patience) => node.volume().listxattr("other", patience),
  statfs: (node, patience) => node.volume().statfs(patience),
  syncNames: (node, patience) => node.volume().syncNames(patience),
} satisfies Record<string, Call>;

export type PatientCall = keyof typeof patientCalls;
