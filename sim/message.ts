import { Mode, type PageIndex, pageMax } from "../src/core/units.js";

/** What node and home tell each other, in place of frames: the same fields, the pages as numbers. */
export type ToHome =
  | { type: "hello"; session: string | undefined }
  | { type: "open" }
  /** Another program of the node opens the file, which it has open. */
  | { type: "openMore" }
  | { type: "close" }
  | {
      type: "acquire";
      request: number;
      mode: Mode;
      needStart: PageIndex;
      needEnd: PageIndex;
      wantStart: PageIndex;
      wantEnd: PageIndex;
      windowEnd: PageIndex;
      needsData: boolean;
      isUrgent: boolean;
    }
  | { type: "fetch"; request: number; start: PageIndex; end: PageIndex; epoch: number }
  /** `file`: the home's number of the open file; undefined for the one that it has asked about. */
  | {
      type: "release";
      file: number | undefined;
      mode: Mode;
      start: PageIndex;
      end: PageIndex;
      epoch: number;
      duty: number;
    }
  /** `copyOf`: which version of the page it is, for the checks alone. */
  | { type: "write"; page: PageIndex; words: readonly number[]; duty: number; copyOf: number }
  | { type: "truncate"; request: number; sizeBytes: number }
  | { type: "resized"; epoch: number }
  | { type: "restore"; page: PageIndex; words: readonly number[]; version: number; duty: number }
  | { type: "sync"; request: number }
  | { type: "ping"; request: number; isAsked: boolean }
  | { type: "claim"; mode: Mode; start: PageIndex; end: PageIndex; epoch: number }
  | { type: "claimed"; epoch: number; duty: number }
  | { type: "recovered" };

/** Pages of an answer: `words` holds those of [dataStart, dataEnd), two a page. */
interface Payload {
  request: number;
  epoch: number;
  dataStart: PageIndex;
  dataEnd: PageIndex;
  words: readonly number[];
  /** R20: the home has not got all of it on stable storage. */
  unstable: boolean;
  more: boolean;
}

export type SessionState = "resumed" | "recovering" | "new";

export type ToNode =
  | { type: "welcome"; session: string; state: SessionState; boot: number; leaseMicros: number }
  | { type: "closing" }
  | { type: "pong"; request: number }
  | { type: "synced"; request: number }
  | { type: "opened"; file: number; sizeBytes: number }
  | { type: "closed" }
  | ({ type: "grant"; mode: Mode; start: PageIndex; end: PageIndex; windowEnd: PageIndex } & Payload)
  | ({ type: "data" } & Payload)
  | { type: "failure"; request: number }
  | {
      type: "revoke";
      mode: Mode;
      start: PageIndex;
      end: PageIndex;
      epoch: number;
      wantStart: PageIndex;
      wantEnd: PageIndex;
    }
  | { type: "resize"; sizeBytes: number; epoch: number }
  | { type: "truncated"; request: number; refused: boolean }
  | { type: "reclaimed"; sizeBytes: number; epoch: number };

export type Message = ToHome | ToNode;

export const modeName = { [Mode.none]: "none", [Mode.read]: "read", [Mode.write]: "write" } as const;

export function range(start: PageIndex, end: PageIndex): string {
  return `${start}..${end === pageMax ? "end" : end}`;
}

export function pagesOf(sizeBytes: number): string {
  return `${sizeBytes / 4096} page${sizeBytes === 4096 ? "" : "s"}`;
}

/** A message in words, as transcripts show it. */
export function describe(message: Message): string {
  switch (message.type) {
    case "open":
    case "openMore":
    case "close":
    case "closed":
    case "closing":
    case "recovered":
      return message.type;
    case "hello":
      return `hello${message.session === undefined ? "" : ` again, ${message.session}`}`;
    case "welcome":
      return `welcome ${message.session}, ${message.state}`;
    case "ping":
      return `ping${message.isAsked ? ", asked" : ""}`;
    case "pong":
      return "pong";
    case "sync":
    case "synced":
      return `${message.type} #${message.request}`;
    case "acquire": {
      const data = message.needsData ? `, data to ${message.windowEnd}` : ", no data";
      return `acquire ${modeName[message.mode]} ${range(message.needStart, message.needEnd)}${data}`;
    }
    case "fetch":
      return `fetch ${range(message.start, message.end)} @${message.epoch}`;
    case "release":
      return `release ${range(message.start, message.end)} to ${modeName[message.mode]} @${message.epoch}`;
    case "write":
      return `write ${message.page} = ${message.words.join(" ")}`;
    case "truncate":
      return `truncate to ${pagesOf(message.sizeBytes)}`;
    case "resized":
      return `resized @${message.epoch}`;
    case "restore":
      return `restore ${message.page} = ${message.words.join(" ")}, version ${message.version}, duty ${message.duty}`;
    case "claim":
      return `claim ${modeName[message.mode]} ${range(message.start, message.end)} @${message.epoch}`;
    case "claimed":
      return `claimed all, newest @${message.epoch}${message.duty > 0 ? `, last duty ${message.duty}` : ""}`;
    case "reclaimed":
      return `reclaimed, ${pagesOf(message.sizeBytes)} @${message.epoch}`;
    case "opened":
      return `opened, ${pagesOf(message.sizeBytes)}`;
    case "grant":
      return `grant ${modeName[message.mode]} ${range(message.start, message.end)} @${message.epoch}${payload(message)}`;
    case "data":
      return `data @${message.epoch}${payload(message)}`;
    case "failure":
      return `failure of ${message.request}`;
    case "revoke":
      return `revoke ${range(message.start, message.end)} to ${modeName[message.mode]} @${message.epoch}`;
    case "resize":
      return `resize to ${pagesOf(message.sizeBytes)} @${message.epoch}`;
    case "truncated":
      return message.refused ? "truncate refused" : "truncated";
  }
}

function payload({ dataStart, dataEnd, words, more }: Payload): string {
  const pages = dataStart < dataEnd ? `, page ${range(dataStart, dataEnd)} = ${words.join(" ")}` : "";
  return `${pages}${more ? ", more follows" : ""}`;
}
