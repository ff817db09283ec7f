import { whenAll } from "../core/when-all.js";
import type { ClosingFiles } from "./closing-files.js";
import type { GiveBack } from "./give-back.js";
import type { HomeConnection } from "./home-connection.js";
import type { HomeRequests } from "./home-requests.js";
import type { NodeSession } from "./node-session.js";
import type { OpenFile, OpenFiles } from "./open-files.js";

interface EndParts {
  readonly files: OpenFiles;
  readonly closing: ClosingFiles;
  readonly requests: HomeRequests;
  readonly session: NodeSession;
  readonly connection: HomeConnection;
  readonly giveBack: GiveBack;
}

/** The end of a node: everything goes back to the home, if that is there to take it; else it is said what is lost. */
export class NodeEnd {
  readonly #parts: EndParts;
  /** What the home has not taken yet. */
  #kept = new Set<OpenFile>();
  #finish: (() => void) | undefined;

  constructor(parts: EndParts) {
    this.#parts = parts;
  }

  begin(done: () => void): void {
    const { files, closing, requests, connection, giveBack } = this.#parts;
    const open = [...files.all()];
    for (const file of open) closing.begin(file);
    requests.stop();
    this.#kept = new Set(open.filter(({ isGone }) => !isGone));
    this.#finish = () => {
      for (const { file } of open) file.cache.close();
      done();
    };
    if (!connection.isUp || ![...this.#kept].every(({ file }) => file.frames.isReady)) return this.giveUp();
    const give = (file: OpenFile, end: () => void) => {
      const onGiven = () => {
        this.#kept.delete(file);
        end();
      };
      giveBack.give(file, onGiven, end);
    };
    whenAll([...this.#kept], give, () => this.giveUp());
  }

  /** Once it has begun: it comes now, and waits for the home no longer. */
  giveUp(): void {
    const finish = this.#finish;
    if (finish === undefined) return;
    this.#finish = undefined;
    for (const file of this.#kept) this.#parts.session.lose(file);
    this.#parts.connection.close();
    finish();
  }
}
