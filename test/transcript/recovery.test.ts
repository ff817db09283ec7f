import { test } from "node:test";
import { story } from "./story.js";

test("R20: what a node has seen outlives who stored it, the home's power, and its own cache", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
      a→home write 0 = 1 0
      a→home release 0..65537 to read @1
      home→b grant read 0..65537 @2, page 0..1 = 1 0
      b has loaded 1 from word 0
    # b sees the store, and its page is cold.
    > b evicts 0..1
    > a crashes, the power fails
    > the home is back, b is back, settle
      b→home hello again, b2
      home→b welcome b2, recovering
      b→home open
      home→b opened, 1 page
      b→home restore 0 = 1 0, version 2, duty 1
      b→home claim read 0..65537 @2
      b→home claimed all, newest @2, last duty 1
      home→b reclaimed, 1 page @2
      b→home recovered
    > the grace is over, settle
    > b reads 0, settle
      b→home fetch 0..1 @2
      home→b data @2, page 0..1 = 1 0
      b has loaded 1 from word 0
    `,
  );
});

test("R20: what a node has seen does not come back over what is newer and stable", () => {
  story(
    { pages: 1, nodes: 3 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
      a→home write 0 = 1 0
      a→home release 0..65537 to read @1
      home→b grant read 0..65537 @2, page 0..1 = 1 0
      b has loaded 1 from word 0
    > c writes 0, settle
      c→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @2
      home→b revoke 0..1 to none @2
      a→home release 0..65537 to none @2
      b→home release 0..65537 to none @2
      home→c grant write 0..65537 @3, page 0..1 = 1 0
      c has stored 2 to word 0
    > c syncs, settle
      c→home write 0 = 2 0
      c→home sync #1
      home→c synced #1
    > c crashes, the power fails
    > the home is back, a is back, b is back, settle
      a→home hello again, a1
      home→a welcome a1, recovering
      a→home open
      b→home hello again, b2
      home→b welcome b2, recovering
      b→home open
      home→a opened, 1 page
      home→b opened, 1 page
      a→home restore 0 = 1 0, version 2, duty 1
      a→home claim write 65537..end @1
      a→home claimed all, newest @2, last duty 1
      b→home restore 0 = 1 0, version 2, duty 1
      b→home claimed all, newest @2, last duty 1
      home→b reclaimed, 1 page @1
      home→a reclaimed, 1 page @2
      b→home recovered
      a→home recovered
    > the grace is over, settle
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→b grant read 0..65537 @3, page 0..1 = 2 0
      b has loaded 2 from word 0
    `,
  );
});

test("R20: a node that closed its copies away with a lost connection is believed to have them", () => {
  story(
    { pages: 1, nodes: 3 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
      a→home write 0 = 1 0
      a→home release 0..65537 to read @1
      home→b grant read 0..65537 @2, page 0..1 = 1 0
      b has loaded 1 from word 0
    > b gives back 0..1
      b→home release 0..1 to none @2
    # What b gave up was lost with its connection, and so was how much it answers for.
    > b is cut off
    > b is back, settle
      b→home hello again, b2
      home→b welcome b2, resumed
      b→home restore 0 = 1 0, version 2, duty 1
      b→home claim read 1..65537 @2
      b→home claimed all, newest @2, last duty 1
      home→b reclaimed, 1 page @2
      b→home recovered
    > c writes 0, settle
      c→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @2
      a→home release 0..65537 to none @2
      home→c grant write 0..1 @3, page 0..1 = 1 0
      c has stored 2 to word 0
    > c syncs, settle
      c→home write 0 = 2 0
      c→home sync #1
      home→c synced #1
    > c crashes, the power fails
    > the home is back, a is back, b is back, settle
      a→home hello again, a1
      home→a welcome a1, recovering
      a→home open
      b→home hello again, b2
      home→b welcome b2, recovering
      b→home open
      home→a opened, 1 page
      home→b opened, 1 page
      a→home restore 0 = 1 0, version 2, duty 1
      a→home claim write 65537..end @1
      a→home claimed all, newest @2, last duty 1
      b→home restore 0 = 1 0, version 2, duty 1
      b→home claim read 1..65537 @2
      b→home claimed all, newest @2, last duty 1
      home→a reclaimed, 1 page @2
      home→b reclaimed, 1 page @2
      a→home recovered
      b→home recovered
    > the grace is over, settle
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→b grant read 0..65537 @3, page 0..1 = 2 0
      b has loaded 2 from word 0
    `,
  );
});

test("R20: the home answers for what a node that is gone had handed over, before anybody sees it", () => {
  story(
    { pages: 1 },
    `
    > b closes, settle
      b→home close
      b→home release 0..end to none @0
      home→b closed
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a flushes, settle
      a→home write 0 = 1 0
    > a crashes, settle
    > b opens, settle
      b→home open
      home→b opened, 1 page
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→b grant read 0..end @1, page 0..1 = 1 0
      b has loaded 1 from word 0
    > b evicts 0..1
    > the power fails
    > the home is back, b is back, settle
      b→home hello again, b2
      home→b welcome b2, recovering
      b→home open
      home→b opened, 1 page
      b→home claim read 0..end @1
      b→home claimed all, newest @1
      home→b reclaimed, 1 page @1
      b→home recovered
    > b reads 0, settle
      b→home fetch 0..1 @1
      home→b data @1, page 0..1 = 1 0
      b has loaded 1 from word 0
    `,
  );
});

test("R20: what a home that was killed had not synced is stable when the next one serves", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a flushes, settle
      a→home write 0 = 1 0
    > a crashes, the home dies
    > the home is back, b is back, settle
      b→home hello again, b2
      home→b welcome b2, recovering
      b→home open
      home→b opened, 1 page
      b→home claimed all, newest @0
      home→b reclaimed, 1 page @0
      b→home recovered
    > the grace is over, settle
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→b grant read 0..end @1, page 0..1 = 1 0
      b has loaded 1 from word 0
    > the power fails
    > the home is back, b is back, settle
      b→home hello again, b2
      home→b welcome b2, recovering
      b→home open
      home→b opened, 1 page
      b→home claim read 0..end @1
      b→home claimed all, newest @1
      home→b reclaimed, 1 page @1
      b→home recovered
    > b evicts 0..1, b reads 0, settle
      b→home fetch 0..1 @1
      home→b data @1, page 0..1 = 1 0
      b has loaded 1 from word 0
    `,
  );
});
