import { type Mutation, m } from "./mutation.js";

const tokens = "token/file-tokens.js";
const directory = "home/file-directory.js";
const fetches = "token/fetch-list.js";
const acquires = "token/acquire-list.js";
const requests = "token/requests.js";

export const lateDataMutations: readonly Mutation[] = [
  m("R9: data of any epoch is installed", fetches, "&& epoch <= fetch.epoch) return true", ") return true"),
  m("R9: data is installed without a token", fetches, "if (epoch === 0) return false;", ""),
  m(
    "R9: data is installed over a cached page",
    tokens,
    "this.#held, request) && !this.#port.isCached(page)",
    "this.#held, request)",
  ),
  m(
    "R9: any request's data is taken for any other's",
    fetches,
    "request !== undefined && fetch.request !== request",
    "false",
  ),
  m(
    "R9: whatever is under way survives a grant",
    fetches,
    "held.newest(fetch.start, fetch.end) <= fetch.epoch",
    "true",
  ),
  m(
    "R9: nothing that is under way survives a grant",
    fetches,
    "held.newest(fetch.start, fetch.end) <= fetch.epoch",
    "false",
  ),
  m(
    "R9: an answer from before a write-back is taken",
    tokens,
    "for (const range of overtaken) this.#requests.fetches.drop(range.start, range.end);",
    "",
  ),
  m("R9: a revoke's write-back overtakes nothing", tokens, "this.#requests.overtakeWritten(start, end);", ""),
  m(
    "R9: an eviction overtakes nothing",
    tokens,
    "evicted(start, end) { this.#requests.overtake(start, end);",
    "evicted() {",
  ),
  m("R9: an eviction overtakes no acquire", requests, "this.acquires.overtake(start, end);", ""),
  m("R9: an eviction overtakes no fetch", requests, "this.fetches.drop(start, end);", ""),
  m(
    "R9: only the first range is remembered",
    acquires,
    "overtaken.push(",
    "if (overtaken.length === 0) overtaken.push(",
  ),
  m("R9: a change of size leaves late data good", tokens, "this.#held.stamp(firstPage, pageMax, epoch);", ""),
  m(
    "R9: a release takes away what a later grant gave",
    directory,
    "holder.tokens.restrict(start, end, mode, epoch);",
    "holder.tokens.restrict(start, end, mode, Infinity);",
  ),
  m(
    "R9: a release claims to know grants of the future",
    tokens,
    "this.#port.release(mode, start, end, this.#epoch)",
    "this.#port.release(mode, start, end, this.#epoch + 1)",
  ),
  m(
    "R9: a grant does not tell its epoch",
    tokens,
    "const overtaken = this.#requests.acquires.granted(request); this.#epoch = Math.max(this.#epoch, epoch);",
    "const overtaken = this.#requests.acquires.granted(request);",
  ),
  m("R9: a grant has the epoch of the last one", directory, "this.#epoch++;", ""),
];
