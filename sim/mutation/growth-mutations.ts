import { type Mutation, m } from "./mutation.js";

const growth = "token/file-growth.js";
const delegation = "home/delegation.js";
const directory = "home/file-directory.js";
const resizes = "home/resize-queue.js";

/** I26: how long a file is that one node makes longer by itself. */
export const growthMutations: readonly Mutation[] = [
  m(
    "I26: a node that has asked for a size goes on deciding about it",
    growth,
    "return this.#isOurs && this.#questions.size === 0;",
    "return this.#isOurs;",
  ),
  m(
    "I26: a node that is asked back goes on making the file longer",
    growth,
    "recalled() { this.#isOurs = false; }",
    "recalled() {}",
  ),
  m(
    "I26: a node whose connection is lost goes on making the file longer",
    growth,
    "onDown() { this.#isOurs = false;",
    "onDown() {",
  ),
  m(
    "I26: a home that has restarted does not hear how long a node has made a file",
    growth,
    "this.#untoldBytes = sizeBytes; this.#unstableBytes = sizeBytes;",
    "this.#untoldBytes = sizeBytes;",
  ),
  m(
    "I26: a home that loses its power does not hear what it had been asked for",
    growth,
    "this.#unstableBytes = Math.max(this.#unstableBytes, sizeBytes);",
    "",
  ),
  m(
    "I26: a sync covers what was made longer behind it",
    growth,
    "if (sync === this.#changes) this.#unstableBytes = 0;",
    "this.#unstableBytes = 0;",
  ),
  m(
    "I26: what others have cut off is claimed from a home that has restarted",
    growth,
    "this.#unstableBytes = Math.min(this.#unstableBytes, sizeBytes);",
    "",
  ),
  m(
    "I26: two nodes that have a file open make it longer by themselves",
    directory,
    "return this.#holders.size === 1 && this.#holders.has(node) &&",
    "return this.#holders.has(node) &&",
  ),
  m(
    "I26: while sizes wait, a node is left to decide about them",
    directory,
    "&& !this.#isRecovering && !this.#resizes.hasWaiting;",
    "&& !this.#isRecovering;",
  ),
  m(
    "I26: others do not hear at the end of recovery how long a file is",
    directory,
    "if (this.#isRecovering || error !== undefined) this.#resizes.announce();",
    "",
  ),
  m(
    "I26: how long a node has made a file makes it shorter",
    resizes,
    "if (sizeBytes <= this.#sizeBytes) return undefined;",
    "",
  ),
  m(
    "I26: the size that was announced first stays, whatever is heard later",
    resizes,
    "isAnnouncement ? this.#sizeBytes : first.sizeBytes",
    "isAnnouncement ? 0 : first.sizeBytes",
  ),
  m(
    "I26: who asks for a size is answered while another node decides about it",
    delegation,
    "if (this.#node === undefined || (this.#node === node && this.#question === undefined)) return true;",
    "return true;",
  ),
];
