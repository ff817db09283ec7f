import { type Frame, FrameType } from "../core/wire/frame.js";
import type { HomeConnection } from "./home-connection.js";
import type { NodeFile } from "./node-file.js";
import type { OpenFiles } from "./open-files.js";

/** Has the home hear, in time, of the files that this node has made longer by itself. */
export class Growths {
  readonly #connection: HomeConnection;
  readonly #files: OpenFiles;
  /** Of these it may not have heard the size. */
  readonly #grown: NodeFile[] = [];

  constructor(connection: HomeConnection, files: OpenFiles) {
    this.#connection = connection;
    this.#files = files;
  }

  grew(file: NodeFile): void {
    this.#grown.push(file);
  }

  /** Before the home is asked anything: its answer may go by a size. */
  tell(): void {
    for (let file = this.#grown.pop(); file !== undefined; file = this.#grown.pop()) file.frames.tellGrowth();
  }

  /** The home does not leave it to this node any more to make the file longer. */
  onRecall(frame: Frame): void {
    this.#files.byNumber(frame.file)?.file.frames.recallGrowth();
    this.answer(FrameType.growthEnded, frame);
  }

  /** What is asked is so: also of a file that is being closed, or whose opening was not heard of when the connection was lost. */
  answer(type: typeof FrameType.growthEnded | typeof FrameType.resized, { file, epoch }: Frame): void {
    const answer = this.#connection.outgoing.reset(type);
    answer.file = file;
    answer.epoch = epoch;
    this.#connection.send(answer);
  }
}
