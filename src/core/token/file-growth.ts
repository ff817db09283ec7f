import { assert } from "../assert.js";
import type { ByteOffset } from "../units.js";

/**
 * One file's size on one node, where the home has left it to this node to make the file longer (see Delegation): one that has it
 * open alone, so that nobody else sees the size but by asking the home, which asks the node back before it answers. So a program
 * that makes a file longer waits for nobody. The home is told before whatever else of the file depends on it, and of anything it
 * is asked.
 *
 * Whoever asks the home for a size leaves that to it again, by that alone: both know it, in the order of their messages. Until
 * the last such question is answered, the node decides nothing.
 */
export class FileGrowth {
  #isOurs = false;
  #term = 0;
  readonly #questions = new Set<object>();
  /** What the home has not been told of; -1: nothing. */
  #untoldBytes: ByteOffset = -1;
  #unstableBytes: ByteOffset = 0;
  #changes = 0;

  /** Whether the node may make the file longer by itself. */
  get isOurs(): boolean {
    return this.#isOurs && this.#questions.size === 0;
  }

  /** How often it has been left to this node: as long as that is the same, nobody else has seen the file, or changed it. */
  get term(): number {
    return this.#term;
  }

  /**
   * By what this node has done the file is at least as long as this, and that is not known to be on stable storage; 0: nothing.
   * A home that is back is told first: it may have forgotten it, or not have heard of it.
   */
  get unstableBytes(): ByteOffset {
    return this.#unstableBytes;
  }

  /** The home has opened the file for this node, and leaves it to it to make it longer. */
  opened(): void {
    this.#isOurs = true;
    this.#term++;
  }

  /** The home is asked for this size. @returns the question, for `answered` */
  asked(sizeBytes: ByteOffset): object {
    assert(this.#untoldBytes < 0, "the home hears of the size before it is asked for another");
    this.#atMost(sizeBytes);
    this.#isOurs = false;
    const question = {};
    this.#questions.add(question);
    return question;
  }

  /** The file has had this size, and from then on the node may make it longer by itself, or not. */
  answered(question: object, sizeBytes: ByteOffset, isOurs: boolean): void {
    if (!this.#questions.delete(question)) return; // It was void with its connection.
    this.#isOurs = isOurs;
    this.#term++;
    this.#unstableBytes = Math.max(this.#unstableBytes, sizeBytes);
    this.#changes++;
  }

  /** The home has refused it. */
  refused(question: object): void {
    this.#questions.delete(question);
  }

  /** The node has made the file longer. */
  grew(sizeBytes: ByteOffset): void {
    assert(this.isOurs, "only where that is left to this node");
    this.#untoldBytes = sizeBytes;
    this.#unstableBytes = sizeBytes;
    this.#changes++;
  }

  /** @returns the size that the home is to be told now; -1: it knows */
  tell(): ByteOffset {
    const bytes = this.#untoldBytes;
    this.#untoldBytes = -1;
    return bytes;
  }

  /** The home asks it back. */
  recalled(): void {
    this.#isOurs = false;
  }

  /** The home says that the file has this size. */
  resized(sizeBytes: ByteOffset): void {
    this.#atMost(sizeBytes);
    this.#untoldBytes = Math.min(this.#untoldBytes, sizeBytes);
  }

  /** A sync begins, behind all that the home has been told. @returns what `synced` wants */
  beginSync(): number {
    return this.#changes;
  }

  /** It has succeeded. */
  synced(sync: number): void {
    if (sync === this.#changes) this.#unstableBytes = 0;
  }

  /** The connection is lost: the home cannot ask anything back, and is asked anew when it is there again. */
  onDown(): void {
    this.#isOurs = false;
    this.#questions.clear();
    this.#untoldBytes = -1; // It is told of what is unstable.
  }

  /** The session is lost: the file has the size that the home says. */
  clear(): void {
    this.onDown();
    this.#unstableBytes = 0;
  }

  #atMost(sizeBytes: ByteOffset): void {
    this.#unstableBytes = Math.min(this.#unstableBytes, sizeBytes);
  }
}
