import type { LeaseKey } from "../core/home/lease-table.js";
import type { AttributeChanges, Attributes } from "../core/wire/attributes.js";
import type { Node } from "../node/node.js";
import { errnoOf } from "./errno-of.js";
import type { Leases } from "./leases.js";
import type { Nodes } from "./nodes.js";
import type { Place } from "./place.js";
import type { Request } from "./request.js";

/** A request to the home that changes something. */
export interface Change {
  readonly op: string;
  readonly inodes: readonly number[];
  readonly args: object;
  readonly keys: readonly LeaseKey[];
  /** Called as soon as the home has done it, whether or not anybody still waits for that. */
  readonly onAnswer?: (answer: object) => void;
  /** What the kernel is told for an errno of the home's. */
  readonly toErrno?: (errno: number) => number;
}

/**
 * Requests to the home that name inodes. A home that has restarted knows an inode again once it is told where it was seen
 * last.
 */
export class InodeRequests {
  readonly #node: Node;
  readonly #nodes: Nodes;
  readonly #leases: Leases;
  #changeLast = 0;

  constructor(node: Node, nodes: Nodes, leases: Leases) {
    this.#node = node;
    this.#nodes = nodes;
    this.#leases = leases;
  }

  /** Asks about an inode or a name, on a lease if the home can give one. */
  tell(
    request: Request,
    op: "lookup" | "getattr",
    inode: number,
    args: object,
    onReply: (attributes: Attributes | null) => void,
    onFail?: (error: unknown) => void,
  ): void {
    const asked = this.#leases.now;
    const learn = (answer: object) => {
      const { attributes } = answer as { attributes: Attributes | null };
      const place = placeIn(args);
      if (attributes !== null) this.#leases.learn(attributes, answer, asked, place);
      else if (place !== undefined) this.#leases.learnAbsent(place, answer);
      onReply(attributes);
    };
    this.serve(request, op, [inode], { ...args, lease: true }, learn, onFail);
  }

  /** Changes something: `keys` is what, as far as it is known before. */
  change(request: Request, change: Change, onReply: (answer: object) => void): void {
    const { op, inodes, args, keys, onAnswer, toErrno = (errno) => errno } = change;
    const { inode } = args as { readonly inode?: number };
    const thing = inode === undefined ? {} : this.#nodes.thing(inode); // As the kernel means it now, however long this waits.
    request.onGiveUp = (errno) => request.fail(errno);
    this.#leases.change(keys, placeIn(args), (end) => {
      const onReplied = (answer: object) => {
        onAnswer?.(answer);
        end(answer, () => {
          // The kernel takes note of what it changes itself, but not when it has given up.
          if (request.isAnswered) this.#leases.kernel.forgetNames();
          else onReply(answer);
        });
      };
      const onFail = (error: unknown) => end({}, () => request.fail(toErrno(errnoOf(error))));
      if (request.isAnswered) end({}, () => undefined);
      else
        this.#askOf(
          request,
          op,
          inodes,
          { ...args, ...thing, lease: true, key: ++this.#changeLast },
          onReplied,
          onFail,
        );
    });
  }

  /**
   * Tells of a change that a program has been promised, over the present connection alone. `isClaim`: it is over the next one, where
   * the home hears it before it serves others.
   */
  promise(inode: number, changes: AttributeChanges, isClaim: boolean, onEnd: (error: unknown) => void): void {
    const asked = this.#leases.now;
    const args = { ...this.#nodes.thing(inode), ...changes, lease: true, isClaim };
    const onReply = (answer: object) => {
      const { attributes } = answer as { attributes: Attributes };
      this.#leases.learn(attributes, answer, asked);
      onEnd(undefined);
    };
    this.#node.requests.askOnce("setattr", args, onReply, onEnd);
  }

  /** On behalf of a request of the kernel, which is failed if the home refuses. Answers that nobody waits for are dropped. */
  serve(
    request: Request,
    op: string,
    inodes: readonly number[],
    args: object,
    onReply: (answer: object) => void,
    onFail: (error: unknown) => void = (error) => request.fail(errnoOf(error)),
  ): void {
    request.onGiveUp = (errno) => request.fail(errno);
    this.#askOf(
      request,
      op,
      inodes,
      args,
      (answer) => {
        if (!request.isAnswered) onReply(answer);
      },
      (error) => {
        if (!request.isAnswered) onFail(error);
      },
    );
  }

  /** Sends nothing that the kernel does not wait for any more. */
  #askOf(
    request: Request,
    op: string,
    inodes: readonly number[],
    args: object,
    onReply: (answer: object) => void,
    onFail: (error: unknown) => void,
  ): void {
    const isWanted = () => !request.isAnswered;
    let isAgain = false;
    const argsOf = (wasSent: boolean) => {
      isAgain ||= wasSent;
      return isAgain ? { ...args, again: true } : args;
    };
    const onStale = (error: unknown) => {
      if ((error as { code?: string }).code !== "DMMAP_STALE" || request.isAnswered) return onFail(error);
      this.#identify([...inodes], () => this.#ask(op, argsOf, onReply, onFail, isWanted));
    };
    this.#ask(op, argsOf, onReply, onStale, isWanted);
  }

  /** Tells the home where these inodes are, and goes on whether it finds them or not. */
  #identify(inodes: number[], goOn: () => void): void {
    const inode = inodes.pop();
    if (inode === undefined) return goOn();
    const next = () => this.#identify(inodes, goOn);
    const path = this.#nodes.pathOf(inode);
    if (path === undefined) next();
    else this.#ask("identify", () => ({ inode, path }), next, next);
  }

  #ask(
    op: string,
    args: (wasSent: boolean) => object,
    onReply: (answer: object) => void,
    onFail: (error: unknown) => void,
    isWanted = () => true,
  ): void {
    this.#node.requests.ask({ op, args, onReply, onFail, isWanted });
  }
}

function placeIn(args: object): Place | undefined {
  return "parent" in args && "name" in args ? (args as Place) : undefined;
}
