import { type Frame, FrameType } from "../core/wire/frame.js";
import type { HomeConnection } from "./home-connection.js";
import type { NodeFile } from "./node-file.js";
import type { OpenFiles } from "./open-files.js";

/** Has the home hear, in time, of what it has left to this node of a file, and this node has done: see FileGrowth. */
export class UntoldFiles {
  readonly #connection: HomeConnection;
  readonly #files: OpenFiles;
  /** Of these it may not have heard the size, or what a cache above has changed. */
  readonly #untold: NodeFile[] = [];
  /** Of the connection: what was asked over one that is lost is asked anew, and files have other numbers perhaps. */
  #era = 0;

  constructor(connection: HomeConnection, files: OpenFiles) {
    this.#connection = connection;
    this.#files = files;
  }

  add(file: NodeFile): void {
    this.#untold.push(file);
  }

  /** Before the home is asked anything: its answer may go by that. A size first, as the home sets times with it. */
  tell(): void {
    if (this.#untold.length === 0) return;
    const files = this.#untold.splice(0);
    for (const { frames } of files) frames.tellGrowth();
    for (const { upperCache } of files) upperCache.tellChanges(() => undefined);
  }

  /** The home does not leave the file to this node any more. */
  onRecall(frame: Frame): void {
    const { file, epoch } = frame;
    const recalled = this.#files.byNumber(file)?.file;
    const era = this.#era;
    const answer = () => {
      if (era === this.#era) this.#answer(FrameType.growthEnded, { file, epoch });
    };
    if (recalled === undefined) return answer();
    recalled.frames.recallGrowth();
    recalled.upperCache.tellChanges(answer);
  }

  onDown(): void {
    this.#era++;
  }

  /** Of a file that is closed, or of whose opening this node has not heard: what is asked is so. */
  onUnknown(frame: Frame): void {
    const { type, file, epoch, mode, start, end } = frame;
    if (type === FrameType.resize) this.#answer(FrameType.resized, { file, epoch });
    else if (type === FrameType.revoke) this.#answer(FrameType.release, { file, epoch, mode, start, end });
  }

  #answer(type: FrameType, said: Partial<Frame>): void {
    this.#connection.send(Object.assign(this.#connection.outgoing.reset(type), said));
  }
}
