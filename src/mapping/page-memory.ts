/** Where the bytes of a cache's pages are. What is at the address of a page that has not been written is anything. */
export interface PageMemory {
  /**
   * Where a page's bytes are, or are to be put. Addresses of neighbours are contiguous up to `contiguousEnd(page)`. `pageCount`:
   * how many are about to be put there.
   */
  aliasAddress(page: number, pageCount?: number): number;
  /**
   * The same, for pages that are put there little by little: nobody else gets that memory before this is called again,
   * whatever becomes of the pages meanwhile.
   */
  receiveAddress?(page: number, pageCount: number): number;
  /** The first page after `page` whose address does not follow on. */
  contiguousEnd(page: number): number;
  /** Copies whole pages in from memory. */
  write(page: number, from: number, byteLength: number): void;
  /** Copies pages out to memory. */
  read(page: number, to: number, byteLength: number): void;
  /** These pages have their bytes, until they are punched. */
  filled?(start: number, end: number): void;
  /** Drops pages: their memory is free for others. */
  punch(start: number, end: number): void;
  close(): void;
}
