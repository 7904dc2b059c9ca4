import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { type Feed, openFeed } from '../../../src/eventstore/feed/feed.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { verifyProjection } from '../../../src/eventstore/verify/verify.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { type CounterRow, count, countersRead, openCounterStore } from '../counter.ts';
import { type AnyChange, began, read, view } from '../feed/reader.ts';

let database: TestDatabase;
let store: Store;
let feed: Feed;
beforeAll(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
  feed = openFeed(store);
});
afterAll(async () => {
  feed.close();
  await database.close();
});

const rows = () => database.db.collection<{ _id: string }>('counters_read');
/** What is on a screen, by id. */
const totals = (items: readonly AnyChange<CounterRow>[]) =>
  Object.fromEntries([...view<CounterRow>(items).values()].map(({ id, total }) => [id, total]));

describe('a subscriber who began with damaged rows', () => {
  it.each(['ordered', 'latest'] as const)('(%s) has the right ones after a repair', async (lane) => {
    const tenantId = newId();
    const [one, two, three, four] = [newId(), newId(), newId(), newId()];
    const counts = [one, two, three].map((id) => count(id, { tenantId, amount: 2 }));
    for (const _ of [1, 2]) await handleMany(store, counts);
    const [first, second, third] = [one, two, three].map((id) => `${tenantId}/${id}`);
    await rows().updateOne({ _id: first ?? '' }, { $set: { total: 70 } });
    await rows().updateOne({ _id: second ?? '' }, { $set: { lastSequence: 90 } });
    await rows().deleteOne({ _id: third ?? '' });
    const extra = { _id: `${tenantId}/${four}`, tenantId, id: four, lastSequence: 1, total: 1 };
    await rows().insertOne(extra);

    const selection = { tenantId, projection: countersRead, filter: {}, matches: () => true };
    const subscription: AsyncIterableIterator<AnyChange<CounterRow>> =
      lane === 'ordered' ? feed.ordered(selection) : feed.latest(selection, { maxPerSecond: 50 });
    const reader = read(subscription);
    await reader.until(() => began(reader.items));
    expect(totals(reader.items)).toEqual({ [one]: 70, [two]: 4, [four]: 1 });

    const report = await verifyProjection(store, countersRead, { tenantId, repair: true });
    expect(report.repaired).toBe(4);
    await handleMany(store, counts.slice(1, 2));
    await reader.until(() => totals(reader.items)[two] === 6);
    expect(totals(reader.items)).toEqual({ [one]: 4, [two]: 6, [three]: 4 });
    await reader.stop();
  });
});
