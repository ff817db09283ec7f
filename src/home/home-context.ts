import type { Recovery } from "../core/home/recovery.js";
import type { FileTokensStatus, HomeCounters, HomeStatus } from "../observe/status.js";
import type { Store } from "../store/store.js";
import type { Connection } from "./connection.js";
import type { Leases } from "./leases.js";
import type { OpenFile } from "./open-file.js";
import type { OpenFiles } from "./open-files.js";
import type { Sessions } from "./sessions.js";

/** What those who serve frames need of the engine. */
export interface HomeContext {
  readonly boot: string;
  readonly leaseMillis: number;
  readonly counters: HomeCounters;
  readonly store: Store;
  readonly sessions: Sessions;
  readonly files: OpenFiles;
  readonly recovery: Recovery;
  readonly leases: Leases;
  /** The time of the events being served. */
  readonly nowMicros: number;
  /** Something was queued for this connection: it wants to be flushed. */
  touched(connection: Connection): void;
  status(): HomeStatus;
  tokens(open: OpenFile): FileTokensStatus;
}
