import { type Mutation, m, needing } from "./mutation.js";

const recovery = "home/recovery.js";
const duties = "home/duties.js";
const directory = "home/file-directory.js";

/** A home that restarts: whom it waits for, what it takes of whom. */
export const recoveryMutations: readonly Mutation[] = needing("homeCrashes", [
  m("a restarted home waits for nobody", recovery, "this.#isOver = this.#expected.size === 0;", "this.#isOver = true;"),
  m("R15: a grace period is shorter than a lease", recovery, "const graceShare = 1.1;", "const graceShare = 0.5;"),
  m("R15: a node that is back is taken for lost", recovery, "if (this.#port.isBack(session)) continue;", ""),
  m(
    "who never comes back is waited for ever",
    recovery,
    "if (this.#isOver || nowMicros < this.#untilMicros) return;",
    "return;",
  ),
  m("the first who is back ends the recovery", recovery, "this.#isOver || this.#expected.size > 0", "this.#isOver"),
  m(
    "a session that ends is waited for all the same",
    recovery,
    "const wasExpected = this.#expected.delete(session);",
    "const wasExpected = false;",
  ),
  m(
    "a fenced session stays remembered",
    recovery,
    "if (this.#live.delete(session) || wasExpected)",
    "if (wasExpected)",
  ),
  m(
    "a session that opens a file is not remembered",
    recovery,
    "this.#live.set(session, { name, files: [...files, file] }); this.#record();",
    "this.#live.set(session, { name, files: [...files, file] });",
  ),
  m(
    "a session with leases on names is not remembered",
    recovery,
    "this.#live.set(session, { name, files: [] }); this.#record();",
    "this.#live.set(session, { name, files: [] });",
  ),
  m(
    "a session that opens a second file is remembered with one",
    recovery,
    "files: [...files, file] }",
    "files: [file] }",
  ),
  m(
    "a second restart forgets whom the first waits for",
    recovery,
    "[...this.#expected, ...this.#live]",
    "[...this.#live]",
  ),
  m(
    "a second restart waits again for who was lost in the first",
    recovery,
    "this.#port.onLost(remembered); } this.#record();",
    "this.#port.onLost(remembered); }",
  ),
  m("who was lost in a restart is not told of", recovery, "this.#port.onLost(remembered);", ""),
  m("what came during a recovery is forgotten", recovery, "for (const action of this.#parked.splice(0)) action();", ""),
  m(
    "what came during a recovery is served before its end",
    recovery,
    "this.#port.onEnd(); for (const action of this.#parked.splice(0)) action();",
    "for (const action of this.#parked.splice(0)) action(); this.#port.onEnd();",
  ),
  // The directory.
  m("a recovering home grants", directory, "#serveLast() { if (this.#isRecovering) return;", "#serveLast() {"),
  m("a recovering home grants along the line", directory, "#pump() { if (this.#isRecovering) return;", "#pump() {"),
  m(
    "a recovering home changes sizes",
    directory,
    "#startResizes() { if (this.#isRecovering) return;",
    "#startResizes() {",
  ),
  m(
    "nobody is served when a recovery ends",
    directory,
    "this.#isRecovering = false; this.#startResizes(); this.#pump();",
    "this.#isRecovering = false;",
  ),
  m(
    "a size that waited for the end of a recovery is forgotten",
    directory,
    "this.#isRecovering = false; this.#startResizes();",
    "this.#isRecovering = false;",
  ),
  m(
    "R9: epochs begin anew after a restart",
    directory,
    "if (this.#isRecovering) this.#epoch = Math.max(this.#epoch, epoch);",
    "",
  ),
  m(
    "R1: a claim after a restart is taken against another's token",
    directory,
    "if (tokens.strongest(start, end) > limit || ",
    "if (",
  ),
  m(
    "R1: a claim after a restart is taken against another's claim",
    directory,
    "|| (claims?.strongest(start, end) ?? Mode.none) > limit) return false;",
    ") return false;",
  ),
  m(
    "R1: a claim to more than is held is taken",
    directory,
    "holder.tokens.weakest(start, end) >= mode && epoch <= this.#epoch",
    "epoch <= this.#epoch",
  ),
  m(
    "R9: a claim of an epoch from the future is taken",
    directory,
    "holder.tokens.weakest(start, end) >= mode && epoch <= this.#epoch",
    "holder.tokens.weakest(start, end) >= mode",
  ),
  m("every claim of an honest node is refused", directory, "if (!sound) return false;", "return false;"),
  // R20: what a home asks of whom until it is stable.
  m(
    "R20: no page is unstable",
    duties,
    "this.#unstable.count > 0 && this.#unstable.strongest(start, end) !== Mode.none",
    "false",
  ),
  m("R20: a sync makes stable what came after it began", duties, "if (unstable.epoch(index) <= sync)", "if (true)"),
  m("R20: a sync makes nothing stable", duties, "if (unstable.epoch(index) <= sync)", "if (false)"),
  m(
    "R20: too many runs of unstable pages are forgotten",
    duties,
    "this.#unstable.set(0, pageMax, Mode.write, this.#syncNext);",
    "this.#unstable.clear();",
  ),
  m("R20: the last to restore wins", duties, "return version >= (this.#restored.get(page) ?? 0);", "return true;"),
  m(
    "R20: the first to restore wins",
    duties,
    "return version >= (this.#restored.get(page) ?? 0);",
    "return !this.#restored.has(page);",
  ),
  m(
    "R20: the newest of two restores is not remembered",
    duties,
    "if (this.#isRecovering) this.#restored.set(page, version);",
    "",
  ),
  m(
    "R20: restored pages need no sync",
    duties,
    "this.#addUnstable(page, page + 1); if (this.#isRecovering)",
    "if (this.#isRecovering)",
  ),
  m(
    "R20: a record outlives its session",
    duties,
    "const { [session]: _gone, ...others } = this.#stable; this.#stable = others;",
    "",
  ),
  m(
    "R20: a recovery that is over goes on refusing",
    duties,
    "endRecovery() { this.#isRecovering = false; this.#restored.clear(); this.#written.clear();",
    "endRecovery() {",
  ),
  m(
    "R20: what is on record is not known after",
    duties,
    "if (record !== undefined) this.#stable = { ...this.#stable, ...record };",
    "",
  ),
  m("R20: each sync is put on record", duties, "const record = others ?", "const record = true ?"),
]);
