/** Starts something for each item; calls `then` once all of them have called their `done`, which may be at once. */
export function whenAll<Item>(items: Iterable<Item>, start: (item: Item, done: () => void) => void, then: () => void) {
  let waiting = 1;
  const done = () => {
    waiting--;
    if (waiting === 0) then();
  };
  for (const item of items) {
    waiting++;
    start(item, done);
  }
  done();
}
