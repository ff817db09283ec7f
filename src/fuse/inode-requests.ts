import type { Node } from "../node/node.js";
import { errnoOf } from "./errno-of.js";
import type { Nodes } from "./nodes.js";
import type { Request } from "./request.js";

/**
 * Requests to the home that name inodes. A home that has restarted knows an inode again once it is told where it was seen
 * last.
 */
export class InodeRequests {
  readonly #node: Node;
  readonly #nodes: Nodes;

  constructor(node: Node, nodes: Nodes) {
    this.#node = node;
    this.#nodes = nodes;
  }

  /** On behalf of a request of the kernel, which is failed if the home refuses. Answers that nobody waits for are dropped. */
  serve(
    request: Request,
    op: string,
    inodes: readonly number[],
    args: object,
    onReply: (answer: object) => void,
  ): void {
    request.onGiveUp = (errno) => request.fail(errno);
    this.ask(
      op,
      inodes,
      args,
      (answer) => {
        if (!request.isAnswered) onReply(answer);
      },
      (error) => request.fail(errnoOf(error)),
    );
  }

  ask(
    op: string,
    inodes: readonly number[],
    args: object,
    onReply: (answer: object) => void,
    onFail: (error: unknown) => void,
  ): void {
    const onStale = (error: unknown) => {
      if ((error as { code?: string }).code !== "DMMAP_STALE") return onFail(error);
      this.#identify([...inodes], () => this.#ask(op, args, onReply, onFail));
    };
    this.#ask(op, args, onReply, onStale);
  }

  /** Tells the home where these inodes are, and goes on whether it finds them or not. */
  #identify(inodes: number[], goOn: () => void): void {
    const inode = inodes.pop();
    if (inode === undefined) return goOn();
    const next = () => this.#identify(inodes, goOn);
    const path = this.#nodes.pathOf(inode);
    if (path === undefined) next();
    else this.#ask("identify", { inode, path }, next, next);
  }

  #ask(op: string, args: object, onReply: (answer: object) => void, onFail: (error: unknown) => void): void {
    this.#node.requests.ask({ op, args: () => args, onReply, onFail });
  }
}
