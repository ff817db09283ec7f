import { test } from "node:test";
import { story } from "./story.js";

test("A lone reader is granted the whole file, and asks no more", () => {
  story(
    { pages: 4 },
    `
    > a reads 0
      a→home acquire read 0..1, data to 1
    > a→home
      home→a grant read 0..end @1, page 0..1 = 0 0
    > home→a
    > a runs
      a has loaded 0 from word 0
    # Another page: the token is here, only the data is fetched.
    > a reads 2
      a→home fetch 2..3 @1
    > a→home
    > a gets data
      home→a data @1, page 2..3 = 0 0
    > home→a
    > a runs
      a has loaded 0 from word 4
    `,
  );
});

test("R12: a first touch that is a store asks for the write token at once", () => {
  story(
    { pages: 4 },
    `
    > a writes 0
      a→home acquire write 0..1, data to 1
    > settle
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    `,
  );
});

test("R1, R2, R3: a writer gives way to a reader: written back, protected, kept", () => {
  story(
    { pages: 1 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b reads 0
      b→home acquire read 0..1, data to 1
    > b→home
      home→a revoke 0..1 to read @1
    > home→a
      a→home write 0 = 1 0
      a→home release 0..65537 to read @1
    > a→home, a→home
      home→b grant read 0..65537 @2, page 0..1 = 1 0
    > home→b
    > b runs
      b has loaded 1 from word 0
    # a reads on, undisturbed.
    > a reads 0
      a has loaded 1 from word 0
    `,
  );
});

test("An upgrade carries no data when the copy is current", () => {
  story(
    { pages: 2 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > a writes 0
      a→home acquire write 0..1, no data
    > a→home
      home→a grant write 0..end @2
    > home→a
    > a runs
      a has stored 1 to word 0
    `,
  );
});

test("R1: two readers, then one writes: the store completes when the other has answered", () => {
  story(
    { pages: 1 },
    `
    > a reads 0, b reads 0, settle
      a→home acquire read 0..1, data to 1
      b→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      home→b grant read 0..end @2, page 0..1 = 0 0
      a has loaded 0 from word 0
      b has loaded 0 from word 0
    > a writes 0
      a→home acquire write 0..1, no data
    > a→home
      home→b revoke 0..1 to none @2
    > home→b
      b→home release 0..65537 to none @2
    > b→home
      home→a grant write 0..65537 @3
    > home→a
    > a runs
      a has stored 1 to word 0
    `,
  );
});

test("R1: two readers upgrade at once: one is first, the other starts again from none", () => {
  story(
    { pages: 1 },
    `
    > a reads 0, b reads 0, settle
      a→home acquire read 0..1, data to 1
      b→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      home→b grant read 0..end @2, page 0..1 = 0 0
      a has loaded 0 from word 0
      b has loaded 0 from word 0
    > a writes 0, b writes 0
      a→home acquire write 0..1, no data
      b→home acquire write 0..1, no data
    > a→home, b→home
      home→b revoke 0..1 to none @2
    > home→b
      b→home release 0..65537 to none @2
    > b→home
      home→a grant write 0..65537 @3
      home→a revoke 0..1 to none @3
    > home→a
    # The revoke for b is behind the grant; it waits until a has stored.
    > home→a
    > a runs, wait 10000
      a has stored 1 to word 0
      a→home write 0 = 1 0
      a→home release 0..65537 to none @3
    > settle
      home→b grant write 0..65537 @4, page 0..1 = 1 0
      b has stored 2 to word 0
    `,
  );
});

test("A writer that walks through another's range is given more than it asks: surplus", () => {
  story(
    { pages: 4 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b writes 1
      b→home acquire write 1..2, data to 2
    > b→home
      home→a revoke 1..2 to none @1
    > home→a
      a→home release 1..65538 to none @1
    > a→home
      home→b grant write 1..65538 @2, page 1..2 = 0 0
    > home→b
    > b runs
      b has stored 2 to word 2
    # The next page is b's already.
    > b writes 2
      b→home fetch 2..4 @2
    > settle
      home→b data @2, page 2..4 = 0 0 0 0
      b has stored 3 to word 4
    `,
  );
});

test("What a node has touched is no surplus", () => {
  story(
    { pages: 4 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a writes 2, settle
      a→home fetch 2..3 @1
      home→a data @1, page 2..3 = 0 0
      a has stored 2 to word 4
    > b writes 1
      b→home acquire write 1..2, data to 2
    > b→home, home→a
      home→a revoke 1..2 to none @1
      a→home release 1..2 to none @1
    > settle
      home→b grant write 1..2 @2, page 1..2 = 0 0
      b has stored 3 to word 2
    `,
  );
});

test("What a node waits for is no surplus", () => {
  story(
    { pages: 8 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > a writes 5
      a→home acquire write 5..6, data to 6
    > b writes 4, b→home, home→a
      b→home acquire write 4..5, data to 5
      home→a revoke 4..5 to none @1
      a→home release 4..5 to none @1
    `,
  );
});

test("What is on its way to a node is no surplus", () => {
  story(
    { pages: 20, chunkPages: 8 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > a reads 1, a→home, a gets data, home→a, a runs
      a→home fetch 1..17 @1
      home→a data @1, page 1..9 = 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0, more follows
      a has loaded 0 from word 2
    > b writes 8, b→home
      b→home acquire write 8..9, data to 9
      home→a revoke 8..9 to none @1
    > home→a
      a→home release 8..9 to none @1
    `,
  );
});

test("Growth stops short of what others stand in line for", () => {
  story(
    { pages: 8, nodes: 3 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a holds write 0..2, settle
      a→home fetch 1..2 @1
      home→a data @1, page 1..2 = 0 0
      a has its hold
    # b waits for the hold; c, who would take the rest of the file, is granted what nobody waits for.
    > b writes 1, b→home
      b→home acquire write 1..2, data to 2
      home→a revoke 1..2 to none @1
    > c writes 5, c→home
      c→home acquire write 5..6, data to 6
      home→a revoke 5..6 to none @1
    > home→a, home→a
      a→home release 5..65542 to none @1
    > a→home
      home→c grant write 5..65542 @2, page 5..6 = 0 0
    > home→c, c runs
      c has stored 3 to word 10
    > a lets go
      a→home release 1..5 to none @1
    > settle
      home→b grant write 1..5 @3, page 1..2 = 0 0
      b has stored 2 to word 2
    `,
  );
});

test("A thread that would store joins others that would load", () => {
  story(
    { pages: 1 },
    `
    > a reads 0
      a→home acquire read 0..1, data to 1
    > a1 writes 0
      a→home acquire write 0..1, data to 1
    > settle
      home→a grant read 0..end @1, page 0..1 = 0 0
      home→a grant write 0..end @2, page 0..1 = 0 0
      a drops page 0
      a has loaded 0 from word 0
      a has stored 1 to word 0
    `,
  );
});

test("A reader's grant does not grow over what a writer stands in line for", () => {
  story(
    { pages: 8, nodes: 3 },
    `
    > a reads 1, settle
      a→home acquire read 1..2, data to 2
      home→a grant read 0..end @1, page 1..2 = 0 0
      a has loaded 0 from word 2
    > a gives back 0..1, a gives back 2..8
      a→home release 0..1 to none @1
      a→home release 2..8 to none @1
    > settle
    > a holds read 1..2
      a has its hold
    > b writes 1, b→home
      b→home acquire write 1..2, data to 2
      home→a revoke 1..2 to none @1
    > c reads 5, c→home
      c→home acquire read 5..6, data to 6
      home→c grant read 2..end @2, page 5..6 = 0 0
    `,
  );
});
