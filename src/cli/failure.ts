import { DmmapError } from "../core/error.js";
import { visible } from "../kernel/visible.js";
import { UsageError } from "./command.js";
import { remedies, remedyOf } from "./remedies.js";

export const exitFailed = 1;
export const exitUsage = 2;

/** What stderr says of an error, and the exit code. */
export interface Failure {
  readonly lines: string[];
  readonly exitCode: number;
}

export function describeFailure(verb: string, error: unknown): Failure {
  const { lines, exitCode } = failureOf(verb, error);
  return { lines: lines.map(visible), exitCode };
}

function failureOf(verb: string, error: unknown): Failure {
  if (error instanceof UsageError) {
    return { lines: [`dmmap: ${error.message}`, `try: ${`dmmap ${verb}`.trim()} --help`], exitCode: exitUsage };
  }
  if (error instanceof DmmapError) {
    // A URL that cannot be one is a mistake on the command line, wherever it is found.
    const exitCode = error.code === "DMMAP_BAD_URL" ? exitUsage : exitFailed;
    return {
      lines: [`dmmap: ${error.message} (${error.code})`, `try: ${remedyOf(error)}`],
      exitCode,
    };
  }
  if (isSystemError(error))
    return { lines: [`dmmap: ${error.message}`, `try: ${localRemedy(error.code)}`], exitCode: exitFailed };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = [...`dmmap: ${text} (DMMAP_INTERNAL)`.split("\n"), `try: ${remedies.DMMAP_INTERNAL}`];
  return { lines, exitCode: exitFailed };
}

/** Of this machine's own files: what Node's file functions throw. */
function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}

function localRemedy(code: string): string {
  const known: Readonly<Record<string, string>> = {
    ENOENT: "check the local path",
    EISDIR: "name a file; folders are not copied",
    EACCES: "check the permissions of the local path",
    EEXIST: "choose another name, or leave out --no-clobber",
    ENOSPC: "make room on this machine's disk",
  };
  return known[code] ?? "check the local path and its disk";
}
