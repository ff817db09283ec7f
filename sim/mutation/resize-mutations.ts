import { type Mutation, m } from "./mutation.js";

const tokens = "token/file-tokens.js";
const directory = "home/file-directory.js";
const resizes = "home/resize-queue.js";

export const resizeMutations: readonly Mutation[] = [
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
    "if (page >= firstPage) this.#port.retry(page); return page >= firstPage;",
    "return false;",
  ),
  m("R6: a change of size is over before all have answered", resizes, "if (unanswered.size > 0) return false;", ""),
  m(
    "R6: who makes a file longer is answered before others live by it",
    resizes,
    "if (othersCount === 0 && !active.isTold) {",
    "if (!active.isTold) {",
  ),
  m(
    "R5: who cuts a file is answered before it lives by that itself",
    resizes,
    "unanswered.has(node) && isGrowth ? 1 : 0",
    "unanswered.has(node) ? 1 : 0",
  ),
  m("a change of size is answered twice", resizes, "active.isTold = true;", ""),
  m("who makes a file longer waits for itself", resizes, "unanswered.has(node) && isGrowth ? 1 : 0", "0"),
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
];
