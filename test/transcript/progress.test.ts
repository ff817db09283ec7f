import { test } from "node:test";
import { story } from "./story.js";

test("R10: first come, first served: readers that come later do not pass a writer", () => {
  story(
    { pages: 1, nodes: 3 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > b writes 0, b→home
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
    > c reads 0, c→home
      c→home acquire read 0..1, data to 1
    # a asks again behind both.
    > home→a
      a→home release 0..65537 to none @1
    > a→home
      home→b grant write 0..65537 @2, page 0..1 = 0 0
      home→b revoke 0..1 to read @2
    > a reads 0, a→home
      a→home acquire read 0..1, data to 1
    > settle
      b has stored 1 to word 0
      b→home write 0 = 1 0
      b→home release 0..65537 to read @2
      home→c grant read 0..end @3, page 0..1 = 1 0
      home→a grant read 0..end @4, page 0..1 = 1 0
      a has loaded 1 from word 0
      c has loaded 1 from word 0
    `,
  );
});

test("R10: whoever does not conflict passes", () => {
  story(
    { pages: 4, nodes: 3 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a holds write 0..1
      a has its hold
    > b writes 0, b→home, home→a
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
    > c reads 3, c→home
      c→home acquire read 3..4, data to 4
      home→a revoke 3..4 to read @1
    > settle
      a→home release 3..65540 to read @1
      home→c grant read 3..65540 @2, page 3..4 = 0 0
      c has loaded 0 from word 6
    > a lets go
      a→home write 0 = 1 0
      a→home release 0..3 to none @1
    > settle
      home→b grant write 0..3 @3, page 0..1 = 1 0
      b has stored 2 to word 0
    `,
  );
});

test("R10: a grant is kept until the thread that waited has run", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b writes 0, b→home, home→a, a→home, a→home, home→b
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
      a→home write 0 = 1 0
      a→home release 0..65537 to none @1
      home→b grant write 0..65537 @2, page 0..1 = 1 0
    > a reads 0, a→home, home→b
      a→home acquire read 0..1, data to 1
      home→b revoke 0..1 to read @2
    # b has not run: nothing is given.
    > wait 100
    > b runs
      b has stored 2 to word 0
    > wait 10000
      b→home write 0 = 2 0
      b→home release 0..65537 to read @2
    `,
  );
});

test("R10: and not for ever: a thread that does not run loses its turn", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b writes 0, b→home, home→a, a→home, a→home, home→b
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
      a→home write 0 = 1 0
      a→home release 0..65537 to none @1
      home→b grant write 0..65537 @2, page 0..1 = 1 0
    > a reads 0, a→home, home→b
      a→home acquire read 0..1, data to 1
      home→b revoke 0..1 to read @2
    > wait 9000
    > wait 1001
      b→home write 0 = 1 0
      b→home release 0..65537 to read @2
    `,
  );
});

test("R10: two nodes that write one page take turns", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, b writes 0
      a→home acquire write 0..1, data to 1
      b→home acquire write 0..1, data to 1
    > settle
      home→a grant write 0..end @1, page 0..1 = 0 0
      home→a revoke 0..1 to none @1
      a has stored 1 to word 0
      a→home write 0 = 1 0
      a→home release 0..65537 to none @1
      home→b grant write 0..65537 @2, page 0..1 = 1 0
      b has stored 2 to word 0
    > a writes 0, b writes 0
      a→home acquire write 0..1, data to 1
      b has stored 4 to word 0
    > settle
      home→b revoke 0..1 to none @2
      b→home write 0 = 4 0
      b→home release 0..65537 to none @2
      home→a grant write 0..end @3, page 0..1 = 4 0
      a has stored 3 to word 0
    `,
  );
});

test("A hold keeps others out until it ends", () => {
  story(
    { pages: 2 },
    `
    > a holds write 0..2
      a→home acquire write 0..2, data to 2
    > settle
      home→a grant write 0..end @1, page 0..2 = 0 0 0 0
      a has its hold
    > b reads 0, b→home, home→a
      b→home acquire read 0..1, data to 1
      home→a revoke 0..1 to read @1
    > wait 1000000
    > a writes 0, a runs
      a has stored 1 to word 0
    > a lets go
      a→home write 0 = 1 0
      a→home release 0..1 to read @1
    > settle
      home→b grant read 0..1 @2, page 0..1 = 1 0
      b has loaded 1 from word 0
    `,
  );
});

test("R10: a hold that comes after a revoke waits its turn", () => {
  story(
    { pages: 2 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a holds write 0..1
      a has its hold
    > b writes 0, b→home, home→a
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
    # Inside the hold, another costs b nothing.
    > a1 holds read 0..1
      a has its hold
    > a lets go
    # But it does not hand the page on to the next.
    > a holds read 0..1
    > a1 lets go
      a→home write 0 = 1 0
      a→home release 0..65537 to none @1
      a→home acquire read 0..1, data to 1
    > settle
      home→b grant write 0..65537 @2, page 0..1 = 1 0
      home→b revoke 0..1 to read @2
      b has stored 2 to word 0
      b→home write 0 = 2 0
      b→home release 0..65537 to read @2
      home→a grant read 0..end @3, page 0..1 = 2 0
      a has its hold
    `,
  );
});

