import { test } from "node:test";
import { story } from "./story.js";

test("A close writes back, gives back, and lets others on", () => {
  story(
    { pages: 2 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, b→home
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
    > a closes
      a→home write 0 = 1 0
      a→home release 0..end to none @1
      a→home sync #1
    > settle
      home→b grant read 0..end @2, page 0..1 = 1 0
      home→a synced #1
      b has loaded 1 from word 0
      a→home close
      home→a closed
    `,
  );
});

test("A node that is gone frees what it held, and loses what it alone had", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, b→home
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
    > a crashes
      home→b grant read 0..end @2, page 0..1 = 0 0
    > settle
      b has loaded 0 from word 0
    `,
  );
});

test("Nobody waits for a node that is gone: a change of size ends without it", () => {
  story(
    { pages: 2, nodes: 3 },
    `
    > a truncates to 1, a→home
      a→home truncate to 1 page
      the file has 1 page
      home→a resize to 1 page @1
      home→b resize to 1 page @1
      home→c resize to 1 page @1
    > home→b, b→home
      b→home resized @1
    > home→a, a→home
      a→home resized @1
    > c crashes
      home→a truncated
    > settle
    `,
  );
});

test("A node that opens again starts from nothing", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a closes, settle
      a→home write 0 = 1 0
      a→home release 0..end to none @1
      a→home sync #1
      home→a synced #1
      a→home close
      home→a closed
    > a opens, settle
      a→home open
      home→a opened, 1 page
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @2, page 0..1 = 1 0
      a has loaded 1 from word 0
    `,
  );
});

test("A node that is cut off goes on with what it holds, and says so when it is back", () => {
  story(
    { pages: 2 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a writes 1, settle
      a→home fetch 1..2 @1
      home→a data @1, page 1..2 = 0 0
      a has stored 2 to word 2
    > b reads 1, b→home, home→a
      b→home acquire read 1..2, data to 2
      home→a revoke 1..2 to read @1
      a→home write 1 = 2 0
      a→home release 1..65538 to read @1
    # The write-back and the release are lost; the page is not.
    > a is cut off
    > a writes 0, a runs
      a has stored 3 to word 0
    > a is back
      a→home hello again, a1
      home→a welcome a1, resumed
      a→home restore 1 = 2 0, version 1, duty 1
      a→home claim write 0..1 @1
      a→home claim read 1..65538 @1
      a→home claim write 65538..end @1
      a→home claimed all, newest @1, last duty 1
    > settle
      home→a reclaimed, 2 pages @1
      home→b grant read 1..65538 @2, page 1..2 = 2 0
      a→home recovered
      b has loaded 2 from word 2
    `,
  );
});

test("A revoke that was lost under way is asked again, behind the answer to the claims", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, b→home
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
    > a is cut off
    > a is back
      a→home hello again, a1
      home→a welcome a1, resumed
      a→home claim write 0..end @1
      a→home claimed all, newest @1
    > settle
      home→a reclaimed, 1 page @1
      home→a revoke 0..1 to read @1
      a→home recovered
      a→home write 0 = 1 0
      a→home release 0..65537 to read @1
      home→b grant read 0..65537 @2, page 0..1 = 1 0
      b has loaded 1 from word 0
    `,
  );
});

test("Who is cut off while it waits is passed: nobody waits for its lease", () => {
  story(
    { pages: 1, nodes: 3 },
    `
    > a holds write 0..1, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has its hold
    > b writes 0, b→home, home→a
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
    > c writes 0, c→home
      c→home acquire write 0..1, data to 1
    > b is cut off
    > a lets go
      a→home release 0..65537 to none @1
    > a→home
      home→c grant write 0..65537 @2, page 0..1 = 0 0
    > home→c, c runs
      c has stored 2 to word 0
    # b asks again when it is back.
    > b is back
      b→home hello again, b2
      home→b welcome b2, resumed
      b→home claimed all, newest @0
    > settle
      home→b reclaimed, 1 page @2
      b→home acquire write 0..1, data to 1
      b→home recovered
      home→c revoke 0..1 to none @2
      c→home write 0 = 2 0
      c→home release 0..65537 to none @2
      home→b grant write 0..65537 @3, page 0..1 = 2 0
      b has stored 1 to word 0
    `,
  );
});

test("What was asked before a cut and is not asked again need not be given", () => {
  story(
    { pages: 1 },
    `
    > a holds write 0..1, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has its hold
    > b writes 0, b→home, home→a
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
    > b crashes
    > a is cut off
    > a is back
      a→home hello again, a1
      home→a welcome a1, resumed
      a→home claim write 0..end @1
      a→home claimed all, newest @1
    > settle
      home→a reclaimed, 1 page @1
      a→home recovered
    > a lets go
    `,
  );
});

test("A size that a node has not heard of is told again: until then nobody is answered", () => {
  story(
    { pages: 2 },
    `
    > a writes 1, settle
      a→home acquire write 1..2, data to 2
      home→a grant write 0..end @1, page 1..2 = 0 0
      a has stored 1 to word 2
    > b truncates to 1, b→home, home→b, b→home
      b→home truncate to 1 page
      the file has 1 page
      home→a resize to 1 page @2
      home→b resize to 1 page @2
      b→home resized @2
    > a is cut off
    > a is back
      a→home hello again, a1
      home→a welcome a1, resumed
      a→home claim write 0..end @1
      a→home claimed all, newest @1
    > a→home, a→home
      home→a reclaimed, 1 page @2
      home→a resize to 1 page @2
    > home→a
      a→home recovered
    > settle
      home→a resize to 1 page @2
      a→home resized @2
      home→b truncated
      a→home resized @2
    `,
  );
});
