/**
 * `dmmap/mapping`: the core API of the distributed mmap RFC, for whoever builds a distributed filesystem on it. It knows
 * no network; the hooks do.
 */
export { Ready } from "../kernel/epoll.js";
export type { Sharing } from "../kernel/region.js";
export type { BeyondEnd } from "./cache-view.js";
export type { Fault, HookMapping, Hooks, WrittenRange } from "./hooks.js";
export { type MapOptions, Mapping, type MappingOptions } from "./mapping.js";
export { type AttachedView, attach, type ViewBuffer, type ViewHandle } from "./view-buffer.js";
