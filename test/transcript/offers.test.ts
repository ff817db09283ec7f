import { test } from "node:test";
import { story } from "./story.js";

test("What a lock protects comes with the lock, if it is free by then: nobody asks for it", () => {
  story(
    { pages: 2 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    # An unlock: the page, its token, and then the lock, all on one connection.
    > a gives back 0..1
      a→home write 0 = 1 0
      a→home release 0..1 to none @1
    > a→home, a→home, b is offered write 0..1
      home→b grant write 0..1 @2, page 0..1 = 1 0
    > home→b, b writes 0
    > b runs
      b has stored 2 to word 0
    `,
  );
});

test("An offer stands back: nobody is asked to give way for it, and nobody in line is passed", () => {
  story(
    { pages: 2, nodes: 3 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > b is offered write 0..1
    > c reads 0
      c→home acquire read 0..1, data to 1
    > c→home
      home→a revoke 0..1 to read @1
    > a is offered read 0..1, b is offered read 0..1
    `,
  );
});

test("R10: An offer to read does not pass a writer in line, though it would not conflict with who reads", () => {
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
    > c is offered read 0..1
    `,
  );
});

test("R9: What its node holds in part is not offered: a page that is read for it now may be older than a store on its way", () => {
  story(
    { pages: 2 },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a gives back 1..2
      a→home release 1..2 to none @1
    > a→home, a is offered write 0..2
    # Else it would come behind this, with page 0 as it was.
    > a gives back 0..1
      a→home write 0 = 1 0
      a→home release 0..1 to none @1
    `,
  );
});

test("R9: what is offered to a node that reads the page goes without data: it may have a newer copy by the time it comes", () => {
  story(
    { pages: 1 },
    `
    > b reads 0, settle
      b→home acquire read 0..1, data to 1
      home→b grant read 0..end @1, page 0..1 = 0 0
      b has loaded 0 from word 0
    > b is offered write 0..1
      home→b grant write 0..1 @2
    > b writes 0
      b→home acquire write 0..1, no data
    > home→b, b runs
      b has stored 1 to word 0
    `,
  );
});

test("What was offered with the opening of a file is nobody's when the node has not heard that it has it open", () => {
  story(
    { pages: 1 },
    `
    > b closes, settle
      b→home close
      b→home release 0..end to none @0
      home→b closed
    > b opens, b→home, b is offered write 0..1
      b→home open
      home→b opened, 1 page
      home→b grant write 0..1 @1, page 0..1 = 0 0
    # Both are lost.
    > b is cut off
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→b revoke 0..1 to none @1
    > b is back, settle
      b→home hello again, b2
      home→b welcome b2, resumed
      b→home recovered
      b→home open
      home→a grant write 0..end @2, page 0..1 = 0 0
      home→b opened, 1 page
      a has stored 1 to word 0
    `,
  );
});
