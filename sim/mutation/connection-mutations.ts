import { type Mutation, m } from "./mutation.js";

const tokens = "token/file-tokens.js";
const directory = "home/file-directory.js";

export const connectionMutations: readonly Mutation[] = [
  m(
    "R6: a node that is back is not told of a new size",
    directory,
    "this.#resizes.remind(node); this.#pump();",
    "this.#pump();",
  ),
  m(
    "R6: a node that is back counts as told of a new size",
    directory,
    "this.#resizes.remind(node); this.#pump();",
    "this.#resizes.left(node); this.#pump();",
  ),
  m(
    "a node holds what it was offered with an answer that it has not had",
    directory,
    "if (!holder.isHeard) this.#holders.set(node, newHolder());",
    "",
  ),
  m(
    "I4: a node that is back holds nothing of what it was granted since",
    directory,
    "if (!holder.isHeard) this.recovered(node);",
    "",
  ),
  m(
    "a node that is about to claim is offered tokens",
    "home/holder.js",
    "return holder?.isHeard === true && ",
    "return holder !== undefined && ",
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
];
