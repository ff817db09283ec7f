import { type Mutation, m } from "./mutation.js";

const tokens = "token/file-tokens.js";
const revokes = "token/revoke-list.js";
const surplus = "token/surplus.js";

export const givingWayMutations: readonly Mutation[] = [
  m("R2: a revoke writes nothing back", tokens, "(isWritten && !this.#port.writeBack(start, end))", "false"),
  m(
    "R2: a revoke evicts before it writes back",
    tokens,
    "const isWritten = this.#held.strongest(start, end) === Mode.write;",
    "const isWritten = this.#held.strongest(start, end) === Mode.write; if (mode === Mode.none) this.#port.evict(start, end);",
  ),
  m(
    "R2: a revoke is answered before its write-back",
    tokens,
    "const isWritten = this.#held.strongest(start, end) === Mode.write;",
    "const isWritten = this.#held.strongest(start, end) === Mode.write; this.#port.release(mode, start, end, this.#epoch);",
  ),
  m("R2: a revoke leaves the pages in the cache", tokens, "if (mode === Mode.none) this.#port.evict(start, end);", ""),
  m(
    "R3: a downgrade throws the pages away",
    tokens,
    "if (mode === Mode.none) this.#port.evict(start, end);",
    "this.#port.evict(start, end);",
  ),
  m("R1: a revoke leaves the token", tokens, "this.#held.restrict(start, end, mode, this.#epoch);", ""),
  m(
    "R1: a downgrade leaves the token",
    tokens,
    "this.#held.restrict(start, end, mode, this.#epoch);",
    "this.#held.restrict(start, end, mode === Mode.read ? Mode.write : mode, this.#epoch);",
  ),
  m(
    "a revoke is never answered",
    tokens,
    "this.#port.release(mode, start, end, this.#epoch); return true;",
    "return true;",
  ),
  m(
    "a revoke with no room for its pages is answered as if it had",
    tokens,
    "revoke.flushing = true; return false;",
    "revoke.flushing = true;",
  ),
  m(
    "stores go on while a revoke is written back",
    revokes,
    "revoke.flushing && mode > revoke.mode",
    "false && mode > revoke.mode",
  ),
  m(
    "a store to a page that is being given up is let on",
    tokens,
    "=== Mode.write && !this.#revokes.bars(page, Mode.write) && this.#port.isCached(page)",
    "=== Mode.write && this.#port.isCached(page)",
  ),
  m(
    "a page being given up is installed writable",
    tokens,
    "this.#held.modeAt(page) === Mode.write && !this.#revokes.bars(page, Mode.write));",
    "this.#held.modeAt(page) >= Mode.read);",
  ),
  m(
    "R1: readers may store",
    tokens,
    "this.#port.resolve(page, mode === Mode.write, want.waited);",
    "this.#port.resolve(page, true, want.waited);",
  ),
  m(
    "R1: writers are let on as readers",
    tokens,
    "this.#port.resolve(page, mode === Mode.write, want.waited);",
    "this.#port.resolve(page, false, want.waited);",
  ),
  m(
    "surplus reaches beyond the token",
    surplus,
    "Math.min(wantEnd, held.end(index), end + surplusPagesMax)",
    "Math.min(wantEnd, end + surplusPagesMax)",
  ),
  m(
    "surplus takes what threads wait for",
    tokens,
    "[this.#wants, this.#requests.fetches, this.#pins]",
    "[this.#requests.fetches, this.#pins]",
  ),
  m(
    "surplus takes what is under way",
    tokens,
    "[this.#wants, this.#requests.fetches, this.#pins]",
    "[this.#wants, this.#pins]",
  ),
  m(
    "surplus takes what is on hold",
    tokens,
    "[this.#wants, this.#requests.fetches, this.#pins]",
    "[this.#wants, this.#requests.fetches]",
  ),
  m("surplus takes what is cached", tokens, "return this.#port.nextCached(end, limit);", "return limit;"),
];
