/** The kernel's numbers of inodes, and the home's. */
export interface NodeIds {
  /** Undefined when the kernel has been told of no such inode, or has forgotten it. */
  inodeOf(id: number): number | undefined;
  idOf(inode: number): number | undefined;
}
