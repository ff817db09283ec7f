import { constants } from "node:os"; // And no system calls of ours: the help, and what a machine lacks, are said without.
import type { DmmapError, ErrorCode } from "../core/error.js";

const { EFBIG, EISDIR, ENOTDIR } = constants.errno;

/** What to try: as the error has it, or the system's number for it, or else by its code. */
export function remedyOf({ code, errno, remedy }: DmmapError): string {
  return remedy ?? (errno === undefined ? undefined : remediesByErrno.get(errno)) ?? remedies[code];
}

const remediesByErrno: ReadonlyMap<number, string> = new Map([
  [EISDIR, "name a file in the folder: dmmap ls URL/FOLDER lists them"],
  [ENOTDIR, "see which part of the name is a file: dmmap ls URL"],
  [EFBIG, "choose a smaller size: the home's filesystem sets the limit"],
]);

/** By code; the whole story of each is in docs/errors.md. */
export const remedies: Readonly<Record<ErrorCode, string>> = {
  DMMAP_ABORTED: "run it again",
  DMMAP_BAD_FOLDER: "name a folder that is there and that you may read and write; a folder has one home at a time",
  DMMAP_BAD_NAME: "names are relative to the served folder and stay in it: path/file",
  DMMAP_BAD_RANGE: "compare offset and length with the file's size: dmmap stat URL/FILE",
  DMMAP_BAD_URL: "write dmmap://HOST:PORT or dmmap://HOST:PORT/path/file",
  DMMAP_BUSY: "wait for the others to finish, or see who they are: dmmap status URL",
  DMMAP_CLOSED: "run it again",
  DMMAP_DENIED: "look at the owner and the permissions at the home, or serve as a user that may",
  DMMAP_EXISTS: "choose another name, or leave out what forbids replacing it",
  DMMAP_FENCED: "run it again: the home took this node for dead and gave its tokens away",
  DMMAP_INTERNAL: "this is a fault of dmmap itself: please report it with the command and this message",
  DMMAP_IO: "look at the disk of the home's machine (dmesg), then run it again",
  DMMAP_LOST: "check that the home runs, then compare the file with its source",
  DMMAP_NO_SPACE: "make room on the disk of the home's machine, then run it again",
  DMMAP_NOT_FOUND: "list what is there: dmmap ls URL",
  DMMAP_PORT_IN_USE:
    "listen elsewhere (--listen or --http 127.0.0.1:0 takes any free port), or stop what listens there",
  DMMAP_PROTOCOL: "check the port: something other than a dmmap home answers there",
  DMMAP_STALE: "open it by its name again",
  DMMAP_TIMEOUT: "check that the home is alive: dmmap status URL",
  DMMAP_UNREACHABLE: "check host and port; start a home there: dmmap serve FOLDER --listen HOST:PORT",
  DMMAP_UNSUPPORTED: "see what this machine lacks: dmmap doctor",
  DMMAP_VERSION: "install the same version of dmmap on both sides",
};
