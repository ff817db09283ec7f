import { type Mutation, m, needing } from "./mutation.js";

const retained = "token/retained-pages.js";
const retention = "token/retention.js";
const failures = "failures.js";

/** R20 at a node: the copies it keeps, and what becomes of them. */
export const retentionMutations: readonly Mutation[] = needing("homeCrashes", [
  m("R20: nothing is anybody's duty", retained, "this.#open.cached.set(start, end, mode, duty); return", "return"),
  m(
    "R20: what came unstable is nobody's duty",
    retained,
    "const duty = this.#answerFor(start, end, Mode.read, this.#attic.seenDuty());",
    "return;",
  ),
  m(
    "R15: own stores are no more when they have come back unstable",
    retained,
    "const own = this.isEmpty ? undefined : this.#ownIn(start, end);",
    "const own = undefined;",
  ),
  m("R15: own stores in kept copies do not count", retained, "if (isOwn) own.set(page, page + 1, Mode.write, 0);", ""),
  m(
    "R20: what leaves the cache is not kept",
    retained,
    "kept.set(page, { page, version, duty, slot: this.#attic.keep(page), isOwn });",
    "",
  ),
  m(
    "R20: a kept copy has no version",
    retained,
    "page, version, duty, slot: this.#attic",
    "page, version: 0, duty, slot: this.#attic",
  ),
  m(
    "R20: a kept copy has the number of another duty",
    retained,
    "page, version, duty, slot: this.#attic",
    "page, version, duty: duty + 1, slot: this.#attic",
  ),
  m("R20: a kept page still counts as cached", retained, "cached.set(start, end, Mode.none, 0); } }", "} }"),
  m("R20: an older copy outlives the next write", retained, "this.forget(start, end); this.#open", "this.#open"),
  m("R20: a copy is not freed", retained, "this.#attic.free(found.slot);", ""),
  m("R20: a freed copy is sent again", retained, "kept.delete(page);", ""),
  m(
    "R20: a sync ends the duty for what came after it",
    retained,
    "this.#firstNumber <= number && this.#generations",
    "this.#generations",
  ),
  m(
    "R20: a sync ends no duty",
    retained,
    "while (this.#firstNumber <= number && this.#generations.length > 1)",
    "while (false)",
  ),
  m(
    "R20: the copies of a sync are not freed",
    retained,
    "for (const { slot } of oldest?.kept.values() ?? []) this.#attic.free(slot);",
    "",
  ),
  m("R20: a sync begins no generation", retained, "this.#generations.push(emptyGeneration());", ""),
  m("R20: kept copies are not sent again", retained, "for (const page of kept.values()) act(page);", ""),
  m("R20: cached pages are not sent again", retained, "act({ page, version: held, duty, slot: -1, isOwn });", ""),
  m(
    "R20: received pages are not sent again",
    retained,
    "act({ page, version: held, duty, slot: -1, isOwn });",
    "if (isOwn) act({ page, version: held, duty, slot: -1, isOwn });",
  ),
  m(
    "R20: cached pages are sent again under no version",
    retained,
    "act({ page, version: held, duty, slot: -1, isOwn });",
    "act({ page, version: 0, duty, slot: -1, isOwn });",
  ),
  m(
    "R20: a lost session keeps its copies",
    retained,
    "clear() { this.forget(0, Number.POSITIVE_INFINITY);",
    "clear() {",
  ),
  m(
    "R20: copies are kept beyond the end of the file",
    retention,
    "this.#pages.forget(pageEndAt(sizeBytes), Number.POSITIVE_INFINITY);",
    "",
  ),
  m(
    "R7: a kept page keeps what a shrink cut off",
    retention,
    "if (slot >= 0) this.#port.cut(slot, sizeBytes % pageBytes);",
    "",
  ),
  m("R15: dirty pages that are lost are not reported", retention, "lost.set(page, runEnd, Mode.write, 0);", ""),
  m(
    "R15: pages that were sent in vain are not reported as lost",
    retention,
    "if (isUnsent) lost.set(page, page + 1, Mode.write, 0);",
    "",
  ),
  m(
    "R15: pages that the home took are reported as lost",
    retention,
    "const isUnsent = isOwn && duty > port.takenDuty && page",
    "const isUnsent = isOwn && page",
  ),
  m(
    "what is lost stays in the cache",
    retention,
    "port.evict(start, end); this.#pages.forget(start, end);",
    "this.#pages.forget(start, end);",
  ),
  m(
    "what is lost is kept to be sent again",
    retention,
    "port.evict(start, end); this.#pages.forget(start, end);",
    "port.evict(start, end);",
  ),
  m("a loss is not noted", retention, "if (lost.count > 0) this.losses.add();", ""),
  m("a loss is told again and again", failures, "this.#heardCount = count; this.#failures", "this.#failures"),
  m("a loss that was heard of is told to who opens later", failures, "this.#failures.heardCount = count;", ""),
  m("a restore goes on in the next session", retention, "if (run !== this.#restoreLast) return;", ""),
  m(
    "a restore pays no heed to the room there is",
    retention,
    "if (!this.#port.hasRoom()) return this.#port.onRoom(() => send(index));",
    "",
  ),
  m("a restore is not gone on with", retention, "return this.#port.onRoom(() => send(index));", "return;"),
  m(
    "a restore is said to be over before its end",
    retention,
    "if (!this.#port.hasRoom()) return this.#port.onRoom(() => send(index));",
    "if (!this.#port.hasRoom()) { onSent(); return this.#port.onRoom(() => send(index)); }",
  ),
  m("what could not be made durable is not sent again", retention, "this.#port.markDirty(page, page + 1);", ";"),
  m(
    "what is only read is sent as written",
    retention,
    "if (slot < 0 && isOwn && mayWrite(page))",
    "if (slot < 0 && isOwn)",
  ),
  m(
    "R15: what was only seen is reported as lost",
    retention,
    "const isUnsent = isOwn && duty > port.takenDuty",
    "const isUnsent = duty > port.takenDuty",
  ),
  m(
    "R20: what has come stable leaves an older copy",
    retention,
    "else if (!this.#pages.isEmpty) this.#pages.forget(start, end);",
    "",
  ),
  m(
    "R20: a page that has left the cache since is sent from there",
    retention,
    "if (slot >= 0 || this.#port.isCached(page)) return slot;",
    "return slot;",
  ),
]);
