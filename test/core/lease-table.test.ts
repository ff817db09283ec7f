import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type LeaseKey, LeaseTable } from "../../src/core/home/lease-table.js";
import { answerBytesMax } from "../../src/core/wire/frame.js";

function table(leasesMax = 100) {
  const story: string[] = [];
  const port = {
    recall: (node: number, recall: number, keys: readonly LeaseKey[]) =>
      story.push(`${node} forget ${keys.join()} #${recall}`),
  };
  const leases = new LeaseTable(port, leasesMax);
  const change = (by: number, ...keys: LeaseKey[]) =>
    leases.change(
      by,
      () => keys,
      () => story.push(`${by} changes ${keys.join()}`),
    );
  return { leases, story, change };
}

test("I19: a change waits until everybody else has forgotten, in one question to each", () => {
  const { leases, story, change } = table();
  for (const node of [1, 2, 3]) for (const key of [10, "1/a"]) assert.ok(leases.grant(node, key));
  change(1, 10, "1/a", 11);
  assert.deepEqual(story, ["2 forget 10,1/a #1", "3 forget 10,1/a #2"]);
  assert.equal(leases.grant(4, 10), false, "nobody is told on a lease what is about to change");
  assert.ok(leases.acknowledged(2, 1));
  assert.equal(story.length, 2);
  assert.ok(leases.acknowledged(3, 2));
  assert.equal(story.at(-1), "1 changes 10,1/a,11");
  assert.ok(leases.has(1, 10), "whose change it is was not asked");
  assert.ok(leases.grant(4, 10));
});

test("I19: what nobody was told changes at once", () => {
  const { leases, story, change } = table();
  leases.grant(1, 10);
  change(1, 10);
  change(2, 11);
  assert.deepEqual(story, ["1 changes 10", "2 changes 11"]);
});

test("I19: a node that is gone, or has said that it knows nothing, is not waited for", () => {
  const { leases, story, change } = table();
  leases.grant(1, 10);
  leases.grant(2, 10);
  change(3, 10);
  leases.forget(1);
  leases.forget(2);
  assert.deepEqual(story.slice(2), ["3 changes 10"]);
  assert.equal(leases.unanswered(1), undefined);
});

test("I19: who waits for the same has its turn in the order of coming, and nobody is asked twice", () => {
  const { leases, story, change } = table();
  leases.grant(1, 10);
  change(2, 10);
  change(3, 10);
  leases.acknowledged(1, 1);
  assert.deepEqual(story, ["1 forget 10 #1", "2 changes 10", "3 changes 10"]);
});

test("I19: a change looks again after its wait: what its name leads to may be something else by then", () => {
  const { leases, story } = table();
  let inode = 10;
  leases.grant(1, 10);
  leases.grant(1, 11);
  leases.change(
    2,
    () => [inode],
    () => story.push(`changes ${inode}`),
  );
  inode = 11;
  leases.acknowledged(1, 1);
  assert.deepEqual(story.slice(1), ["1 forget 11 #2"]);
  leases.acknowledged(1, 2);
  assert.deepEqual(story.slice(2), ["changes 11"]);
});

test("I19: a name that a node has moved itself is its own, even while it is being asked for", () => {
  const { leases, story, change } = table();
  leases.grant(1, "1/b");
  change(2, "1/b");
  leases.insist(1, "1/b");
  leases.acknowledged(1, 1);
  assert.deepEqual(story, ["1 forget 1/b #1", "1 forget 1/b #2"]);
  leases.acknowledged(1, 2);
  assert.equal(story.at(-1), "2 changes 1/b");
});

test("answers to what was never asked, or is void, are none", () => {
  const { leases, change } = table();
  leases.grant(1, 10);
  change(2, 10);
  assert.equal(leases.acknowledged(2, 1), false);
  assert.equal(leases.acknowledged(1, 7), false);
  assert.ok(leases.acknowledged(1, 1));
  assert.equal(leases.acknowledged(1, 1), false);
});

test("a change that its node has given up does not happen", () => {
  const { leases, story, change } = table();
  leases.grant(1, 10);
  change(2, 10);
  leases.cancel(2);
  leases.acknowledged(1, 1);
  assert.deepEqual(story, ["1 forget 10 #1"]);
  assert.ok(leases.grant(3, 10));
});

test("a node that has as many leases as it may gives up the oldest", () => {
  const { leases, story } = table(8);
  for (let key = 0; key < 8; key++) assert.ok(leases.grant(1, key));
  assert.equal(leases.grant(1, 8), false);
  assert.deepEqual(story, ["1 forget 0,1 #1"]);
  assert.equal(leases.grant(1, 9), false);
  assert.equal(story.length, 1, "once at a time");
  leases.acknowledged(1, 1);
  assert.ok(leases.grant(1, 8));
  assert.equal(leases.room(1), 1);
});

const longNames = Array.from({ length: 16_384 }, (_, index) => `1234567/${"\u0001".repeat(50)}${index}`);

