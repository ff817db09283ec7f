// Ways to break the core, each by a change of its text. `from` is found whatever its white space; it must be found once.

/** @typedef {{ name: string, file: string, from: string, to: string }} Mutation */

const tokens = "token/file-tokens.js";
const directory = "home/file-directory.js";
const resizes = "home/resize-queue.js";
const ranges = "token-ranges.js";
const fetches = "token/fetch-list.js";
const acquires = "token/acquire-list.js";
const requests = "token/requests.js";
const pins = "token/pin-list.js";
const pinServer = "token/pin-server.js";
const fresh = "token/fresh-grants.js";
const revokes = "token/revoke-list.js";
const wants = "token/want-list.js";
const surplus = "token/surplus.js";
const readahead = "token/readahead.js";
const frame = "wire/frame.js";

/** @type {readonly Mutation[]} */
export const mutations = [
  // R9: what is late is dropped.
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
  // R1, R2, R3: revoke.
  m("R2: a revoke writes nothing back", tokens, "if (!this.#port.writeBack(start, end)) {", "if (false) {"),
  m(
    "R2: a revoke evicts before it writes back",
    tokens,
    "if (this.#held.strongest(start, end) === Mode.write) {",
    "if (mode === Mode.none) this.#port.evict(start, end); if (this.#held.strongest(start, end) === Mode.write) {",
  ),
  m(
    "R2: a revoke is answered before its write-back",
    tokens,
    "if (this.#held.strongest(start, end) === Mode.write) {",
    "this.#port.release(mode, start, end, this.#epoch); if (this.#held.strongest(start, end) === Mode.write) {",
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
  // R10: progress, and holds.
  m(
    "R10: a hold does not keep others out",
    tokens,
    "if (this.#pins.blocks(mode, start, end, this.#held, sequence)) return true;",
    "",
  ),
  m(
    "R10: a hold is forgotten once it has its token",
    pins,
    "(pin.satisfied || (pin.sequence < sequence &&",
    "((pin.sequence < sequence &&",
  ),
  m("R10: a hold without its whole token blocks", pins, "held.weakest(pin.start, pin.end) >= pin.mode", "true"),
  m("R10: a hold that came later blocks", pins, "pin.sequence < sequence && held.weakest", "held.weakest"),
  m(
    "R10: holds take turns on a page for ever",
    pinServer,
    "return !pin.hold || !this.#mustGiveWay(pin);",
    "return true;",
  ),
  m("R10: a hold is given what is being given up", pinServer, "(revoke.flushing || ", "("),
  m("R10: a hold inside another waits for it", pinServer, "&& !this.#pins.isInsideHold(pin, revoke.sequence)", ""),
  m(
    "R10: a reader inside a hold waits for another's write token",
    tokens,
    "if (this.#pins.holds(page) && !this.#port.isCached(page)) this.#fetchFor(want, now);",
    "",
  ),
  m("R10: a grant is revoked before its thread has run", tokens, "if (keepUntil > now) {", "if (false) {"),
  m(
    "R10: a grant is not remembered",
    tokens,
    "if (want.waited) this.#fresh.add(page, mode, want.sequence, want.since, now);",
    "",
  ),
  m("R10: later threads keep a waiter out", fresh, "this.#sequences[index] > sequence || ", ""),
  m(
    "R10: a thread that never runs keeps others out for ever",
    fresh,
    "const holdMicrosMax = 10_000;",
    "const holdMicrosMax = Infinity;",
  ),
  m(
    "R10: a revoke takes a page on its way to a thread",
    tokens,
    "return (concerned && this.#held",
    "return (false && this.#held",
  ),
  m(
    "R10: later wants count against an earlier revoke",
    tokens,
    "&& want.mode > mode && want.sequence < sequence",
    "&& want.mode > mode",
  ),
  m(
    "R10: the line is not first come, first served",
    directory,
    "if (needsConflict(this.#line[index], waiter)) return true;",
    "",
  ),
  m(
    "threads are not looked at after a revoke",
    tokens,
    "this.#serveRevoke(revoke, now))) { this.#serveWants(now);",
    "this.#serveRevoke(revoke, now))) {",
  ),
  m("a revoke that waits is not looked at again", tokens, "this.#wakeAt(keepUntil);", ""),
  m(
    "holds are not looked at after a revoke",
    tokens,
    "this.#serveWants(now); this.#wakeAt(this.#pinServer.serve(pageEndAt(this.#sizeBytes), now)); } }",
    "this.#serveWants(now); } }",
  ),
  m("a reader's acquire is taken for a writer's", acquires, "acquire.mode >= mode && ", ""),
  m(
    "part of a range is taken for all of it",
    acquires,
    "acquire.needStart <= start && acquire.needEnd >= end",
    "acquire.needStart <= start",
  ),
  m(
    "a page is fetched anew at every look",
    tokens,
    "if (this.#requests.fetches.isComing(page, this.#held)) return;",
    "",
  ),
  m(
    "a store joins readers and is forgotten",
    wants,
    "known.mode = Math.max(known.mode, mode)",
    "known.mode = known.mode",
  ),
  m("a fetch that failed is asked again at once", tokens, "this.#wants.delay(start, end, now + readRetryMicros);", ""),
  m("an answer that ends early is waited for", fetches, "(more || fetch.request !== request)", "true"),
  m(
    "R12: a store asks for the read token first",
    tokens,
    "this.#wants.add(page, write ? Mode.write : Mode.read, now,",
    "this.#wants.add(page, Mode.read, now,",
  ),
  m(
    "a read asks for the write token",
    tokens,
    "this.#wants.add(page, write ? Mode.write : Mode.read, now,",
    "this.#wants.add(page, Mode.write, now,",
  ),
  m(
    "an upgrade asks for the page again",
    tokens,
    "const needsData = !this.#port.isCached(page) ||",
    "const needsData = true ||",
  ),
  // The home.
  m(
    "R1: a writer is granted beside readers",
    directory,
    "const limit = waiter.mode === Mode.write ? Mode.none : Mode.read; let conflict",
    "const limit = Mode.read; let conflict",
  ),
  m(
    "R1: readers are taken away for a reader",
    directory,
    "const limit = waiter.mode === Mode.write ? Mode.none : Mode.read; let conflict",
    "const limit = Mode.none; let conflict",
  ),
  m("R1: a grant grows over what others hold", directory, "this.#yieldToHolders(waiter);", ""),
  m("a grant grows over what others stand in line for", directory, "this.#yieldToLine(waiter, index, kept);", ""),
  m(
    "a grant does not grow",
    directory,
    "const [start, end] = [this.#growStart, this.#growEnd];",
    "const [start, end] = [needStart, needEnd];",
  ),
  m("a revoke that was crossed counts as asked for ever", directory, "forgetCrossed(holder, start, end);", ""),
  m("a revoke is asked at every look", directory, "if (asked) return;", ""),
  m("a revoke to read counts as one to none", directory, "other.mode <= mode && other.start", "other.start"),
  m(
    "a revoke that was answered counts as asked for ever",
    directory,
    "holder.revokes = holder.revokes.filter((revoke) => holder.tokens.strongest(revoke.start, revoke.end) > revoke.mode);",
    "",
  ),
  m(
    "an upgrade never carries data",
    directory,
    "const upgrade = !waiter.needsData && holder.tokens.weakest(needStart, needEnd) >= Mode.read;",
    "const upgrade = !waiter.needsData;",
  ),
  m(
    "an upgrade always carries data",
    directory,
    "const upgrade = !waiter.needsData && holder.tokens.weakest(needStart, needEnd) >= Mode.read;",
    "const upgrade = false;",
  ),
  m(
    "the dead stand in line",
    directory,
    "close(node) { this.#holders.delete(node); this.#line = this.#line.filter((waiter) => waiter.node !== node);",
    "close(node) { this.#holders.delete(node);",
  ),
  m(
    "nobody is served when a node goes",
    directory,
    "if (this.#resizes.left(node)) this.#startResizes(); this.#pump();",
    "if (this.#resizes.left(node)) this.#startResizes();",
  ),
  m("a change of size waits for the dead", directory, "if (this.#resizes.left(node)) this.#startResizes();", ""),
  m("simple: readers may share", directory, "mode: simple ? Mode.write : mode", "mode"),
  m("simple: a node takes only the pages it needs", directory, "needEnd: simple ? pageMax : needEnd", "needEnd"),
  // R5, R6: size.
  m(
    "R6: grants go on while a size changes",
    directory,
    "if (waiter.needEnd > this.#resizes.firstUnsettledPage) return true;",
    "",
  ),
  m(
    "R6: a grant grows over what a size changes",
    directory,
    "Math.min(waiter.wantEnd, this.#resizes.firstUnsettledPage)",
    "waiter.wantEnd",
  ),
  m(
    "R5: threads that wait are not told of a new size",
    tokens,
    "this.#port.retry(page); return true;",
    "return false;",
  ),
  m(
    "R6: a change of size is over before all have answered",
    resizes,
    "active === undefined || active.unanswered.size > 0",
    "active === undefined",
  ),
  m(
    "R6: an old answer ends a later change",
    resizes,
    "if (this.#active?.epoch !== epoch)",
    "if (this.#active === undefined)",
  ),
  m("R6: two changes of size at once", resizes, "while (this.#active === undefined) {", "while (true) {"),
  m(
    "R5: a change begins at the larger end",
    "units.js",
    "return pageAt(Math.min(fromBytes, toBytes));",
    "return pageAt(Math.max(fromBytes, toBytes));",
  ),
  m(
    "R5: a change begins after the page with the smaller end",
    "units.js",
    "return pageAt(Math.min(fromBytes, toBytes));",
    "return pageEndAt(Math.min(fromBytes, toBytes));",
  ),
  // A lost connection.
  m("R6: a node that is back is not told of a new size", directory, "this.#resizes.remind(node);", ""),
  m(
    "R6: a node that is back counts as told of a new size",
    directory,
    "this.#resizes.remind(node);",
    "this.#resizes.left(node);",
  ),
  m(
    "what was asked before a cut counts as asked",
    directory,
    "holder.claims = undefined; holder.revokes = [];",
    "holder.claims = undefined;",
  ),
  m(
    "what a node gave up while cut off stays its own",
    directory,
    "holder.tokens = holder.claims ?? new TokenRanges();",
    "",
  ),
  m(
    "who is cut off stands in line",
    directory,
    "holder.claims = undefined; this.#line = this.#line.filter((waiter) => waiter.node !== node); this.#pump();",
    "holder.claims = undefined; this.#pump();",
  ),
  m(
    "questions that were lost count as asked",
    tokens,
    "this.#requests.clear(); this.#revokes.restart();",
    "this.#revokes.restart();",
  ),
  m(
    "revokes from before a cut are answered after it",
    tokens,
    "this.#requests.clear(); this.#revokes.restart();",
    "this.#requests.clear();",
  ),
  // Ranges, wire, readahead.
  m(
    "a weaker grant weakens what is held",
    ranges,
    "if (this.#modes[index] <= mode) return; const strongMode",
    "return; const strongMode",
  ),
  m("a gap is no gap", ranges, "if (this.weakest(start, end) === Mode.none) return Number.POSITIVE_INFINITY;", ""),
  m(
    "neighbours are joined whatever their epoch",
    ranges,
    "this.#modes[index] === mode && this.#epochs[index] === epoch",
    "this.#modes[index] === mode",
  ),
  m("a frame of any length is taken", frame, "if (frame.payloadBytes > payloadBytesMax)", "if (false)"),
  m("a range may end before it begins", frame, "isCount(end, pageMax) && start <= end", "isCount(end, pageMax)"),
  m("a payload need not be as long as its pages", frame, "return frame.payloadBytes === expected", "return true"),
  m("a window grows for random access too", readahead, "{ step: 0 }); }", "{}); }"),
];

/** @returns {Mutation} */
function m(name, file, from, to) {
  return { name, file: `src/core/${file}`, from, to };
}
