import { type Mutation, m } from "./mutation.js";

const ranges = "token-ranges.js";
const readahead = "token/readahead.js";
const frame = "wire/frame.js";

export const wireMutations: readonly Mutation[] = [
  m(
    "a weaker grant weakens what is held",
    ranges,
    "if (this.#modes[index] <= mode) return; const strongMode",
    "return; const strongMode",
  ),
  m("a gap is no gap", ranges, "if (this.weakest(start, end) === Mode.none) return Number.POSITIVE_INFINITY;", ""),
  m(
    "neighbours are joined whatever their epoch",
    ranges,
    "this.#modes[index] === mode && this.#epochs[index] === epoch",
    "this.#modes[index] === mode",
  ),
  m("a frame of any length is taken", frame, "if (frame.payloadBytes > payloadBytesMax)", "if (false)"),
  m("a range may end before it begins", frame, "isCount(end, pageMax) && start <= end", "isCount(end, pageMax)"),
  m("a payload need not be as long as its pages", frame, "return frame.payloadBytes === expected", "return true"),
  m("a window grows for random access too", readahead, "{ step: 0 }); }", "{}); }"),
  m("another protocol's bytes are taken", frame, "from.getUint8(at + magicAt) !== frameMagic", "false"),
  m("a mode that is none is taken", frame, "if (mode > Mode.write)", "if (false)"),
  m("a type that is none is taken", frame, "frame.type < 1 || frame.type > frameTypeMax", "frame.type < 1"),
  m("type 0 is taken", frame, "frame.type < 1 || frame.type > frameTypeMax", "frame.type > frameTypeMax"),
  m("a frame shorter than its header is taken", frame, "if (frame.payloadBytes < 0)", "if (false)"),
  m("any data range is taken", frame, "if (!isRange(frame.dataStart, frame.dataEnd))", "if (false)"),
  m("any epoch is taken", frame, "if (!isCount(frame.epoch, fileBytesMax))", "if (false)"),
  m("any extra field is taken", frame, "if (!isCount(frame.extra, fileBytesMax))", "if (false)"),
  m("any number of pages is taken", frame, "if (pageCount > dataPagesMax)", "if (false)"),
  m("half a page is a page", frame, "Number.isInteger(value) && value >= 0", "value >= 0"),
  m("a page may come before the first", frame, "Number.isInteger(value) && value >= 0", "Number.isInteger(value)"),
  m("a number may be beyond 2^53", frame, "value >= 0 && value <= max", "value >= 0"),
  m("zero pages need a payload", frame, "(frame.flags & FrameFlag.zero) === 0 ?", "true ?"),
  m("a frame that is used again keeps its epoch", frame, "this.epoch = 0;", ""),
  m("a frame that is used again keeps its flags", frame, "this.flags = 0;", ""),
];