test("what a full node gives up goes into as many frames as it takes, and all of it goes", () => {
  const asked: { recall: number; keys: readonly LeaseKey[] }[] = [];
  const leases = new LeaseTable(
    { recall: (_node, recall, keys) => asked.push({ recall, keys }) },
    4 * longNames.length,
  );
  for (const name of longNames) leases.grant(1, name);
  for (let key = 0; key < 3 * longNames.length; key++) leases.grant(1, key);
  assert.equal(leases.grant(1, "1/a"), false);
  assert.deepEqual(
    asked.flatMap(({ keys }) => keys),
    longNames,
  );
  assert.ok(asked.every((body) => JSON.stringify(body).length < answerBytesMax));
  const [last, ...others] = asked.toReversed();
  for (const { recall } of others) assert.ok(leases.acknowledged(1, recall));
  assert.equal(leases.grant(1, longNames[0]), true, "there is room again");
  assert.equal(leases.unanswered(1) === undefined, false);
  leases.acknowledged(1, last.recall);
  assert.equal(leases.unanswered(1), undefined);
  assert.equal(leases.room(1), longNames.length - 1);
});

test("I19: a change of many names with long keys is asked in several frames, and waits for all of them", () => {
  const asked: { recall: number; keys: readonly LeaseKey[] }[] = [];
  const leases = new LeaseTable({ recall: (_node, recall, keys) => asked.push({ recall, keys }) }, longNames.length);
  for (const name of longNames) leases.grant(1, name);
  let isChanged = false;
  const act = () => {
    isChanged = true;
  };
  leases.change(2, () => longNames, act);
  assert.ok(asked.length > 1 && asked.every((body) => JSON.stringify(body).length < answerBytesMax));
  for (const { recall } of asked) {
    assert.equal(isChanged, false);
    leases.acknowledged(1, recall);
  }
  assert.equal(isChanged, true);
  assert.deepEqual([leases.keyCount, leases.waitingCount], [0, 0]);
});

/** Nodes with caches, and messages in order to and from each: no cache may ever differ from what is so. */
class World {
  readonly nodes = [1, 2, 3].map((id) => new ModelNode(id));
  readonly leases = new LeaseTable(
    {
      recall: (node, recall, keys) =>
        this.nodes[node - 1].inbox.push(() => this.nodes[node - 1].onRecall(recall, keys)),
    },
    6,
  );
  readonly now = new Map<LeaseKey, number>();

  ask(node: ModelNode, key: LeaseKey): void {
    const leased = this.leases.grant(node.id, key);
    const value = this.now.get(key);
    node.inbox.push(() => {
      if (leased && !node.changing.has(key)) node.cache.set(key, value);
    });
  }

  change(node: ModelNode, keys: LeaseKey[]): void {
    if (keys.some((key) => node.changing.has(key))) return;
    for (const key of keys) node.cache.delete(key);
    for (const key of keys) node.changing.add(key);
    this.leases.change(
      node.id,
      () => keys,
      () => {
        this.leases.drop(node.id, keys);
        for (const key of keys) this.now.set(key, (this.now.get(key) ?? 0) + 1);
        node.inbox.push(() => {
          for (const key of keys) node.changing.delete(key);
        });
      },
    );
  }

  acknowledge(node: ModelNode): void {
    const recall = node.outbox.shift();
    if (recall !== undefined) this.leases.acknowledged(node.id, recall);
  }

  /** Fenced, and begins anew. */
  fence(node: ModelNode): void {
    Object.assign(node, { cache: new Map(), inbox: [], outbox: [] });
    node.changing.clear();
    this.leases.cancel(node.id);
    this.leases.forget(node.id);
  }

  check(): void {
    for (const { id, cache } of this.nodes) {
      for (const [key, value] of cache) assert.equal(value, this.now.get(key), `node ${id} goes by an old ${key}`);
    }
  }
}

class ModelNode {
  readonly id: number;
  cache = new Map<LeaseKey, number | undefined>();
  inbox: (() => void)[] = [];
  outbox: number[] = [];
  readonly changing = new Set<LeaseKey>();

  constructor(id: number) {
    this.id = id;
  }

  onRecall(recall: number, keys: readonly LeaseKey[]): void {
    for (const key of keys) this.cache.delete(key);
    this.outbox.push(recall);
  }
}

const keys: LeaseKey[] = [10, 11, 12, "1/a", "1/b", "1/c", "2/a", "2/b", 13];
const step = fc.record({
  what: fc.constantFrom("ask", "ask", "ask", "change", "deliver", "deliver", "acknowledge", "acknowledge", "fence"),
  node: fc.integer({ min: 0, max: 2 }),
  keys: fc.uniqueArray(fc.constantFrom(...keys), { minLength: 1, maxLength: 3 }),
});

test("I19: against nodes with caches, no step leaves anybody with what is not so, and every change happens", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const world = new World();
      for (const { what, node: index, keys: about } of steps) {
        const node = world.nodes[index];
        if (what === "ask") world.ask(node, about[0]);
        else if (what === "change") world.change(node, about);
        else if (what === "deliver") node.inbox.shift()?.();
        else if (what === "acknowledge") world.acknowledge(node);
        else world.fence(node);
        world.check();
      }
      for (let round = 0; round < 200; round++) {
        for (const node of world.nodes) {
          node.inbox.shift()?.();
          world.acknowledge(node);
          world.check();
        }
      }
      assert.equal(world.leases.waitingCount, 0);
      for (const node of world.nodes) assert.equal(node.changing.size, 0);
    }),
    { numRuns: 2000 },
  );
});
