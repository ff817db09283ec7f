import { test } from "node:test";
import { story } from "./story.js";

test("A sequential stream: windows grow, data comes behind its token", () => {
  story(
    { pages: 20, nodes: 1, chunkPages: 8 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > a reads 1
      a→home fetch 1..17 @1
    > a→home
    > a gets data
      home→a data @1, page 1..9 = 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0, more follows
    > home→a
    > a runs
      a has loaded 0 from word 2
    > a reads 5
      a has loaded 0 from word 10
    > settle
      home→a data @1, page 9..17 = 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    `,
  );
});

test("A stream is not taken for several when others look on", () => {
  story(
    { pages: 100, nodes: 1 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > a reads 1
      a→home fetch 1..17 @1
    > a1 gives back 90..91, a1 gives back 91..92, a1 gives back 92..93, a1 gives back 93..94
      a→home release 90..91 to none @1
      a→home release 91..92 to none @1
      a→home release 92..93 to none @1
      a→home release 93..94 to none @1
    > settle
      home→a data @1, page 1..5 = 0 0 0 0 0 0 0 0, more follows
      home→a data @1, page 5..9 = 0 0 0 0 0 0 0 0, more follows
      home→a data @1, page 9..13 = 0 0 0 0 0 0 0 0, more follows
      a has loaded 0 from word 2
      home→a data @1, page 13..17 = 0 0 0 0 0 0 0 0
    > a reads 17
      a→home fetch 17..81 @1
    `,
  );
});

test("A page that the home cannot read is asked for again after a second", () => {
  story(
    { pages: 2 },
    `
    > a reads 0, settle
      a→home acquire read 0..1, data to 1
      home→a grant read 0..end @1, page 0..1 = 0 0
      a has loaded 0 from word 0
    > the disk fails
    > a reads 1, a→home, a gets data
      a→home fetch 1..2 @1
      home→a failure of 2
    > home→a
    > wait 999999
    > the disk works
    > wait 1
      a→home fetch 1..2 @1
    > settle
      home→a data @1, page 1..2 = 0 0
      a has loaded 0 from word 2
    `,
  );
});

test("A prefetch brings token and pages, and does not keep others out", () => {
  story(
    { pages: 6 },
    `
    > a prefetches read 0..6
      a→home acquire read 0..6, data to 6
    > settle
      home→a grant read 0..end @1, page 0..4 = 0 0 0 0 0 0 0 0, more follows
      home→a data @1, page 4..6 = 0 0 0 0
    > b writes 3
      b→home acquire write 3..4, data to 4
    > settle
      home→a revoke 3..4 to none @1
      a→home release 3..4 to none @1
      home→b grant write 3..4 @2, page 3..4 = 0 0
      b has stored 1 to word 6
    `,
  );
});
