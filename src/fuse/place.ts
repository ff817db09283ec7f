/** A name in a folder. */
export interface Place {
  /** The folder's inode. */
  readonly parent: number;
  readonly name: string;
}
