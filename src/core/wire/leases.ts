import type { LeaseKey } from "../home/lease-table.js";
import type { Attributes } from "./attributes.js";

/** Payload of a `recall`. */
export interface Recall {
  readonly keys: readonly LeaseKey[];
}

/** What of an answer is told on a lease: the node may go by it without asking again, until a `recall`. */
export const Leased = {
  attributes: 1,
  /** Where the name leads: to nothing, if the answer says so. */
  name: 2,
  /** That the file does not run as its owner or group, and has no `capabilityName`: a write has nothing of that kind to end. */
  noPrivileges: 4,
} as const;

/**
 * The kernel asks for this attribute before a write, each time that it has been told attributes meanwhile, to know whether the
 * write ends it (file_remove_privs, fs/inode.c): of nearly every file, and nearly none has it.
 */
export const capabilityName = "security.capability";

/** In requests of a node that takes leases. Without it the answer has none of the fields below. */
export interface LeaseRequest {
  readonly lease?: boolean;
}

/** In requests that change names or attributes. */
export interface ChangeRequest extends LeaseRequest {
  /** The node's number for the change, so that it is done once however often it is asked. */
  readonly key?: number;
  /** It was asked before, of this home or of the one before its restart: it may have been done. */
  readonly again?: boolean;
}

/** In the answer to such a request about an inode or a name. */
export interface LeasedAnswer {
  /** Bits of `Leased`; absent for none. */
  readonly leased?: number;
}

/** In the answer to such a request that changes something: the node's own leases on that are over. */
export interface ChangeAnswer extends LeasedAnswer {
  readonly changed?: readonly LeaseKey[];
  /** Of inodes among them, as they are now, and on a lease again. */
  readonly fresh?: readonly Attributes[];
}
