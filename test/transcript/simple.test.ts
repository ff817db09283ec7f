import { test } from "node:test";
import { story } from "./story.js";

test("simple: whoever touches a file has all of it, for stores too", () => {
  story(
    { pages: 4, policy: "simple" },
    `
    > a reads 0
      a→home acquire write 0..1, data to 1
    > a→home
      home→a grant write 0..end @1, page 0..1 = 0 0
    > home→a
    > a runs
      a has loaded 0 from word 0
    > a writes 0, a runs
      a has stored 1 to word 0
    `,
  );
});

test("simple: the file goes from node to node, whole", () => {
  story(
    { pages: 4, policy: "simple" },
    `
    > a writes 0, settle
      a→home acquire write 0..1, data to 1
      home→a grant write 0..end @1, page 0..1 = 0 0
      a has stored 1 to word 0
    > a writes 3, settle
      a→home fetch 3..4 @1
      home→a data @1, page 3..4 = 0 0
      a has stored 2 to word 6
    > b reads 3
      b→home acquire write 3..4, data to 4
    > b→home
      home→a revoke 0..end to none @1
    > home→a
      a→home write 0 = 1 0
      a→home write 3 = 2 0
      a→home release 0..end to none @1
    > a→home, a→home, a→home
      home→b grant write 0..end @2, page 3..4 = 2 0
    > home→b
    > b runs
      b has loaded 2 from word 6
    > settle
    `,
  );
});

test("simple: two readers take turns", () => {
  story(
    { pages: 2, policy: "simple" },
    `
    > a reads 0, b reads 1
      a→home acquire write 0..1, data to 1
      b→home acquire write 1..2, data to 2
    > settle
      home→a grant write 0..end @1, page 0..1 = 0 0
      home→a revoke 0..end to none @1
      a has loaded 0 from word 0
      a→home release 0..end to none @1
      home→b grant write 0..end @2, page 1..2 = 0 0
      b has loaded 0 from word 2
    `,
  );
});
