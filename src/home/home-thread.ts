import type { MessagePort } from "node:worker_threads";
import type { ErrorCode } from "../core/error.js";
import type { Polling } from "../kernel/polling-epoll.js";
import type { SocketAddress } from "../kernel/socket.js";
import type { FencedEvent, FileTokensStatus, HomeStatus } from "../observe/status.js";

/** What the main thread gives the engine's thread to start with. */
export interface HomeThreadData {
  readonly port: MessagePort;
  readonly commandFd: number;
  /** Set to 1 when the engine's loop has ended. */
  readonly ended: Int32Array;
  readonly address: SocketAddress;
  readonly store: StoreChoice;
  readonly leaseMillis: number;
  readonly helloMillis: number;
  readonly polling: Polling;
}

/** `module`: the URL of a module whose default export makes a Store. */
export type StoreChoice =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "memory" }
  | { readonly kind: "module"; readonly url: string };

/** To `status`, or to `tokens`: null of a file that is not open. */
export type HomeAnswer = HomeStatus | FileTokensStatus | null;

export type HomeCommand =
  | { readonly kind: "status"; readonly call: number }
  | { readonly kind: "tokens"; readonly call: number; readonly name: string }
  /** Tell the nodes, sync, end. */
  | { readonly kind: "close" }
  /** End now: the process is exiting. */
  | { readonly kind: "stop" };

export interface CodedMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string | undefined;
}

export type HomeMessage =
  | { readonly kind: "ready"; readonly boot: string; readonly address: SocketAddress }
  /** It could not start. */
  | { readonly kind: "refused"; readonly error: CodedMessage }
  | { readonly kind: "answer"; readonly call: number; readonly answer: HomeAnswer }
  | { readonly kind: "fenced"; readonly event: FencedEvent }
  | { readonly kind: "warning"; readonly message: string }
  | { readonly kind: "ended"; readonly error: CodedMessage | undefined }
  /** A bug: the loop stopped before it could do harm. */
  | { readonly kind: "broken"; readonly error: CodedMessage; readonly stack: string | undefined };
