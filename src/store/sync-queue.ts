import { DmmapError } from "../core/error.js";
import type { PageFile } from "./page-file.js";
import type { SyncDone } from "./store.js";
import { storeError } from "./store-error.js";
import type { SyncResult } from "./sync-thread.js";
import { type Syncer, threadsMax } from "./syncer.js";

/** So many at a time of those for which nobody waits: whoever comes and waits finds a thread. */
const patientMax = threadsMax - 1;

/** A file of which a sync runs, or waits for its turn, and who waits for the next one: where none runs, that is the coming one. */
interface FileSync {
  waiting: SyncDone[];
  /** Whether somebody waits for that, and does not only want to know. */
  isUrgent: boolean;
}

interface Running {
  /** Undefined: of folders alone, for those who wait for no file. */
  readonly file: PageFile | undefined;
  readonly dones: readonly SyncDone[];
  readonly isUrgent: boolean;
  /** The folders it puts down, each as of this count of changes. */
  readonly folders: ReadonlyMap<string, number>;
  /** One of them has moved meanwhile: perhaps it was not found any more. */
  isOutdated: boolean;
}

/**
 * Group commit: while one sync of a file runs, all further requests wait together and are served by the next one.
 *
 * A sync also puts down every folder in which a name has changed, whichever file's: so a name is as lasting as the data
 * behind it, and a rename needs no sync of its own. Which those are, is looked at when it begins: of a thousand files that wait for
 * their turn, the first few put down the folders of all.
 *
 * A program that waits for its sync goes ahead of what nodes put down by themselves: a thousand files that somebody has unpacked.
 *
 * After a failed fdatasync the system may count the lost pages as clean, and the next fdatasync would succeed without
 * having written them. So a file that has failed once fails every later sync until the home is started anew: nobody is
 * ever told "durable" of bytes that may be gone.
 */
export class SyncQueue {
  readonly #syncer: Syncer;
  readonly #onIdle: (file: PageFile) => void;
  readonly #files = new Map<PageFile, FileSync>();
  /** Whose turn it is next; and whose then, of those for which nobody waits. */
  readonly #urgent: PageFile[] = [];
  readonly #patient: PageFile[] = [];
  readonly #running = new Map<number, Running>();
  readonly #changedFolders = new Map<string, number>();
  readonly #failed = new Map<string, DmmapError>();
  #patientRunning = 0;
  #lastSync = 0;
  #lastChange = 0;

  /** `onIdle`: no sync of this file runs any more. */
  constructor(syncer: Syncer, onIdle: (file: PageFile) => void) {
    this.#syncer = syncer;
    this.#onIdle = onIdle;
  }

  isBusy(file: PageFile): boolean {
    return this.#files.has(file);
  }

  /** The file is gone for good: another one may get its key. */
  forget(key: string): void {
    this.#failed.delete(key);
  }

  get failedCount(): number {
    return this.#failed.size;
  }

  /** A name in this folder (an absolute path) came, went or changed. */
  folderChanged(path: string): void {
    this.#changedFolders.set(path, ++this.#lastChange);
  }

