import type { ByteOffset, Epoch, Mode, NodeId, PageIndex } from "../units.js";

/** In the place of a request's number: nobody has asked for the change of size, and nobody is to be answered. */
export const noRequest = -1;

/**
 * What a file's directory tells its shell to do, in the order of the calls. All calls are synchronous and must not call
 * back into the directory.
 */
export interface DirectoryPort {
  /**
   * Tell the node that it holds `mode` on [start, end). Send pages [dataStart, dataEnd) first and [dataEnd, windowEnd)
   * behind them; both may be empty, and the shell clips them to the file.
   */
  grant(
    node: NodeId,
    request: number,
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    epoch: Epoch,
    dataStart: PageIndex,
    dataEnd: PageIndex,
    windowEnd: PageIndex,
  ): void;
  /** Ask the node to keep no more than `mode` on [start, end); [wantStart, wantEnd) is what the asker could use. */
  revoke(
    node: NodeId,
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    epoch: Epoch,
    wantStart: PageIndex,
    wantEnd: PageIndex,
  ): void;
  /** Tell the node the file's size; it answers `resized` with this epoch. */
  resize(node: NodeId, sizeBytes: ByteOffset, epoch: Epoch): void;
  /** Change the file itself. Throws if the store cannot: the directory then keeps the old size. */
  setSize(sizeBytes: ByteOffset): void;
  /** The truncate of this request is in force everywhere, or the store refused it (`error`). */
  truncated(node: NodeId, request: number, error: unknown): void;
}
