import type { NodeId } from "../src/core/units.js";
import type { ToHome } from "./message.js";
import { Reference } from "./reference.js";
import type { SimDisk } from "./sim-disk.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { SimHome } from "./sim-home.js";
import type { SimNode } from "./sim-node.js";
import { requireTrue } from "./violation.js";

/** What the promises are about. */
export interface PromisedWorld {
  readonly nodes: readonly SimNode[];
  readonly disk: SimDisk;
  readonly home: SimHome;
  readonly options: { readonly pagesMax: number };
}

/** What is held against a world because of one of its nodes. */
class Witness {
  /** By page the newest version that it has handed over, and that its program may have seen, in its session. */
  readonly handed: number[];
  readonly seen: number[];
  /** Pages that it has handed over, and that have not arrived yet, be it that a connection was lost. */
  readonly underway = new Set<number>();
  /** Pages with stores that are gone, and that it has to report. */
  readonly lost = new Set<number>();

  constructor(pagesMax: number) {
    this.handed = Array(pagesMax).fill(0);
    this.seen = Array(pagesMax).fill(0);
  }

  /** Its session is over. */
  forget(): void {
    this.handed.fill(0);
    this.seen.fill(0);
    this.underway.clear();
  }
}

/**
 * What programs are promised through failures: which version of each page nobody may miss (I21), and whose losses have to be
 * reported (I23). `reference` is the memory that they are promised: a store changes it when it completes, and every load must
 * see it.
 */
export class Promises {
  readonly reference: Reference;
  /** Nodes that are excused, since they were stopped or a clock jumped: what they do in a session that is over is not held against them. */
  readonly excused = new Set<SimNode>();
  readonly #world: PromisedWorld;
  readonly #witnesses: readonly Witness[];
  /** Of each page the version that the home has taken last, synced or not; 0 when that is not known. */
  readonly #onDisk: number[];
  /** Sessions that are over, whether their nodes know or not. */
  readonly #ended = new Set<string>();
  /** Power has failed: what nobody answers for may be torn. */
  #mayBeTorn = false;

  constructor(world: PromisedWorld) {
    const { pagesMax } = world.options;
    this.#world = world;
    this.reference = new Reference(pagesMax);
    this.#onDisk = Array(pagesMax).fill(0);
    this.#witnesses = world.nodes.map(() => new Witness(pagesMax));
  }

  /** Whether this node is in a session that its home has ended, and does not know yet. */
  isOutcast(node: SimNode): boolean {
    return this.#ended.has(node.link.session ?? "");
  }

  /** A store in a session that is over, whose node does not know so. */
  onVain(node: SimNode, page: number): void {
    this.#of(node).lost.add(page);
  }

  onHanded(node: SimNode, page: number): number {
    const witness = this.#of(node);
    const version = this.reference.latest(page);
    witness.handed[page] = version;
    witness.underway.add(page);
    return version;
  }

  /** A message has reached the home; `isTaken`: in a session that lives. */
  onArrived(node: SimNode, message: ToHome, isTaken: boolean): void {
    if (message.type !== "write" && message.type !== "restore") return;
    this.#of(node).underway.delete(message.page);
    if (isTaken && message.type === "write") this.#onDisk[message.page] = message.copyOf;
  }

