import { Mode, pageMax } from "../src/core/units.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { SimNode } from "./sim-node.js";
import { requireTrue } from "./violation.js";
import type { World } from "./world.js";

const queueMax = 400;
const keptPagesMax = 60;
/** No node has this number. */
const nobody = -1;

/** What must be true of every world after every step. */
export function checkWorld(world: World): void {
  for (const node of world.nodes) if (node.tokens !== undefined) checkNode(world, node);
  for (let page = 0; page < world.options.pagesMax; page++) checkAlone(world, page);
  checkHome(world);
  checkAlone(world, pageMax - 1);
  checkQueues(world);
  world.promises.noteSeen();
}

function checkNode(world: World, node: SimNode): void {
  const { cache, tokens } = node;
  if (tokens === undefined) return;
  if (node.isNew) return;
  if (world.promises.isOutcast(node)) {
    const mayNotKnow = node.isSuspended || world.promises.excused.has(node);
    return requireTrue(mayNotKnow, `R15: ${node.name} had taken its pages away before its home gave them to others`);
  }
  for (let page = 0; page < cache.pagesMax; page++) {
    const mode = tokens.modeAt(page);
    checkBelief(world, node, page, mode);
    if (cache.cached[page] === 0) continue;
    requireTrue(mode >= Mode.read, `R1: ${node.name} caches page ${page} only under a token`);
    requireTrue(cache.writable[page] === 0 || mode === Mode.write, `R1: ${node.name} may store to page ${page}`);
    requireTrue(cache.dirty[page] === 0 || mode === Mode.write, `R2: ${node.name} gave page ${page} up written back`);
    checkWords(world, node, page);
  }
  checkBelief(world, node, pageMax - 1, tokens.modeAt(pageMax - 1));
  for (const { state, hold } of node.threads) {
    if (hold === undefined || state === "pinning") continue;
    requireTrue(weakest(node, hold.start, hold.end) >= hold.mode, `${node.name} has the token of its hold`);
  }
}

/** The home may believe that a node holds more than it does, never less. */
function checkBelief(world: World, node: SimNode, page: number, mode: Mode): void {
  if (!world.isKnown(node)) return;
  const { directory } = world.home;
  if (mode === Mode.write)
    requireTrue(directory.mayWrite(node.id, page, page + 1), `home knows of ${node.name}'s write token on ${page}`);
  if (mode === Mode.read)
    requireTrue(directory.mayFetch(node.id, page, page + 1), `home knows of ${node.name}'s read token on ${page}`);
}

/** Every copy is the memory's, at all times: who stores is alone with the page. */
function checkWords(world: World, node: SimNode, page: number): void {
  const { cache } = node;
  const end = Math.min(cache.sizeBytes, world.sizeBytes) / wordBytes;
  for (let word = page * wordsPerPage; word < (page + 1) * wordsPerPage && word < end; word++) {
    const is = cache.words[word];
    const should = world.promises.reference.words[word];
    if (is !== should) requireTrue(false, `${node.name}'s copy is current: word ${word} should be ${should}, is ${is}`);
  }
}

/** Where nobody may store, the home has what everybody sees: nothing that was given up is lost (R2, R20). */
function checkHome(world: World): void {
  const { process } = world;
  if (process === undefined || process.recovery.isOpen) return;
  const { directory } = process;
  const end = world.sizeBytes / wordBytes;
  for (let page = 0; page * wordsPerPage < end; page++) {
    if (directory.nextWritten(nobody, page, page + 1) === page) continue;
    for (let word = page * wordsPerPage; word < Math.min((page + 1) * wordsPerPage, end); word++) {
      const is = world.disk.words[word];
      const should = world.promises.reference.words[word];
      if (is === should) continue;
      requireTrue(false, `the home has what was given up: word ${word} should be ${should}, is ${is}`);
    }
  }
}

function checkAlone(world: World, page: number): void {
  let writers = 0;
  let holders = 0;
  for (const node of world.nodes) {
    if (node.isNew || world.promises.isOutcast(node)) continue;
    const { tokens } = node;
    const mode = tokens?.modeAt(page) ?? Mode.none;
    if (mode >= Mode.read) holders++;
    if (mode === Mode.write) writers++;
  }
  requireTrue(writers === 0 || holders === 1, `R1: page ${page} has one writer or any number of readers`);
}

function checkQueues(world: World): void {
  const { nodes, threads } = world.options;
  const waiters = world.process?.directory.waiterCount ?? 0;
  for (const { attic, name } of world.nodes) {
    requireTrue(attic.keptPages <= keptPagesMax, `${name} keeps a bounded number of pages`);
  }
  requireTrue(waiters <= nodes * threads * 4 + 4, "the home's line is bounded");
  for (let node = 0; node < nodes; node++) {
    requireTrue(world.toHome[node].length <= queueMax, "what a node sends is bounded");
    requireTrue(world.toNode[node].length <= queueMax, "what a home sends is bounded");
  }
}

function weakest(node: SimNode, start: number, end: number): Mode {
  let weakest: Mode = Mode.write;
  for (let page = start; page < end; page++) {
    const mode = node.tokens?.modeAt(page) ?? Mode.none;
    if (mode < weakest) weakest = mode;
  }
  return weakest;
}

/** What must be true once everything has come to rest. */
export function checkRest(world: World): void {
  for (const node of world.nodes) {
    for (const thread of node.threads) {
      requireTrue(
        thread.state === "idle" || thread.state === "holding",
        `${node.name}${thread.index} waits for ever: ${thread.describe()}`,
      );
    }
    requireTrue(node.state === "open" || node.state === "closed", `${node.name} ends ${node.state}`);
    requireTrue(node.tokens?.isWaiting !== true, `${node.name} waits for nothing`);
    requireTrue(node.tokens?.isAsked !== true, `${node.name} has answered every revoke`);
  }
  const { directory } = world.home;
  for (const { id, name } of world.nodes) {
    requireTrue(directory.unanswered(id) === undefined, `nothing that ${name} was asked counts as unanswered`);
  }
  requireTrue(directory.waiterCount === 0, "nobody stands in line");
}

/** What must be true once every node has closed the file: all that was stored is at home. */
export function checkStored(world: World): void {
  requireTrue(world.home.directory.openCount === 0, "every node has closed the file");
  requireTrue(world.home.directory.segmentCount === 0, "nothing is held");
  const end = world.home.sizeBytes / wordBytes;
  for (let word = 0; word < end; word++) {
    const [is, should] = [world.home.words[word], world.promises.reference.words[word]];
    requireTrue(is === should, `nothing is lost: word ${word} should be ${should}, is ${is}`);
  }
}
