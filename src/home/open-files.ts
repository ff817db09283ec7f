import type { NodeId } from "../core/units.js";
import type { OpenOptions, Store } from "../store/store.js";
import { OpenFile, type OpenFileHome } from "./open-file.js";

/** The files that nodes have open, each once, however many nodes and names. */
export class OpenFiles {
  readonly #store: Store;
  readonly #home: OpenFileHome;
  readonly #byKey = new Map<string, OpenFile>();
  #lastNumber = 0;

  constructor(store: Store, home: OpenFileHome) {
    this.#store = store;
    this.#home = home;
  }

  get count(): number {
    return this.#byKey.size;
  }

  all(): IterableIterator<OpenFile> {
    return this.#byKey.values();
  }

  open(name: string, options: OpenOptions, node: NodeId): { open: OpenFile; created: boolean } {
    const { file, created } = this.#store.open(name, options);
    let open = this.#byKey.get(file.key);
    if (open === undefined) {
      open = new OpenFile(this.#home, ++this.#lastNumber, name, file);
      this.#byKey.set(file.key, open);
    } else {
      file.close(); // The open file has its own claim on it.
    }
    open.directory.open(node);
    return { open, created };
  }

  /** The open file that this name leads to now. Throws when there is no such file; undefined when nobody has it open. */
  find(name: string): OpenFile | undefined {
    const { file } = this.#store.open(name);
    const open = this.#byKey.get(file.key);
    file.close();
    return open;
  }

  /** Takes a node out of a file; the last one closes it. */
  leave(open: OpenFile, node: NodeId): void {
    open.leave(node);
    if (open.directory.openCount > 0) return;
    this.#byKey.delete(open.file.key);
    open.file.close();
  }
}
