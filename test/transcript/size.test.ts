import { test } from "node:test";
import { story } from "./story.js";

test("R5, R6: a shrink is in force everywhere before it is answered, and nobody is granted what it changes meanwhile", () => {
  story(
    { pages: 4 },
    `
    > a reads 3, settle
      a→home acquire read 3..4, data to 4
      home→a grant read 0..end @1, page 3..4 = 0 0
      a has loaded 0 from word 6
    > b truncates to 2
      b→home truncate to 2 pages
    > b→home
      the file has 2 pages
      home→a resize to 2 pages @2
      home→b resize to 2 pages @2
    # a writes inside what remains: that goes on.
    > a writes 1
      a→home acquire write 1..2, data to 2
    > a→home
      home→a grant write 0..2 @3, page 1..2 = 0 0
    > home→a
      a→home resized @2
    > b→home
    > home→b
      b→home resized @2
    > home→b
    > b→home
    > settle
      home→b truncated
      a has stored 1 to word 2
    `,
  );
});

test("R5: shrink and grow while a thread waits: it sees zeros", () => {
  story(
    { pages: 4 },
    `
    > a writes 3, settle
      a→home acquire write 3..4, data to 4
      home→a grant write 0..end @1, page 3..4 = 0 0
      a has stored 1 to word 6
    > b reads 3, b→home
      b→home acquire read 3..4, data to 4
      home→a revoke 3..4 to read @1
    > a truncates to 2, a→home
      a→home truncate to 2 pages
      the file has 2 pages
      home→a resize to 2 pages @2
      home→b resize to 2 pages @2
    > a1 truncates to 4, a→home
      a→home truncate to 4 pages
    > settle
      a→home write 3 = 1 0
      a→home release 3..65540 to read @1
      b→home resized @2
      a→home resized @2
      home→a truncated
      the file has 4 pages
      home→a resize to 4 pages @3
      home→b resize to 4 pages @3
      b→home resized @3
      a→home resized @3
      home→a truncated
      home→b grant read 3..65540 @4, page 3..4 = 0 0
    > b reads 3
      b has loaded 0 from word 6
    > settle
    `,
  );
});

test("who makes a file longer is answered when the others have heard; nobody is granted what is new before it has heard itself", () => {
  story(
    { pages: 2 },
    `
    > b truncates to 4, b→home
      b→home truncate to 4 pages
      the file has 4 pages
      home→a resize to 4 pages @1
      home→b resize to 4 pages @1
    > home→a
      a→home resized @1
    > a→home
      home→b truncated
    > a reads 3, a→home
      a→home acquire read 3..4, data to 4
    > settle
      b→home resized @1
      home→a grant read 0..end @2, page 3..4 = 0 0
      a has loaded 0 from word 6
    `,
  );
});

test("R7: the tail of the last page is zero when the file grows again", () => {
  story(
    { pages: 2 },
    `
    > a writes 1, settle
      a→home acquire write 1..2, data to 2
      home→a grant write 0..end @1, page 1..2 = 0 0
      a has stored 1 to word 2
    > b truncates to 1.5, settle
      b→home truncate to 1.5 pages
      the file has 1.5 pages
      home→a resize to 1.5 pages @2
      home→b resize to 1.5 pages @2
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
    > b reads 1, settle
      b→home acquire read 1..2, data to 2
      home→a revoke 1..2 to read @3
      a→home write 1 = 1 0
      a→home release 1..65538 to read @3
      home→b grant read 1..65538 @4, page 1..2 = 1 0
      b has loaded 1 from word 2
    `,
  );
});

test("Data that a shrink overtook is not installed", () => {
  story(
    { pages: 4, chunkPages: 1 },
    `
    > a prefetches read 0..4
      a→home acquire read 0..4, data to 4
    > a→home
      home→a grant read 0..end @1, page 0..1 = 0 0, more follows
    > b truncates to 2
      b→home truncate to 2 pages
    > b→home
      the file has 2 pages
      home→a resize to 2 pages @2
      home→b resize to 2 pages @2
    > settle
      home→a data @1, page 1..2 = 0 0, more follows
      b→home resized @2
      a→home resized @2
      home→a data @1, page 2..3 = 0 0, more follows
      home→b truncated
      home→a data @1, page 3..4 = 0 0
      a drops page 2
      a drops page 3
    > a reads 1
      a has loaded 0 from word 2
    `,
  );
});
