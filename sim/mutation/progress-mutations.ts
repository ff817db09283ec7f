import { type Mutation, m } from "./mutation.js";

const tokens = "token/file-tokens.js";
const directory = "home/file-directory.js";
const fetches = "token/fetch-list.js";
const acquires = "token/acquire-list.js";
const requests = "token/requests.js";
const pins = "token/pin-list.js";
const pinServer = "token/pin-server.js";
const fresh = "token/fresh-grants.js";
const wants = "token/want-list.js";

export const progressMutations: readonly Mutation[] = [
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
  m("R10: an urgent hold waits for the revoke that waits for it", pinServer, "if (pin.isUrgent) return false;", ""),
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
    "if (want.waited) this.#fresh.add(page, page + 1, mode, want.sequence, want.since, now);",
    "",
  ),
  m("R10: what a thread has waited for is not kept for its work elsewhere", fresh, "since <= now", "false"),
  m("R10: what goes with a lock is kept for work", fresh, " && !isOwn", ""),
  m(
    "R10: who waited for a hold that has lost its token is forgotten",
    tokens,
    "while (this.#revokes.count > 0 &&",
    "if (this.#revokes.count > 0 &&",
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
    "return this.#held.modeAt(page) >= want.mode && this.#requests",
    "return false && this.#requests",
  ),
  m(
    "R10: later wants count against an earlier revoke",
    tokens,
    "want.mode <= mode || want.sequence >= sequence",
    "want.mode <= mode",
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
  m("a fetch that failed is asked again at once", tokens, "this.#wants.delay(start, end, retryAt);", ""),
  m(
    "what the line had no room for is never asked again",
    requests,
    "if (!this.acquires.refused(request, askAt)) this.fetches.fail(request, onRange);",
    "this.fetches.fail(request, onRange);",
  ),
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
  m("who waits for a page that cannot be read is not told", pins, "each(pin.pin);", ""),
  m(
    "whoever has what he asked for is told that a page cannot be read",
    pins,
    "if (pin.satisfied || pin.reached < start || pin.reached >= end) continue;",
    "if (pin.reached < start || pin.reached >= end) continue;",
  ),
];