  /** A node asks for a sync. @returns what is called when it has been acknowledged. */
  onSync(node: SimNode): () => void {
    const versions = [...this.#of(node).handed];
    return () => this.reference.synced(versions);
  }

  /** The home begins to put its disk down. @returns what is called when that is done: nothing older may be there again. */
  onSyncBegun(): () => void {
    const versions = [...this.#onDisk];
    return () => this.reference.synced(versions);
  }

  onPowerLost(): void {
    this.#mayBeTorn = true;
    this.#onDisk.fill(0);
  }

  /** Another process comes in the place of this one: it knows of nothing. */
  onCrash(node: SimNode): void {
    this.#of(node).forget();
    this.#of(node).lost.clear();
  }

  /** The session is over. What it alone had is gone; its node, if it lives, has to say so. */
  onEnded(session: { readonly id: string; readonly node: NodeId }): void {
    const { nodes, home, options } = this.#world;
    this.#ended.add(session.id);
    const node = nodes.find(({ link }) => link.session === session.id);
    if (node !== undefined) this.#of(node).forget();
    if (home.recovery.isOpen) return; // Others may still bring what is newer: settled when they are all back.
    for (let page = 0; page < options.pagesMax; page++) {
      if (home.directory.mayWrite(session.node, page, page + 1)) this.#settle(page);
    }
  }

  /** Everybody who survived a restart has said what they hold, and sent what they answer for. */
  onRecovered(): void {
    const { nodes, home, options } = this.#world;
    for (const node of nodes) {
      const { session } = node.link;
      if (session === undefined || home.sessions.has(session)) continue;
      this.#ended.add(session);
      this.#of(node).forget();
    }
    for (let page = 0; page < options.pagesMax; page++) if (!this.#isWriting(page)) this.#settle(page);
  }

  /** The session of this node is over, and it knows so: it says of these pages that stores to them are lost. */
  onReported(node: SimNode, pages: ReadonlySet<number>): void {
    const witness = this.#of(node);
    const sizeBytes = Math.min(node.cache.sizeBytes, this.#world.disk.sizeBytes);
    for (const page of witness.lost) {
      const isBeyond = page * wordsPerPage * wordBytes >= sizeBytes;
      requireTrue(isBeyond || pages.has(page), `${node.name} reports that stores to page ${page} are lost`);
    }
    witness.lost.clear();
    witness.forget();
    this.excused.delete(node);
  }

  /** Notes what each node has in its cache: it is the newest version, as checks of copies show. */
  noteSeen(): void {
    const { nodes, options } = this.#world;
    for (const [index, node] of nodes.entries()) {
      if (this.isOutcast(node)) continue;
      const { seen } = this.#witnesses[index];
      for (let page = 0; page < options.pagesMax; page++) {
        if (node.cache.cached[page] === 1) seen[page] = this.reference.latest(page);
      }
    }
  }

  /** What decides which losses will be held against whom, whatever else the world is like. */
  describe(): string {
    const floors = [...this.#witnesses.flatMap(({ handed, seen }) => [handed, seen]), this.#onDisk];
    const pages = this.#onDisk.map((_, page) => {
      return this.reference.describe(
        page,
        floors.map((versions) => versions[page]),
      );
    });
    const nodes = this.#world.nodes.map((node, index) => {
      const { lost, underway } = this.#witnesses[index];
      return `${this.isOutcast(node)} ${this.excused.has(node)} ${sorted(lost)} of ${sorted(underway)}`;
    });
    return `${pages.join(";")} ${nodes.join(";")} ${this.#mayBeTorn}`;
  }

  /** Whether somebody may store to this page, and has it or has sent it: then that is what everybody is going to see. */
  #isWriting(page: number): boolean {
    const { nodes, home } = this.#world;
    return nodes.some((node, index) => {
      if (this.isOutcast(node) || !home.directory.mayWrite(node.id, page, page + 1)) return false;
      return node.cache.cached[page] === 1 || this.#witnesses[index].underway.has(page);
    });
  }

  #settle(page: number): void {
    const { disk } = this.#world;
    if (page * wordsPerPage * wordBytes >= disk.sizeBytes) return;
    const words = [...disk.words.subarray(page * wordsPerPage, (page + 1) * wordsPerPage)];
    const lost = this.reference.settle(page, words, this.#answered(page), this.#mayBeTorn);
    this.#onDisk[page] = this.reference.latest(page);
    for (const { node, session } of lost) {
      if (session === node.link.session && this.isOutcast(node)) this.#of(node).lost.add(page);
    }
  }

  /** The newest version for which a living node answers, or that it knows to be stable: for none of them time runs backwards. */
  #answered(page: number): number {
    let newest = 0;
    for (const [index, node] of this.#world.nodes.entries()) {
      if (this.isOutcast(node)) continue;
      const { handed, seen } = this.#witnesses[index];
      newest = Math.max(newest, handed[page], seen[page]);
    }
    return newest;
  }

  #of(node: SimNode): Witness {
    return this.#witnesses[this.#world.nodes.indexOf(node)];
  }
}

function sorted(pages: ReadonlySet<number>): string {
  return [...pages].sort((one, other) => one - other).join(" ");
}
