import { test } from "node:test";
import { story } from "./story.js";

test("R9: a release crosses a grant: the grant stands", () => {
  story(
    { pages: 4 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > a gives back 0..4
      a→home release 0..4 to none @1
    > a reads 1
      a→home acquire read 1..4, data to 4
    > a→home
    > a→home
      home→a grant read 0..end @2, page 1..4 = 0 0 0 0 0 0
    > home→a
    > a runs
      a has loaded 0 from word 2
    `,
  );
});

test("R9: a grant on its way is newer than the release that crosses it", () => {
  story(
    { pages: 4 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b writes 2, settle
      b→home acquire write 2..3, data to 3
      home→a revoke 2..3 to none @1
      a→home release 2..65539 to none @1
      home→b grant write 2..65539 @2, page 2..3 = 0 0
      b has stored 2 to word 4
    # a asks for what b has, and gives everything back before the answer has come.
    > a reads 3, a→home
      a→home acquire read 3..4, data to 4
      home→b revoke 3..4 to read @2
    > home→b, b→home
      b→home release 3..65539 to read @2
      home→a grant read 3..end @3, page 3..4 = 0 0
    > a1 gives back 0..4
      a→home write 0 = 1 0
      a→home release 0..4 to none @1
    # The home believes that a holds what the grant says, and so does a, once it has the grant.
    > a→home, a→home
    > home→a
    > a runs
      a has loaded 0 from word 6
    > settle
    `,
  );
});

test("R9: late data is dropped: the token went and came back while it was under way", () => {
  story(
    { pages: 2 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > b writes 1, b→home
      b→home acquire write 1..2, data to 2
      home→a revoke 1..2 to none @1
    # The revoke is on its way to a, who reads ahead.
    > a prefetches read 1..2
      a→home fetch 1..2 @1
    > a→home
    > a gets data
      home→a data @1, page 1..2 = 0 0
    > home→a
      a→home release 1..65538 to none @1
      a→home acquire read 1..2, data to 2
    > a→home
      home→b grant write 1..65538 @2, page 1..2 = 0 0
    > home→b, b runs
      b has stored 1 to word 2
    # a asks again, behind b's store. The old page arrives first, and is of no use.
    > home→a
      a drops page 1
    > settle
      home→b revoke 1..2 to read @2
      b→home write 1 = 1 0
      b→home release 1..65538 to read @2
      home→a grant read 0..end @3, page 1..2 = 1 0
    > a reads 1
      a has loaded 1 from word 2
    `,
  );
});

test("R9: an answer that was read before the write-back of the page arrived is not installed", () => {
  story(
    { pages: 4 },
    `
    > a writes 1, settle
      a→home acquire write 1..2, data to 2
      home→a grant write 0..end @1, page 1..2 = 0 0
      a has stored 1 to word 2
    > b writes 0, settle
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
      a→home release 0..1 to none @1
      home→b grant write 0..1 @2, page 0..1 = 0 0
      b has stored 2 to word 0
    > b writes 2, settle
      b→home acquire write 2..3, data to 3
      home→a revoke 2..3 to none @2
      a→home release 2..65539 to none @2
      home→b grant write 2..65539 @3, page 2..3 = 0 0
      b has stored 3 to word 4
    # a has page 1, stored to; it asks for the pages around it, and drops its own while the answer is being made.
    > a prefetches read 0..3
      a→home acquire read 0..3, data to 3
    > a→home
      home→b revoke 0..3 to read @3
    > home→b, b→home, b→home
      b→home write 0 = 2 0
      b→home write 2 = 3 0
      b→home release 0..65539 to read @3
    > home→b, b→home, b→home
      home→a grant read 0..end @4, page 0..3 = 2 0 0 0 3 0
    > a1 evicts 1..2
      a→home write 1 = 1 0
    > home→a
      a drops page 1
      a→home fetch 1..2 @4
    > settle
      home→a data @4, page 1..2 = 1 0
    > a1 reads 1
      a has loaded 1 from word 2
    `,
  );
});

test("R9: a page stored to, written back and evicted is not taken from an older answer", () => {
  story(
    { pages: 4 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a prefetches read 3..4
      a→home fetch 3..4 @1
    > a1 prefetches read 1..4
      a→home fetch 1..4 @1
    > a→home, a→home
    # The later question covers page 3 too, and is answered first.
    > a gets data, a gets data
      home→a data @1, page 1..4 = 0 0 0 0 0 0
      home→a data @1, page 3..4 = 0 0
    > home→a
    > a writes 3, a runs
      a has stored 2 to word 6
    > a1 evicts 3..4
      a→home write 3 = 2 0
    > home→a
      a drops page 3
    > a reads 3
      a→home fetch 3..4 @1
    > settle
      home→a data @1, page 3..4 = 2 0
      a has loaded 2 from word 6
    `,
  );
});

test("A revoke is asked once, however many wait for its answer", () => {
  story(
    { pages: 1, nodes: 3 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, c reads 0
      b→home acquire read 0..1, data to 1
      c→home acquire read 0..1, data to 1
    > b→home, c→home
      home→a revoke 0..1 to read @1
    > settle
      a→home write 0 = 1 0
      a→home release 0..65537 to read @1
      home→b grant read 0..65537 @2, page 0..1 = 1 0
      home→c grant read 0..65537 @3, page 0..1 = 1 0
      b has loaded 1 from word 0
      c has loaded 1 from word 0
    `,
  );
});

test("A revoke whose asker is gone is answered all the same, and asked again for the next", () => {
  story(
    { pages: 1, nodes: 3 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > b writes 0
      b→home acquire write 0..1, data to 1
    > b→home
      home→a revoke 0..1 to none @1
    > b crashes
    > a writes 0
      a→home acquire write 0..1, no data
    > a→home
      home→a grant write 0..end @2
    # The grant crosses the answer to the revoke.
    > home→a
      a→home release 0..65537 to none @1
    > a→home
    > c writes 0
      c→home acquire write 0..1, data to 1
    > c→home
      home→a revoke 0..1 to none @2
    > home→a
      a→home fetch 0..1 @2
    > a runs
    > settle
      home→a data @2, page 0..1 = 0 0
      a has stored 2 to word 0
      a→home write 0 = 2 0
      a→home release 0..65537 to none @2
      home→c grant write 0..65537 @3, page 0..1 = 2 0
      c has stored 3 to word 0
    `,
  );
});

test("What was asked for a reader that is gone is not enough for a writer", () => {
  story(
    { pages: 1, nodes: 3 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0, b→home
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
    > b crashes
    > c writes 0, c→home
      c→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
    > settle
      a→home write 0 = 1 0
      a→home release 0..65537 to read @1
      a→home release 0..65537 to none @1
      home→c grant write 0..65537 @2, page 0..1 = 1 0
      c has stored 2 to word 0
    `,
  );
});
