// Groups are served side by side, but few at a time: each holds a connection to the next hop and up to a megabyte.

// LIMIT: house rule, "a few"; a newsletter to a thousand domains is one message.
export const mostAtATime = 4;

/** What `work` makes of each item, in the order of the items; never more than `mostAtATime` at once. */
export async function fewAtATime<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  if (items.length < 2) return Promise.all(items.map(work));
  const results: Result[] = [];
  const waiting = items.entries();
  const hand = async (): Promise<void> => {
    for (const [at, item] of waiting) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: mostAtATime }, hand));
  return results;
}
