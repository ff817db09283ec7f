import type { Node } from "../node/node.js";
import { errnoOf } from "./errno-of.js";
import type { Handle } from "./handles.js";

/** Has the home put all of a file onto stable storage, for a program that has it open. `onDone` gets 0 or an errno. */
export function syncHandle(node: Node, { file }: Handle, onDone: (errno: number) => void): void {
  node.sync(file.open, (error) => onDone(error === undefined ? file.attributes.takeFailure() : errnoOf(error)));
}
