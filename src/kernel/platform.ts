import { arch } from "node:os";

/** What differs between the two architectures dmmap runs on. Everything else in `kernel/` is the same on both. */
export interface PlatformNumbers {
  /** asm/unistd_64.h on x86-64, asm-generic/unistd.h on arm64. */
  readonly userfaultfd: number;
  /** struct epoll_event is packed on x86-64 only, so that 32-bit programs share its layout there. */
  readonly epollEventBytes: number;
  readonly epollDataAt: number;
}

const platforms: Readonly<Record<string, PlatformNumbers>> = {
  x64: { userfaultfd: 323, epollEventBytes: 12, epollDataAt: 4 },
  arm64: { userfaultfd: 282, epollEventBytes: 16, epollDataAt: 8 },
};

/** Throws on any other architecture: a wrong system call number would run some other call. */
export function platformNumbers(name: string = arch()): PlatformNumbers {
  const numbers = platforms[name];
  if (numbers === undefined) throw new Error(`dmmap runs on x64 and arm64; this machine is ${name}.`);
  return numbers;
}
