export { DmmapError, type ErrorCode } from "./core/error.js";
export type { Policy } from "./core/units.js";
export type { Attributes, FileKind, Space, Time, XattrMode } from "./core/wire/attributes.js";
export type { FileStat } from "./core/wire/control.js";
export { type AttachedView, attach, type ViewHandle } from "./mapping/view-buffer.js";
export { type ConnectOptions, connect } from "./node/connect.js";
export type { File, LockOptions } from "./node/file.js";
export type { FileMap, MapOptions } from "./node/file-map.js";
export type { Hold } from "./node/hold.js";
export type { Lock } from "./node/lock.js";
export type { NodeMetrics } from "./node/metrics.js";
export type { Patience } from "./node/patience.js";
export type { OpenOptions, Volume } from "./node/volume.js";
export type { FolderEntry, MoveChoice } from "./node/volume-tree.js";
export type {
  FencedEvent,
  FileTokensStatus,
  HomeCounters,
  HomeFileStatus,
  HomeNodeCounters,
  HomeNodeStatus,
  HomeStatus,
  TokenSegment,
} from "./observe/status.js";
