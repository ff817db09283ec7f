import { Epoll, Ready } from "../../src/kernel/epoll.js";
import { MemoryFile } from "../../src/kernel/memory-file.js";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import { Region, type Sharing } from "../../src/kernel/region.js";
import { type Access, FaultFlag, type Outcome, Userfaultfd } from "../../src/kernel/userfaultfd.js";
import { type Touch, Toucher } from "./toucher.js";

export interface Fault {
  readonly region: Region;
  readonly page: number;
  readonly flags: number;
}

const limitMillis = 5_000;
const pageOfBytes = new NativeBuffer(pageBytes);

/**
 * A memfd, views of it, and threads that touch them, while the test's own thread serves the faults. Every wait has a
 * limit, and whatever a test leaves behind is woken and closed: `await using stage = await Stage.open();`
 */
export class Stage {
  readonly uffd: Userfaultfd;
  readonly file: MemoryFile;
  readonly regions: Region[] = [];
  /** A page of memory that nobody watches. */
  readonly scratchAddress = pageOfBytes.address;
  readonly #epoll = new Epoll();
  readonly #touchers: Toucher[] = [];

  static async open(options: { pages?: number; access?: Access; features?: number } = {}): Promise<Stage> {
    const stage = new Stage(options.pages ?? 16, options.access, options.features);
    await stage.addToucher();
    return stage;
  }

  private constructor(pageCount: number, access: Access | undefined, features: number | undefined) {
    this.uffd = new Userfaultfd(access, features);
    this.file = new MemoryFile("dmmap-test", pageCount);
    this.#epoll.add(this.uffd.fd, Ready.in, 0);
  }

  /** The first thread; further ones come from `addToucher`. */
  get thread(): Toucher {
    return this.#touchers[0];
  }

  async addToucher(): Promise<Toucher> {
    const toucher = await Toucher.start();
    this.#touchers.push(toucher);
    return toucher;
  }

  view(sharing: Sharing, firstPage = 0, pageCount = 16): Region {
    const region = new Region(this.file, firstPage, pageCount, sharing);
    this.uffd.register(region);
    this.regions.push(region);
    return region;
  }

  /** Puts a page full of one byte into the memfd, unseen by any view. */
  put(page: number, byte: number): void {
    pageOfBytes.bytes.fill(byte);
    this.file.write(page, pageOfBytes.address, pageBytes);
  }

  /** The first byte of a page in the memfd; a hole reads as 0. */
  peek(page: number): number {
    this.file.read(page, pageOfBytes.address, pageBytes);
    return pageOfBytes.bytes[0];
  }

  /** The usual answer: the page is in the memfd now, and mapped; protected unless the touch was a store. */
  fill(fault: Fault, byte: number): Outcome {
    this.put(fault.page, byte);
    return this.resume(fault);
  }

  /** Maps a page that the memfd has; protected, in a shared view, unless the touch was a store. */
  resume({ region, page, flags }: Fault): Outcome {
    const protect = region.sharing === "shared" && (flags & FaultFlag.write) === 0;
    return this.uffd.continuePages(region, page, page + 1, protect);
  }

  /** Gives every fault to `answer` until the touch is done. @returns the faults in words, in their order. */
  serve(touch: Touch, answer: (fault: Fault) => void): string[] {
    const seen: string[] = [];
    this.#until("the touch is done", () => {
      for (const fault of this.#read()) {
        seen.push(inWords(fault));
        answer(fault);
      }
      return touch.isDone;
    });
    return seen;
  }

  /** Waits for a touch that must raise no fault, and gives its result. */
  quietly(touch: Touch): number {
    const faults = this.serve(touch, (fault) => {
      throw new Error(`a fault where none was expected: ${inWords(fault)}`);
    });
    if (faults.length > 0) throw new Error(faults.join(", "));
    return touch.result;
  }

  /** Waits for one fault and leaves its thread waiting. */
  nextFault(): Fault {
    const faults: Fault[] = [];
    this.#until("a fault comes", () => faults.push(...this.#read()) > 0);
    if (faults.length > 1) throw new Error(`one fault was expected: ${faults.map(inWords).join(", ")}`);
    return faults[0];
  }

  /** Waits until the descriptor has something to read, and leaves it there. */
  untilReadable(): void {
    this.#until("an event waits", () => this.#epoll.wait(0) > 0);
  }

  /** Waits for something that comes about without any fault. */
  until(truth: string, condition: () => boolean): void {
    this.#until(truth, condition);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const region of this.regions) {
      region.replaceByZeros();
      this.uffd.forget(region);
    }
    for (const toucher of this.#touchers) await toucher.stop();
    for (const region of this.regions) region.release();
    this.#epoll.close();
    this.uffd.close();
    this.file.close();
  }

  #read(): Fault[] {
    const faults: Fault[] = [];
    this.uffd.readFaults((region, page, flags) => faults.push({ region, page, flags }));
    return faults;
  }

  #until(truth: string, condition: () => boolean): void {
    const end = performance.now() + limitMillis;
    while (!condition()) {
      if (performance.now() > end) throw new Error(`not within ${limitMillis} ms: ${truth}`);
      this.#epoll.wait(500);
    }
  }
}

/** "page 3: missing", "page 3: minor store", "page 3: protected store". */
export function inWords({ page, flags }: Fault): string {
  const kind =
    (flags & FaultFlag.writeProtect) !== 0 ? "protected" : (flags & FaultFlag.minor) !== 0 ? "minor" : "missing";
  return `page ${page}: ${kind}${(flags & FaultFlag.write) !== 0 ? " store" : ""}`;
}
