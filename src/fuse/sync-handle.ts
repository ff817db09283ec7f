import type { DmmapError } from "../core/error.js";
import { Errno } from "../kernel/errno.js";
import type { Node } from "../node/node.js";
import { errnoOf } from "./errno-of.js";
import type { Handle } from "./handles.js";

/** Has the home put all of a file onto stable storage, for a program that has it open. `onDone` gets 0 or an errno. */
export function syncHandle(node: Node, handle: Handle, onDone: (errno: number) => void): void {
  const onSynced = (error: DmmapError | undefined) => {
    onDone(error === undefined ? refusalOf(handle) : errnoOf(error));
  };
  node.sync(handle.file.open, onSynced, handle.losses);
}

/** @returns an errno of what has failed that this one has not heard of; 0 when there is nothing */
export function failureOf(handle: Handle): number {
  return handle.losses.take() ? Errno.EIO : refusalOf(handle);
}

function refusalOf({ file, refusals }: Handle): number {
  return refusals.take() ? file.attributes.failedErrno : 0;
}
