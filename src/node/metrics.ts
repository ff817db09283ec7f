/** What this node has done since it connected. Counted on the pager thread; pages are 4 KiB. */
export interface NodeMetrics {
  /** Faults that have been answered, and the time that threads slept in them. */
  faults: number;
  faultMicros: number;
  noPageFaults: number;
  wpPageFaults: number;
  acquires: number;
  grants: number;
  /** Write grants that carried no data, because the copy here was current. */
  upgrades: number;
  revokes: number;
  fetches: number;
  dataPages: number;
  writePages: number;
  cachedPages: number;
  evictedPages: number;
}

export function noMetrics(): NodeMetrics {
  return {
    faults: 0,
    faultMicros: 0,
    noPageFaults: 0,
    wpPageFaults: 0,
    acquires: 0,
    grants: 0,
    upgrades: 0,
    revokes: 0,
    fetches: 0,
    dataPages: 0,
    writePages: 0,
    cachedPages: 0,
    evictedPages: 0,
  };
}
