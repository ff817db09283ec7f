import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import { say } from "../kernel/standard-error.js";
import type { Emit, PagerProgram, Reply } from "../mapping/pager-commands.js";
import { Node } from "../node/node.js";
import type { NodeSetup } from "../node/node-commands.js";
import type { HomeStatus } from "../observe/status.js";
import { AttributeOperations } from "./attribute-operations.js";
import { type DeviceOptions, mountDevice } from "./device.js";
import type { DirectIo } from "./direct-io.js";
import { Draining } from "./draining.js";
import { FileOperations } from "./file-operations.js";
import { FileReads } from "./file-reads.js";
import { FileSpace } from "./file-space.js";
import { FileWrites } from "./file-writes.js";
import { FolderOperations } from "./folder-operations.js";
import { FuseLoop } from "./fuse-loop.js";
import { Handles } from "./handles.js";
import { InodeAnswers } from "./inode-answers.js";
import { InodeRequests } from "./inode-requests.js";
import { Interrupts } from "./interrupts.js";
import { KernelLeases } from "./kernel-leases.js";
import { KernelSizes } from "./kernel-sizes.js";
import { Leases } from "./leases.js";
import { LockOperations } from "./lock-operations.js";
import type { MountFile } from "./mount-file.js";
import { MountFiles } from "./mount-files.js";
import { MovedFolders } from "./moved-folders.js";
import { NameOperations } from "./name-operations.js";
import { Nodes } from "./nodes.js";
import { Notifier } from "./notifier.js";
import { Privileges } from "./privileges.js";
import { Probes } from "./probes.js";
import { epochMinorMin } from "./protocol.js";
import { WaitWatch } from "./wait-watch.js";
import { WaitingRequests } from "./waiting-requests.js";

/** What starts a mount's pager thread. */
export interface MountSetup extends NodeSetup, DeviceOptions {
  readonly mountPoint: string;
  /** Infinity for none. */
  readonly timeoutMicros: Micros;
  readonly directIo: DirectIo;
}

/** How long a request may wait before anybody asks why. */
const waitLookMicros = 250_000;

/** The pager thread's program of a mount: a node whose programs come through the kernel. */
export class MountProgram {
  readonly #setup: MountSetup;
  readonly #emit: Emit;
  readonly #node: Node;
  #probes: Probes | undefined;
  #rootInode = 0;
  #loop: FuseLoop | undefined;
  #files: MountFiles | undefined;
  #kernelLeases: KernelLeases | undefined;
  #helpers: readonly { stop(): void }[] = [];

  constructor(setup: MountSetup, emit: Emit) {
    this.#setup = setup;
    this.#emit = emit;
    // What concerns a program's maps is nobody's here, and would only wake the process's main thread.
    this.#node = new Node(setup, () => undefined, false);
  }

  program(): PagerProgram {
    return {
      pager: this.#node.pager,
      onStop: (done) => this.#stop(done),
      onGiveUp: () => this.#node.giveUp(),
      methods: {
        connect: (_args, reply) => this.#connect(reply),
        mount: (_args, reply) => this.#mount(reply),
        drain: (_args, reply) => this.#drain(reply),
      },
    };
  }

