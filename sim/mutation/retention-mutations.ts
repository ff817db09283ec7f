import { type Mutation, m, needing } from "./mutation.js";

const retained = "token/retained-pages.js";
const retention = "token/retention.js";

/** R20 at a node: the copies it keeps, and what becomes of them. */
export const retentionMutations: readonly Mutation[] = needing("homeCrashes", [
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
  m("a loss is not noted", retention, "this.#hasLost ||= lost.count > 0;", ""),
  m("a loss is noted for ever", retention, "this.#hasLost = false; return hasLost;", "return hasLost;"),
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
    "R20: a page that has left the cache since is sent from there",
    retention,
    "if (slot >= 0 || this.#port.isCached(page)) return slot;",
    "return slot;",
  ),
]);