test("No room for the write-back: the revoke waits, nothing becomes writable meanwhile", () => {
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
    > a's connection is full
    > b writes 0, b→home, home→a
      b→home acquire write 0..1, data to 1
      home→a revoke 0..1 to none @1
    > a writes 0, a runs
    > a1 holds write 0..1
    > a has room
      a→home write 0 = 1 0
      a→home release 0..1 to none @1
      a→home acquire write 0..1, data to 1
    > settle
      home→b grant write 0..1 @2, page 0..1 = 1 0
      home→b revoke 0..1 to none @2
      b has stored 3 to word 0
      b→home write 0 = 3 0
      b→home release 0..1 to none @2
      home→a grant write 0..end @3, page 0..1 = 3 0
      a has its hold
      a has stored 4 to word 0
    > a1 lets go
    > settle
    `,
  );
});

test("R10: a hold is not given what is being written back, though it came first", () => {
  story(
    { pages: 2 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b writes 1, settle
      b→home acquire write 1..2, data to 2
      home→a revoke 1..2 to none @1
      a→home release 1..65538 to none @1
      home→b grant write 1..65538 @2, page 1..2 = 0 0
      b has stored 2 to word 2
    # a asks for page 1, b for page 0, and a for both on hold.
    > a1 writes 1
      a→home acquire write 1..2, data to 2
    > b writes 0
      b→home acquire write 0..1, data to 1
    > a holds write 0..2
      a→home acquire write 0..2, data to 2
    > a→home, b→home, a→home
      home→b revoke 1..2 to none @2
      home→a revoke 0..1 to none @2
    > home→b, b→home, b→home
      b→home write 1 = 2 0
      b→home release 1..65538 to none @2
      home→a grant write 1..end @3, page 1..2 = 2 0
    > a's connection is full
    # a holds page 0, which b was promised, and page 1: its hold waits all the same.
    > home→a, home→a
    > a runs
      a has stored 3 to word 2
    > a has room
      a→home write 0 = 1 0
      a→home release 0..1 to none @3
    > settle
      home→b grant write 0..1 @4, page 0..1 = 1 0
      home→b revoke 0..2 to none @4
      b has stored 4 to word 0
      b→home write 0 = 4 0
      b→home release 0..2 to none @4
      home→a grant write 0..end @5, page 0..2 = 4 0 2 0
      a drops page 0
      a→home fetch 0..1 @5
      home→a data @5, page 0..1 = 4 0
      a has its hold
    > a lets go
    `,
  );
});

test("R10: who loads inside a hold does not wait for another thread's store", () => {
  story(
    { pages: 2 },
    `
    > a holds read 0..2, settle
      a→home acquire read 0..2, data to 2
      home→a grant read 0..end @1, page 0..2 = 0 0 0 0
      a has its hold
    > b truncates to 1, settle
      b→home truncate to 1 page
      the file has 1 page
      home→a resize to 1 page @2
      home→b resize to 1 page @2
      a→home resized @2
      b→home resized @2
      home→b truncated
    > b truncates to 2, settle
      b→home truncate to 2 pages
      the file has 2 pages
      home→a resize to 2 pages @3
      home→b resize to 2 pages @3
      a→home resized @3
      b→home resized @3
      home→b truncated
    # Page 1 is gone from a's cache; b wants to store to it, and so does a thread of a's without the hold.
    > b writes 1, b→home, home→a
      b→home acquire write 1..2, data to 2
      home→a revoke 1..2 to none @3
    > a1 writes 1
      a→home acquire write 1..2, data to 2
      a→home fetch 1..2 @3
    > a reads 1
    > a→home, a→home, a gets data, home→a
      home→a data @3, page 1..2 = 0 0
    > a runs
      a has loaded 0 from word 2
    > a lets go
      a→home release 1..65538 to none @3
    > settle
      home→b grant write 1..65538 @4, page 1..2 = 0 0
      home→b revoke 1..2 to none @4
      b has stored 1 to word 2
      b→home write 1 = 1 0
      b→home release 1..65538 to none @4
      home→a grant write 0..end @5, page 1..2 = 1 0
      a has stored 2 to word 2
    `,
  );
});

test("R10: a thread that came after a revoke does not put it off", () => {
  story(
    { pages: 2, policy: "simple" },
    `
    > a holds write 0..1, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has its hold
    > b reads 0, b→home, home→a
      b→home acquire write 0..1, data to 1
      home→a revoke 0..end to none @1
    > a1 reads 1
      a→home fetch 1..2 @1
    # Page 1 is on its way; the hold ends, and nothing else counts.
    > a lets go
      a→home release 0..end to none @1
      a→home acquire write 1..2, data to 2
    > settle
      home→a data @1
      home→b grant write 0..end @2, page 0..1 = 0 0
      home→b revoke 0..end to none @2
      b has loaded 0 from word 0
      b→home release 0..end to none @2
      home→a grant write 0..end @3, page 1..2 = 0 0
      a has loaded 0 from word 2
    `,
  );
});
