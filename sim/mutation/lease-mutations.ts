import { type Mutation, m, needing } from "./mutation.js";

const nodeLease = "token/node-lease.js";
const sessionLease = "home/session-lease.js";
const table = "home/lease-table.js";

/** How long a node may act on what it holds. */
const sessionMutations: readonly Mutation[] = needing("leases", [
  m(
    "R15: a node acts on its tokens for longer than its lease",
    nodeLease,
    "const leaseShare = 0.75;",
    "const leaseShare = 1.5;",
  ),
  m(
    "R15: a lease counts from the answer, not from the question",
    nodeLease,
    "this.#confirmedAt = this.#pingedAt;",
    "this.#confirmedAt = Infinity;",
  ),
  m(
    "R15: a lease that is over goes on with the next pong",
    nodeLease,
    "if (!this.#isLapsed && this.#pingedAt > 0)",
    "if (this.#pingedAt > 0)",
  ),
  m(
    "R15: a pong that nobody asked for renews from nothing",
    nodeLease,
    "if (!this.#isLapsed && this.#pingedAt > 0)",
    "if (!this.#isLapsed)",
  ),
  m("R15: a pong renews nothing", nodeLease, "this.#confirmedAt = this.#pingedAt;", ""),
  m("R15: the end of a lease is not told", nodeLease, "if (!this.#isLapsed) onLapsed();", ""),
  m("R15: the end of a lease is told at every look", nodeLease, "if (!this.#isLapsed) onLapsed();", "onLapsed();"),
  m("R15: a lease that is over is not known to be", nodeLease, "this.#isLapsed = true; return true;", "return true;"),
  m("a new session begins with the end of the old one", nodeLease, "this.#isLapsed = false; }", "}"),
  m(
    "a lost ping is waited for in the next connection",
    nodeLease,
    "this.#confirmedAt = greetedAt; this.#pingedAt = 0;",
    "this.#confirmedAt = greetedAt;",
  ),
  m(
    "who is silent is never fenced",
    sessionLease,
    "return nowMicros - this.#heardMicros > leaseMicros;",
    "return false;",
  ),
  m(
    "R15: who is silent is fenced too soon",
    sessionLease,
    "return nowMicros - this.#heardMicros > leaseMicros;",
    "return nowMicros - this.#heardMicros > leaseMicros / 4;",
  ),
  m("news of a node do not count", sessionLease, "this.#heardMicros = Math.max(this.#heardMicros, nowMicros);", ";"),
  m(
    "an overdue revoke never fences",
    sessionLease,
    "return known.looks >= looksMin && nowMicros",
    "return false && nowMicros",
  ),
  m("a home that was stopped itself fences who has answered", sessionLease, "known.looks >= looksMin && ", ""),
  m(
    "a node that says it cannot answer yet is fenced",
    sessionLease,
    "Math.max(known.sinceMicros, this.#deferredMicros)",
    "known.sinceMicros",
  ),
  m(
    "a question that is another counts from the one before",
    sessionLease,
    "else if (known?.question !== question) this",
    "else if (known === undefined) this",
  ),
  m(
    "an answered question goes on counting",
    sessionLease,
    "if (question === undefined) this.#questions.delete(about); else",
    "",
  ),
  m("questions count on while a node cannot be heard", sessionLease, "this.#questions.clear();", ""),
  m("a condemned session is renewed", sessionLease, "if (!this.#isCondemned) this.#heardMicros", "this.#heardMicros"),
  m("whoever says that it knows what it was asked may claim for ever", sessionLease, "mayDefer ?", "true ?"),
]);

/** I19: names and attributes. */
const tableMutations: readonly Mutation[] = [
  m("I19: a change waits for nobody", table, "if (change.waits.size > 0) return;", ""),
  m("I19: a change asks nobody", table, "if (!this.#isKnownToOthers(by, keys)) return act(keys);", "return act(keys);"),
  m(
    "I19: who changes what it goes by itself asks nobody else",
    table,
    "holders.size > (holders.has(by) ? 1 : 0)",
    "!holders.has(by)",
  ),
  m("I19: what waits to be changed is told on a lease", table, "if (this.#changing.has(key)) return false;", ""),
  m(
    "I19: what is being recalled is told on a lease again",
    table,
    "if (recall !== undefined) return recall === 0;",
    "if (recall !== undefined) return true;",
  ),
  m(
    "I19: who is asked twice is waited for once",
    table,
    "if (recall !== 0) waits.add(recall); else",
    "if (recall === 0)",
  ),
  m("I19: who changes something asks itself", table, "if (node === by) continue;", ""),
  m(
    "I19: another's acknowledgement counts",
    table,
    "if (known?.node !== node) return false;",
    "if (known === undefined) return false;",
  ),
  m(
    "I19: an acknowledgement ends no lease",
    table,
    "for (const key of known.keys) if (this.#byKey.get(key)?.get(node) === recall) this.#remove(node, key);",
    "",
  ),
  m(
    "I19: an acknowledgement ends a lease that is newer than its question",
    table,
    "if (this.#byKey.get(key)?.get(node) === recall) this.#remove(node, key);",
    "this.#remove(node, key);",
  ),
  m(
    "I19: an acknowledgement lets nobody go on",
    table,
    "this.#remove(node, key); this.#settle([recall]);",
    "this.#remove(node, key);",
  ),
  m(
    "a node that is gone is waited for",
    table,
    "this.#settle([...this.#recalls].filter(([, recall]) => recall.node === node).map(([number]) => number));",
    "",
  ),
  m(
    "a node that is gone keeps its leases",
    table,
    "for (const key of [...(this.#byNode.get(node) ?? [])]) this.#remove(node, key);",
    "",
  ),
  m("a change of a node that is gone is made", table, "if (change.by === by) this.#end(change);", ";"),
  m("a node has leases without bound", table, "if (this.room(node) <= 0) {", "if (false) {"),
  m("a recall is as long as it gets", table, "if (bytes <= listBytesMax) continue;", "continue;"),
  m(
    "of a long recall only the end is asked",
    table,
    "for (const recall of this.#recall(node, batch)) waits.add(recall);",
    "waits.add(this.#recall(node, batch).pop());",
  ),
  m("a node that is full is never relieved", table, "this.#relieve(node); return false;", "return false;"),
  m(
    "a node that is full is asked again before it has answered",
    table,
    "if (this.unanswered(node) !== undefined) return;",
    "",
  ),
  m(
    "what changes is looked up once, before the wait",
    table,
    "this.#mark(change, change.keysOf());",
    "this.#mark(change, change.keys.length > 0 ? change.keys : change.keysOf());",
  ),
  m("what has been changed is not told on a lease any more", table, "else this.#changing.delete(key);", ""),
  m(
    "the first of two changes ends the mark of both",
    table,
    "if (count > 1) this.#changing.set(key, count - 1); else",
    "",
  ),
  m(
    "I19: who has changed something goes on by what it knew",
    table,
    "for (const key of keys) this.#remove(node, key); }",
    "}",
  ),
  m(
    "I19: a kernel that moved a name has no lease on it",
    table,
    "insist(node, key) { this.#add(node, key); }",
    "insist(node, key) { }",
  ),
  m("the table remembers who had leases", table, "if (holders.size === 0) this.#byKey.delete(key);", ""),
  m("the table remembers nodes that had leases", table, "if (keys?.size === 0) this.#byNode.delete(node);", ""),
];

export const leaseMutations: readonly Mutation[] = [...sessionMutations, ...tableMutations];
