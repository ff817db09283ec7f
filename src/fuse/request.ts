import type { Micros } from "../core/units.js";
import { Errno } from "../kernel/errno.js";
import * as libc from "../kernel/libc.js";
import { decodeName } from "../kernel/name-bytes.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { inHeaderBytes, outHeaderBytes } from "./protocol.js";

const iovAt = 64;

let reply: NativeBuffer | undefined;
function header(): NativeBuffer {
  reply ??= new NativeBuffer(4096);
  return reply;
}

let zeroBuffer: NativeBuffer | undefined;
function zeros(byteLength: number): number {
  if (zeroBuffer === undefined || zeroBuffer.bytes.length < byteLength) zeroBuffer = new NativeBuffer(byteLength);
  return zeroBuffer.address;
}

/** The last names of numbers, by their lower halves: whoever has asked for a lock mostly asks again. */
const idNames = new Map<number, { readonly high: number; readonly name: string }>();
const idNamesMax = 256;

function idName(high: number, low: number): string {
  const known = idNames.get(low);
  if (known?.high === high) return known.name;
  const name = `${high.toString(16)}-${low.toString(16)}`;
  if (idNames.size === idNamesMax) idNames.clear();
  idNames.set(low, { high, name });
  return name;
}

/** What requests have in common with the loop that read them. */
export interface RequestOwner {
  readonly fd: number;
  /** The buffer is the request's until `returnBuffer`. */
  takeBuffer(): void;
  returnBuffer(buffer: NativeBuffer): void;
  /** The request has been answered. */
  answered(request: Request): void;
}

/**
 * One request of the kernel. It is answered once, at once or later; what it holds (names, bytes) is there until the call
 * that brought it returns, and after `keep` until the answer.
 */
export class Request {
  opcode = 0;
  unique = 0;
  node = 0;
  uid = 0;
  gid = 0;
  /** Since when it waits for its answer, if it does not get it at once. */
  since: Micros = Number.POSITIVE_INFINITY;
  /** Whether it may wait for as long as it likes: for a lock. */
  isPatient = false;
  /** Whether the kernel needs no page of its cache for it: a write that goes past that. */
  isDirect = false;
  /** Whether it is lseek(2) that asks for attributes; undefined until somebody has looked. */
  isSeek: boolean | "unknown" | undefined;
  /** Linux id of the thread that asks; 0 when it is in another pid namespace, or the kernel itself. */
  thread = 0;
  /** Called when the thread is killed, or has waited for too long, or for a lock and has had a signal: answer soon, with this errno. */
  onGiveUp: ((errno: number) => void) | undefined;
  onDone: (() => void) | undefined;
  readonly #owner: RequestOwner;
  #buffer: NativeBuffer;
  #isKept = false;
  #isAnswered = false;

  constructor(owner: RequestOwner, buffer: NativeBuffer) {
    this.#owner = owner;
    this.#buffer = buffer;
    const { uint32 } = buffer;
    this.opcode = uint32[1];
    this.unique = buffer.getUint64(8);
    this.node = buffer.getUint64(16);
    this.uid = uint32[6];
    this.gid = uint32[7];
    this.thread = uint32[8];
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** The length of the request without its header. */
  get bodyBytes(): number {
    return this.#buffer.uint32[0] - inHeaderBytes;
  }

  /** Fields of the request's structure, by offset behind the header. */
  u32(at: number): number {
    return this.#buffer.uint32[(inHeaderBytes + at) / 4];
  }

  i32(at: number): number {
    return this.#buffer.int32[(inHeaderBytes + at) / 4];
  }

  u64(at: number): number {
    return this.#buffer.getUint64(inHeaderBytes + at);
  }

  /** A number that is only a name: all of its 64 bits may be in use. */
  id(at: number): string {
    return idName(this.u32(at + 4), this.u32(at));
  }

  /** The bytes from here on, and where they are. */
  bodyAddress(at: number): number {
    return this.#buffer.address + inHeaderBytes + at;
  }

  bytes(at: number, byteLength: number): Uint8Array {
    return this.#buffer.bytes.subarray(inHeaderBytes + at, inHeaderBytes + at + byteLength);
  }

  /** The name that begins here, up to its NUL. */
  name(at: number): string {
    const start = inHeaderBytes + at;
    return decodeName(this.#buffer.bytes.slice(start, Math.max(start, this.#buffer.bytes.indexOf(0, start))));
  }

  /** Where the name after the one at `at` begins. */
  afterName(at: number): number {
    return this.#buffer.bytes.indexOf(0, inHeaderBytes + at) + 1 - inHeaderBytes;
  }

  /** The answer comes later than the call that brought this. */
  keep(): void {
    if (this.#isKept || this.#isAnswered) return;
    this.#isKept = true;
    this.#owner.takeBuffer();
  }

  fail(errno: number): void {
    this.#send(-errno, 0, 0, 0, 0, 0);
  }

  ok(): void {
    this.#send(0, 0, 0, 0, 0, 0);
  }

  /** Answers with bytes of native memory, in one piece or two, and zeros behind them. */
  data(address: number, byteLength: number, nextAddress = 0, nextLength = 0, zeroLength = 0): void {
    this.#send(0, address, byteLength, nextAddress, nextLength, zeroLength);
  }

  /** Forgets the request unanswered: FORGET and INTERRUPT want none. */
  drop(): void {
    this.#finish();
  }

  #send(
    error: number,
    address: number,
    byteLength: number,
    nextAddress: number,
    nextLength: number,
    zeroLength: number,
  ): void {
    if (this.#isAnswered) return;
    const out = header();
    const total = byteLength + nextLength + zeroLength;
    out.uint32[0] = outHeaderBytes + total;
    out.int32[1] = error;
    out.setUint64(8, this.unique);
    out.setUint64(iovAt, out.address);
    out.setUint64(iovAt + 8, outHeaderBytes);
    out.setUint64(iovAt + 16, address);
    out.setUint64(iovAt + 24, byteLength);
    out.setUint64(iovAt + 32, nextAddress);
    out.setUint64(iovAt + 40, nextLength);
    if (zeroLength > 0) out.setUint64(iovAt + 48, zeros(zeroLength));
    out.setUint64(iovAt + 56, zeroLength);
    const parts = zeroLength > 0 ? 4 : nextLength > 0 ? 3 : byteLength > 0 ? 2 : 1;
    // ENOENT: the thread was killed meanwhile. ENODEV: the mount is gone. Nobody waits for the answer in either case.
    if (libc.writev(this.#owner.fd, out.address + iovAt, parts) < 0 && libc.errno() === Errno.EINVAL) {
      throw new Error(`the kernel takes no answer of ${total} bytes to FUSE request ${this.opcode}`);
    }
    this.#finish();
  }

  #finish(): void {
    this.#isAnswered = true;
    this.onGiveUp = undefined;
    this.#owner.answered(this);
    if (this.#isKept) this.#owner.returnBuffer(this.#buffer);
    this.#isKept = false;
    const { onDone } = this;
    this.onDone = undefined;
    onDone?.();
  }
}
