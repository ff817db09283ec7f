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
];