  /** A folder has another path (both absolute), and so has all that changed below it. */
  folderMoved(from: string, to: string): void {
    for (const path of [...this.#changedFolders.keys()]) {
      if (isBelow(path, from)) this.folderChanged(to + path.slice(from.length));
    }
    for (const running of this.#running.values()) {
      for (const path of running.folders.keys()) running.isOutdated ||= isBelow(path, from);
    }
  }

  /** Puts down the folders that have changed so far, whichever files are in them. */
  syncFolders(done: SyncDone): void {
    if (this.#changedFolders.size === 0) done(undefined);
    else this.#run(undefined, [done], true);
  }

  sync(file: PageFile, done: SyncDone, isUrgent: boolean): void {
    const current = this.#files.get(file);
    if (current === undefined) return this.#start(file, { waiting: [done], isUrgent });
    current.waiting.push(done);
    if (isUrgent) this.#hurry(file, current);
  }

  onWake(): void {
    for (let result = this.#syncer.take(); result !== undefined; result = this.#syncer.take()) this.#ended(result);
  }

  #start(file: PageFile, { waiting: dones, isUrgent }: FileSync): void {
    const error = this.#failed.get(file.key) ?? refusal(file);
    if (error !== undefined || (!file.unsynced && this.#changedFolders.size === 0)) {
      for (const done of dones) done(error);
      return;
    }
    if (!this.#hasThread(isUrgent)) {
      this.#files.set(file, { waiting: dones, isUrgent });
      (isUrgent ? this.#urgent : this.#patient).push(file);
      return;
    }
    this.#files.set(file, { waiting: [], isUrgent: false });
    this.#run(file, dones, isUrgent);
    file.unsynced = false; // Set again by any write from now on.
    file.unsyncedAttributes = false;
  }

  /** Somebody waits for it by now. */
  #hurry(file: PageFile, state: FileSync): void {
    state.isUrgent = true;
    const place = this.#patient.indexOf(file);
    if (place >= 0) this.#urgent.push(...this.#patient.splice(place, 1));
  }

  #run(file: PageFile | undefined, dones: readonly SyncDone[], isUrgent: boolean): void {
    const sync = ++this.#lastSync;
    const folders = new Map(this.#changedFolders);
    this.#running.set(sync, { file, dones, isUrgent, folders, isOutdated: false });
    if (!isUrgent) this.#patientRunning++;
    const attributes = file?.unsyncedAttributes === true;
    this.#syncer.start({ sync, fd: file?.fd ?? -1, attributes, folders: [...folders.keys()] });
  }

  #ended({ sync, fileErrno, folderErrno }: SyncResult): void {
    const running = this.#running.get(sync);
    if (running === undefined) return; // Not ours: a syncer that answers twice.
    this.#running.delete(sync);
    const { file, folders, dones, isUrgent } = running;
    if (!isUrgent) this.#patientRunning--;
    const error = file === undefined ? foldersError(folderErrno) : this.#judge(file, fileErrno, folderErrno);
    if (error === undefined) this.#settleFolders(folders);
    const again = error === undefined && running.isOutdated ? dones : [];
    const state = file === undefined ? undefined : this.#files.get(file);
    if (file !== undefined) this.#files.delete(file);
    for (const done of again.length > 0 ? [] : dones) done(error);
    if (file !== undefined) {
      const waiting = [...again, ...(state?.waiting ?? [])];
      this.#startWaiting(file, { waiting, isUrgent: (isUrgent && again.length > 0) || state?.isUrgent === true });
    } else for (const done of again) this.syncFolders(done);
    this.#startQueued();
  }

  /** One of those for which nobody waits goes on, whoever comes: what nodes keep until then takes their memory. */
  #hasThread(isUrgent: boolean): boolean {
    return this.#running.size < (isUrgent || this.#patientRunning === 0 ? threadsMax : patientMax);
  }

  #nextQueued(): PageFile | undefined {
    const isDue = this.#patientRunning === 0 && this.#hasThread(false);
    const due = isDue ? this.#patient.shift() : undefined;
    const urgent = due ?? (this.#hasThread(true) ? this.#urgent.shift() : undefined);
    return urgent ?? (this.#hasThread(false) ? this.#patient.shift() : undefined);
  }

  #startQueued(): void {
    for (let file = this.#nextQueued(); file !== undefined; file = this.#nextQueued()) {
      const state = this.#files.get(file) as FileSync;
      this.#files.delete(file);
      this.#startWaiting(file, state);
    }
  }

  /** A `done` that was just called may have asked for another sync, which then runs for the waiting ones as well. */
  #startWaiting(file: PageFile, state: FileSync): void {
    const current = this.#files.get(file);
    if (current !== undefined) {
      current.waiting.unshift(...state.waiting);
      if (state.isUrgent) this.#hurry(file, current);
    } else if (state.waiting.length > 0) this.#start(file, state);
    if (!this.#files.has(file)) this.#onIdle(file);
  }

  #judge(file: PageFile, fileErrno: number, folderErrno: number): DmmapError | undefined {
    if (fileErrno !== 0) {
      const cause = storeError(`syncing ${file.name}`, fileErrno);
      const message = `${cause.message}; bytes may be lost, so every sync of this file fails until the home is restarted`;
      const error = new DmmapError(cause.code, message, { cause });
      this.#failed.set(file.key, error);
      return error;
    }
    if (folderErrno === 0) return undefined;
    file.unsynced = true; // The data is down, its name perhaps not: the next sync tries again.
    return storeError(`syncing the folder of ${file.name}`, folderErrno);
  }

  #settleFolders(folders: ReadonlyMap<string, number>): void {
    for (const [path, change] of folders) {
      if (this.#changedFolders.get(path) === change) this.#changedFolders.delete(path);
    }
  }
}

function foldersError(errno: number): DmmapError | undefined {
  return errno === 0 ? undefined : storeError("syncing the folders", errno);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Pages that the disk refused go down first; as long as it refuses them, nothing is on stable storage. */
function refusal(file: PageFile): DmmapError | undefined {
  const errno = file.retryRefused();
  return errno === 0 ? undefined : storeError(`writing ${file.name}`, errno);
}