  /** Answers with what the home serves, in its own words. */
  #connect(reply: Reply): void {
    const wakeAt = (deadline: Micros) => this.#node.wakeAt(deadline);
    this.#probes = new Probes(this.#node.pager, this.#setup.mountPoint, wakeAt); // Its thread starts meanwhile.
    this.#helpers = [this.#probes];
    this.#node.connect((welcome, error) => {
      if (welcome === undefined) return reply.fail(error);
      const { requests } = this.#node;
      requests.ask({
        op: "lookup",
        args: () => ({ parent: 0, name: "" }),
        onReply: (answer) => {
          this.#rootInode = (answer as { attributes: { inode: number } }).attributes.inode;
          const onReply = (status: unknown) => reply((status as HomeStatus).store);
          requests.ask({ op: "status", args: () => ({}), onReply, onFail: reply.fail });
        },
        onFail: reply.fail,
      });
    });
  }

  #mount(reply: Reply): void {
    const probes = this.#probes;
    if (probes === undefined) throw new Error("a mount before its connection");
    try {
      const fd = mountDevice(this.#setup.mountPoint, this.#setup);
      this.#serve(fd, this.#rootInode, probes);
    } catch (error) {
      return reply.fail(error);
    }
    probes.try(() => reply()); // How programs' files are opened depends on that.
  }

  #serve(fd: number, rootInode: number, probes: Probes): void {
    const node = this.#node;
    const nodes = new Nodes(rootInode);
    const notifier = new Notifier(node.pager, fd);
    const wakeAt = (deadline: Micros) => node.wakeAt(deadline);
    const reads = new FileReads(node.pins, wakeAt);
    const waiting = new WaitingRequests(nodes);
    const writes = new FileWrites(node, waiting);
    const handles = new Handles();
    // Of its own, so that no recall of a name waits for pages, which may wait for a home that waits for that recall.
    const leaseNotifier = new Notifier(node.pager, fd);
    const leases = this.#leases(nodes, leaseNotifier);
    const files: MountFiles = new MountFiles(node, nodes, {
      beforeWriting: (inode, act) => leases.change([inode], undefined, (end) => act(() => end({}, () => undefined))),
      invalidate: (inode, offset, byteLength, onDone) => {
        const id = nodes.idOf(inode);
        if (id === undefined) onDone();
        else notifier.invalidate(id, offset, byteLength, onDone);
      },
      onDropped: (file) => reads.onDropped(file),
      onOutdated: (inode) => leases.outdated(inode),
      promise: (inode, changes, isClaim, onEnd) => requests.promise(inode, changes, isClaim, onEnd),
      onClosed: (inode) => leases.closed(inode),
      sizes: {
        onResize: (file, from, to, done) => sizes.onResize(file, from, to, done),
        settle: (file, then) => sizes.settle(file, then),
        onWrite: (file) => sizes.onWrite(file),
      },
    });
    const requests: InodeRequests = new InodeRequests(node, nodes, leases);
    const privileges = new Privileges(requests, leases);
    const moved = new MovedFolders(nodes, probes, wakeAt);
    nodes.onForgotten = (inode) => {
      moved.forgotten(inode);
      files.find(inode)?.onForgotten();
    };
    const answers = new InodeAnswers(nodes, files, leases, notifier);
    const sizes: KernelSizes = new KernelSizes(files, nodes, reads, node.pins, { probes, waiting }, wakeAt);
    const locks = new LockOperations(node, handles);
    const hasDirectMaps = () => this.#loop?.limits?.directIoMaps === true;
    const io = { reads, writes, privileges, probes, hasDirectMaps, directIo: this.#setup.directIo };
    const open = new FileOperations(node, nodes, files, handles, io, locks);
    const space = new FileSpace(node, files, handles, writes);
    const parts = [
      open,
      space,
      locks,
      new NameOperations(nodes, requests, answers, { leases, sizes, moved }, open),
      new AttributeOperations(nodes, requests, answers, files, { leases, space, sizes, probes, privileges }),
      new FolderOperations(nodes, requests, leases),
    ];
    const interrupts = new Interrupts(wakeAt);
    const loop = new FuseLoop(node.pager, fd, new Map(parts.flatMap((part) => part.operations())), {
      onWait: () => node.wakeAt(nowMicros() + waitLookMicros),
      onInterrupt: (request) => interrupts.add(request),
      onEnd: () => this.#onEnd(),
    });
    const watch = new WaitWatch(loop, node, this.#setup.timeoutMicros, {
      reason: (request) => this.#reason(files.find(nodes.inodeOf(request.node) ?? -1)),
      subject: (request) => nodes.nameOf(nodes.inodeOf(request.node) ?? -1),
    });
    for (const timer of [reads, sizes, moved]) node.addTimer((now) => timer.onTime(now));
    for (const watcher of [probes, watch, interrupts]) node.addTimer((now) => watcher.look(now));
    this.#listen(files, leases, { reads, waiting });
    waiting.loop = loop;
    this.#loop = loop;
    this.#files = files;
    this.#helpers = [notifier, leaseNotifier, probes];
  }

  #listen(files: MountFiles, leases: Leases, kernel: { reads: FileReads; waiting: WaitingRequests }): void {
    const node = this.#node;
    const { reads, waiting } = kernel;
    node.onSession = (change) => {
      files.onSession(change);
      if (change === "down") for (const file of files.all()) reads.onDown(file);
      if (change === "usable") this.#giveUpGone(waiting);
      if (change === "lapsed") leases.forgetAll(() => undefined);
      else if (change !== "down" && change !== "usable") leases.clear();
    };
    node.beforeRecovered = (done) => files.claim(() => leases.forgetAll(done));
    node.recalls.onRecall = (keys, done) => leases.recall(keys, done);
  }

  /** Files without a name do not outlive their home: who waits for one of them would wait for ever. */
  #giveUpGone(waiting: WaitingRequests): void {
    for (const { inode, open } of this.#files?.gone() ?? []) {
      say(`${open.file.name} is not there any more since the home has restarted: who has it open gets ESTALE`);
      waiting.giveUp(inode, Errno.ESTALE);
    }
  }

  #leases(ids: Nodes, notifier: Notifier): Leases {
    const node = this.#node;
    const kernel = new KernelLeases({
      ids,
      notifier,
      until: () => node.leaseUntil,
      mayForgetNames: () => (this.#loop?.limits?.minor ?? 0) >= epochMinorMin,
    });
    this.#kernelLeases = kernel;
    return new Leases(kernel, () => nowMicros() < node.leaseUntil);
  }

  #reason(file: MountFile | undefined): string {
    if (this.#node.downReason !== "") return this.#node.downReason;
    const waits = "the home has not answered yet, or another node has not given way";
    return file === undefined ? waits : `${waits}: ${file.describe()}`;
  }

  /** Unmounted, by whomever. */
  #onEnd(): void {
    this.#loop?.close();
    this.#kernelLeases?.onUnmounted();
    for (const helper of this.#helpers) helper.stop();
    for (const file of this.#files?.all() ?? []) file.onForgotten();
    this.#emit("unmounted", {});
  }

  #drain(reply: Reply): void {
    // What was lost with a file that is gone has been said.
    const files = (this.#files?.all() ?? []).filter(({ open }) => !open.isGone);
    new Draining(this.#node, this.#setup.mountPoint, files, (hasAll) => reply(hasAll)).start();
  }

  /** What the kernel has is written back first, for which requests and notices still have to be served. */
  #stop(done: () => void): void {
    this.#node.stop(() => {
      for (const file of this.#files?.all() ?? []) file.attributes.end();
      this.#files = undefined; // Their caches are closed; the kernel may be forgetting inodes still.
      for (const helper of this.#helpers) helper.stop();
      this.#loop?.close(); // Whoever uses the mount still waits for no answer any more.
      done();
    });
  }
}
