import { type Mutation, m } from "./mutation.js";

const directory = "home/file-directory.js";
const waiter = "home/waiter.js";

export const directoryMutations: readonly Mutation[] = [
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
  m("an offer is made over who holds the pages", directory, "&& !this.#askHolders(waiter, false)", ""),
  m("an offer asks others to give way", directory, "this.#askHolders(waiter, false)", "this.#askHolders(waiter)"),
  m("an offer passes who stands in line", directory, "!this.#mustQueue(waiter, last) &&", ""),
  m(
    "R9: an offer brings pages of which its node may have newer ones",
    directory,
    "weakest >= mode || (weakest === Mode.none && !holdsNone)",
    "weakest >= mode",
  ),
  m(
    "R9: an offer brings data to who reads the pages",
    directory,
    "{ request, mode, start, end }, holdsNone)",
    "{ request, mode, start, end }, true)",
  ),
  m("R1: a grant grows over what others hold", directory, "range.yieldToHolders(waiter, this.#holders);", ""),
  m(
    "a grant grows over what others stand in line for",
    directory,
    "range.yieldToLine(waiter, this.#line, index, kept);",
    "",
  ),
  m("a grant does not grow", directory, "const { start, end } = range;", "const [start, end] = [needStart, needEnd];"),
  m(
    "what is granted lets nobody be asked behind it",
    directory,
    "[from, to] = [Math.min(from, needStart), Math.max(to, needEnd)];",
    "",
  ),
  m("a revoke that was crossed counts as asked for ever", directory, "forgetCrossed(holder, start, end);", ""),
  m("a revoke is asked at every look", directory, "if (asked) return;", ""),
  m("a revoke to read counts as one to none", directory, "other.mode <= mode && other.start", "other.start"),
  m("a revoke that was answered counts as asked for ever", directory, "forgetAnswered(holder, start, end);", ""),
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
  m("R10: who is urgent stands in line", directory, "if (isUrgent) this.#line.unshift(waiter); else ", ""),
  m("simple: readers may share", waiter, "mode: simple ? Mode.write : mode", "mode"),
  m("simple: a node takes only the pages it needs", waiter, "needEnd: simple ? pageMax : needEnd", "needEnd"),
];
