import { constants } from "node:os";
import { errno } from "./libc.js";

/** Linux errno numbers by name; the same on x86-64 and arm64 (asm-generic/errno.h). */
export const Errno = constants.errno;

const names = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));

export function errnoName(number: number): string {
  return names.get(number) ?? `errno ${number}`;
}

/** A system call failed in a way its caller has no answer for. `code` is the errno's name, as in Node's own errors. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, number: number) {
    super(`${syscall} failed: ${errnoName(number)}`);
    this.code = errnoName(number);
    this.errno = number;
    this.syscall = syscall;
  }
}

/** Passes a non-negative result through and throws on -1. */
export function check(result: number, syscall: string): number {
  if (result === -1) throw new SystemError(syscall, errno());
  return result;
}
