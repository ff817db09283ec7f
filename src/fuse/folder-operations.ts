import type { Attributes, FileKind } from "../core/wire/attributes.js";
import type { LeasedAnswer } from "../core/wire/leases.js";
import { Errno } from "../kernel/errno.js";
import { encodeName } from "../kernel/name-bytes.js";
import { answerBuffer, answerBytesMax } from "./answer-buffer.js";
import { kindBits } from "./entry-codec.js";
import { errnoOf } from "./errno-of.js";
import type { Operation } from "./fuse-loop.js";
import type { InodeRequests } from "./inode-requests.js";
import type { Leases } from "./leases.js";
import type { Nodes } from "./nodes.js";
import { Opcode } from "./protocol.js";
import type { Request } from "./request.js";

/** Entries asked from the home at a time. */
const pageEntries = 500;
const direntBytes = 24;
/** "." and ".." come first, and are this mount's own. */
const dots = 2;

interface Entry extends LeasedAnswer {
  readonly name: string;
  readonly attributes: Attributes;
}

/** A folder that a program reads: what it has been told so far, so that a place in it stays the same entry. */
interface Listing {
  readonly inode: number;
  entries: Entry[];
  isComplete: boolean;
}

/** OPENDIR to RELEASEDIR. A place (`offset`) is the index of the next entry; entries come in the home's order of names. */
export class FolderOperations {
  readonly #nodes: Nodes;
  readonly #requests: InodeRequests;
  readonly #leases: Leases;
  readonly #listings = new Map<number, Listing>();
  #last = 0;

  constructor(nodes: Nodes, requests: InodeRequests, leases: Leases) {
    this.#nodes = nodes;
    this.#requests = requests;
    this.#leases = leases;
  }

  operations(): [number, Operation][] {
    return [
      [Opcode.opendir, (request) => this.#open(request)],
      [Opcode.readdir, (request) => this.#read(request)],
      [Opcode.releasedir, (request) => this.#close(request)],
      [Opcode.fsyncdir, (request) => this.#sync(request)],
    ];
  }

  #open(request: Request): void {
    const inode = this.#nodes.inodeOf(request.node);
    if (inode === undefined) return request.fail(Errno.ESTALE);
    this.#listings.set(++this.#last, { inode, entries: [], isComplete: false });
    const out = answerBuffer();
    out.setUint64(0, this.#last);
    out.setUint64(8, 0);
    request.data(out.address, 16);
  }

  #close(request: Request): void {
    this.#listings.delete(request.u64(0));
    request.ok();
  }

  #sync(request: Request): void {
    this.#requests.serve(request, "syncNames", [], {}, () => request.ok());
  }

  /** fuse_read_in: handle, place, room. */
  #read(request: Request): void {
    const listing = this.#listings.get(request.u64(0));
    if (listing === undefined) return request.fail(Errno.EBADF);
    const [place, room] = [request.u64(8), Math.min(request.u32(16), answerBytesMax)];
    if (place === 0) [listing.entries, listing.isComplete] = [[], false]; // From the beginning, as it is by now.
    this.#fill(request, listing, place, () => this.#answer(request, listing, place, room));
  }

  /** Has an entry of the home's from the place on, unless it is the end. */
  #fill(request: Request, listing: Listing, place: number, then: () => void): void {
    if (listing.isComplete || listing.entries.length > Math.max(0, place - dots)) return then();
    const { inode, entries } = listing;
    const after = entries.at(-1)?.name ?? "";
    const args = { inode, after, limit: pageEntries, lease: true };
    const asked = this.#leases.now;
    const onPage = (answer: object) => {
      const page = answer as { entries: Entry[]; more: boolean };
      for (const entry of page.entries)
        this.#leases.learn(entry.attributes, entry, asked, { parent: inode, name: entry.name });
      listing.entries.push(...page.entries);
      listing.isComplete = !page.more;
      this.#fill(request, listing, place, then);
    };
    // Removed by another host, or moved while a home that has restarted did not know it: it is not where it was opened.
    const onFail = (error: unknown) => {
      const errno = errnoOf(error);
      request.fail(errno === Errno.ESTALE ? Errno.ENOENT : errno);
    };
    this.#requests.serve(request, "readdir", [inode], args, onPage, onFail);
  }

  #answer(request: Request, listing: Listing, place: number, room: number): void {
    const out = answerBuffer();
    let at = 0;
    for (let index = place; index < listing.entries.length + dots; index++) {
      const entry = listing.entries[index - dots];
      const name = index < dots ? ".".repeat(index + 1) : entry.name;
      const bytes = encodeName(name) ?? new Uint8Array(0);
      const length = direntBytes + Math.ceil(bytes.length / 8) * 8;
      if (at + length > room) break;
      out.bytes.fill(0, at, at + length);
      out.setUint64(at, this.#inodeAt(listing, index, entry));
      out.setUint64(at + 8, index + 1);
      out.uint32[(at + 16) / 4] = bytes.length;
      out.uint32[(at + 20) / 4] = typeOf(index < dots ? "folder" : entry.attributes.kind);
      out.bytes.set(bytes, at + direntBytes);
      at += length;
    }
    request.data(out.address, at);
  }

  #inodeAt({ inode }: Listing, index: number, entry: Entry): number {
    if (index === 0) return inode;
    return index === 1 ? this.#nodes.parentOf(inode) : entry.attributes.inode;
  }
}

/** readdir's d_type. */
function typeOf(kind: FileKind): number {
  return kindBits[kind] / 0o10000;
}
