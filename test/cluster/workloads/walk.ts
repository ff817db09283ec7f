import type { NodeState } from "../node-state.js";

const pageBytes = 4096;

export interface WalkArgs {
  readonly map?: string;
  readonly pages: number;
  /** What page 0 holds; the others count on from it. */
  readonly first: number;
}

/** A file that is larger than the cache, page by page. Each page has its number at its begin and its end. */
export const walk = {
  writeWalk(node: NodeState, { map, pages, first }: WalkArgs): number {
    const words = node.words(map);
    let residentMax = 0;
    for (let page = 0; page < pages; page++) {
      words[page * 1024] = first + page;
      words[page * 1024 + 1023] = first + page;
      if (page % 1024 === 0) residentMax = Math.max(residentMax, process.memoryUsage.rss());
    }
    return residentMax;
  },

  readWalk(node: NodeState, { map, pages, first }: WalkArgs): number {
    const words = node.words(map);
    let residentMax = 0;
    for (let page = 0; page < pages; page++) {
      const begin = words[page * 1024];
      const end = words[page * 1024 + 1023];
      if (begin !== first + page || end !== first + page) {
        throw new Error(`page ${page} of ${pages} holds ${begin} and ${end}, not ${first + page} twice`);
      }
      if (page % 1024 === 0) residentMax = Math.max(residentMax, process.memoryUsage.rss());
    }
    return residentMax;
  },

  /** In an order without any sequence, each page once: reads what is there and stores the next. */
  hopWalk(node: NodeState, { map, pages, first }: WalkArgs): void {
    const words = node.words(map);
    const step = 7919;
    for (let hop = 0, page = 0; hop < pages; hop++, page = (page + step) % pages) {
      if (words[page * 1024] !== first + page) throw new Error(`page ${page} holds ${words[page * 1024]}`);
      words[page * 1024] = first + page + 1;
      words[page * 1024 + 1023] = first + page + 1;
    }
  },

  pageNumber(node: NodeState, { file, page }: { file?: string; page: number }): Promise<number> {
    return node
      .file(file)
      .read(page * pageBytes, 4)
      .then((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
  },
};
