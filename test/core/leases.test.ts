import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionLease } from "../../src/core/home/session-lease.js";
import { NodeLease } from "../../src/core/token/node-lease.js";

const lease = 1000;
const file = {};
const question = {};

/** Looks at the question every 100 µs. @returns when it was overdue; undefined if never. */
function overdueAt(
  session: SessionLease,
  until: number,
  asked: (now: number) => object | undefined,
): number | undefined {
  for (let now = 100; now <= until; now += 100) if (session.isOverdue(file, asked(now), lease, now)) return now;
  return undefined;
}

test("a session is silent when nothing has been heard of it for longer than a lease", () => {
  const session = new SessionLease(0);
  assert.equal(session.isSilent(lease, lease), false);
  assert.equal(session.isSilent(lease, lease + 1), true);
  session.heard(500);
  assert.equal(session.isSilent(lease, 1500), false);
  assert.equal(session.isSilent(lease, 1501), true);
  session.heard(400);
  assert.equal(session.heardMicros, 500, "news do not come out of order");
});

test("a node that leaves a question unanswered for a lease is overdue", () => {
  assert.equal(
    overdueAt(new SessionLease(0), 5000, () => question),
    1200,
  );
});

test("each question has a lease of its own, and what is answered counts for nothing", () => {
  const questions = [{}, {}, {}, {}];
  assert.equal(
    overdueAt(new SessionLease(0), 4000, (now) => questions[Math.floor(now / 1000)]),
    undefined,
  );
  const isAnswered = (now: number) => now > 800 && now < 900;
  const asked = (now: number) => (isAnswered(now + 50) ? undefined : question);
  assert.equal(overdueAt(new SessionLease(0), 1800, asked), undefined, "the same question again is a new one");
  const once = (now: number) => (now < 200 ? question : undefined);
  assert.equal(overdueAt(new SessionLease(0), 5000, once), undefined);
});

test("R10: who says that it cannot answer yet has time", () => {
  const session = new SessionLease(0);
  const overdue = overdueAt(session, 5000, (now) => {
    if (now <= 3000) session.deferred(now);
    return question;
  });
  assert.equal(overdue, 4100);
});

test("who says so does not get more time where everybody waits for the answer", () => {
  const session = new SessionLease(0);
  const isOverdue = (now: number) => {
    session.deferred(now);
    return session.isOverdue(file, question, lease, now, false);
  };
  const looks = Array.from({ length: 20 }, (_, index) => (index + 1) * 100);
  assert.equal(looks.find(isOverdue), 1200);
});

test("R15: a session that is condemned is over when its lease is, whatever its node sends", () => {
  const session = new SessionLease(0);
  session.condemn(5000);
  assert.ok(session.isCondemned);
  session.heard(5900);
  assert.equal(session.isSilent(lease, 6000), false);
  assert.equal(session.isSilent(lease, 6001), true);
});

test("a home that was stopped itself looks several times before it calls a question overdue", () => {
  const session = new SessionLease(0);
  assert.equal(session.isOverdue(file, question, lease, 0), false);
  assert.equal(session.isOverdue(file, question, lease, 100_000), false);
  assert.equal(session.isOverdue(file, question, lease, 100_001), false);
  assert.equal(session.isOverdue(file, question, lease, 100_002), false);
  assert.equal(session.isOverdue(file, question, lease, 100_003), true);
});

test("no question counts while a node cannot be heard, nor of a file that it has closed", () => {
  for (const forget of [
    (session: SessionLease) => session.forgetQuestions(),
    (one: SessionLease) => one.forget(file),
  ]) {
    const session = new SessionLease(0);
    assert.equal(
      overdueAt(session, 1100, () => question),
      undefined,
    );
    forget(session);
    assert.equal(session.isOverdue(file, question, lease, 1200), false);
  }
});

test("R15: a node acts on its tokens for less than the lease, from when it sent what the home has answered", () => {
  const node = new NodeLease();
  node.begin(0, lease);
  assert.ok(node.until < lease && node.until > lease / 2);
  node.pinged(300);
  assert.ok(node.isPinged);
  node.ponged();
  assert.equal(node.isPinged, false);
  assert.equal(node.until, 300 + lease * 0.75, "however late the answer");
  assert.equal(node.deadline, node.until);
  node.ponged();
  assert.equal(node.until, 300 + lease * 0.75, "an answer to nothing renews nothing");
  assert.ok(node.pingMicros * 3 < lease * 0.75, "a lost ping ends no lease");
});

test("R15: a lease that is over is told once, and only a new session helps", () => {
  const node = new NodeLease();
  let told = 0;
  node.begin(0, lease);
  node.pinged(100);
  assert.equal(
    node.hasLapsed(node.until - 1, () => told++),
    false,
  );
  assert.equal(
    node.hasLapsed(node.until, () => told++),
    true,
  );
  assert.equal(node.isLapsed, true);
  assert.equal(node.deadline, Number.POSITIVE_INFINITY);
  node.ponged();
  assert.equal(node.until, lease * 0.75, "no pong can tell whether the home has given anything away");
  assert.equal(
    node.hasLapsed(5000, () => told++),
    true,
  );
  assert.equal(told, 1);
  node.pinged(5500);
  node.begin(6000, lease);
  assert.equal(node.isLapsed, false);
  assert.equal(node.isPinged, false, "what was asked over the last connection is not answered over this one");
  assert.equal(
    node.hasLapsed(6100, () => told++),
    false,
  );
});
