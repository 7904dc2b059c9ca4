import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { type Feed, openFeed } from '../../../src/eventstore/feed/feed.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { rowsOf } from '../../../src/eventstore/projection/rows.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { byRest, type CounterRow, count, countersRead, openCounterStore, upTo } from '../counter.ts';
import { type AnyChange, began, read, view } from './reader.ts';

let database: TestDatabase;
let store: Store;
let other: Store;
let feed: Feed;

beforeAll(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
  other = await openCounterStore(database);
  feed = openFeed(store);
});
afterAll(async () => {
  feed.close();
  await database.close();
});

const all = (tenantId: string) => ({
  tenantId,
  projection: countersRead,
  filter: {},
  matches: () => true,
});
const byThree = byRest(3);
/** Rows come and go: a total that 3 divides does not match. */
const notByThree = (tenantId: string) => ({
  ...all(tenantId),
  filter: { total: { $not: { $mod: [3, 0] } } },
  matches: (row: CounterRow) => row.total % 3 !== 0,
  interest: { facet: byThree, values: ['1', '2'] },
});
const sequences = (rows: Iterable<CounterRow>) =>
  Object.fromEntries([...rows].map((row) => [row.id, row.lastSequence]));
const stored = async (tenantId: string, filter = {}) =>
  sequences(await rowsOf(store, tenantId, countersRead).find(filter, { sort: { _id: 1 }, limit: 10_000 }));

describe('G-03 a subscription while others write', () => {
  it.each([
    ['ordered', all],
    ['ordered', notByThree],
    ['latest', all],
    ['latest', notByThree],
  ] as const)('(%s) shows at rest exactly what the read model has', async (lane, select) => {
    const tenantId = newId();
    const ids = upTo(8).map(() => newId());
    const write = async (from: Store, rounds: number) => {
      for (const _ of upTo(rounds)) {
        await handleMany(
          from,
          ids.map((id) => count(id, { tenantId })),
        );
      }
    };
    const selection = select(tenantId);
    const subscribe = (): AsyncIterableIterator<AnyChange<CounterRow>> =>
      lane === 'ordered' ? feed.ordered(selection) : feed.latest(selection, { maxPerSecond: 50 });
    const writing = Promise.all([write(store, 15), write(other, 15)]);
    const readers = [];
    for (const _ of upTo(6)) {
      readers.push(read(subscribe()));
      await handle(store, count(newId(), { tenantId }));
    }
    await writing;
    const truth = await stored(tenantId, selection.filter);
    for (const reader of readers) {
      await reader.until(
        () => began(reader.items) && same(sequences(view<CounterRow>(reader.items).values()), truth),
      );
      await reader.stop();
    }
  });

  it('shows every step of every row after the snapshot, in order (ordered lane)', async () => {
    const tenantId = newId();
    const id = newId();
    await handle(store, count(id, { tenantId }));
    const reader = read(feed.ordered(all(tenantId)));
    await Promise.all([
      handleMany(
        store,
        upTo(40).map(() => count(id, { tenantId })),
      ),
      handleMany(
        other,
        upTo(40).map(() => count(id, { tenantId })),
      ),
    ]);
    await reader.until(() => view<CounterRow>(reader.items).get(id)?.lastSequence === 81);
    const seen = reader.items.flatMap((item) =>
      item.kind === 'snapshot' ? item.rows : item.kind === 'updated' ? [item.row] : [],
    );
    const [first = 0] = seen.map((row) => row.lastSequence);
    expect(seen.map((row) => row.lastSequence)).toEqual(upTo(81).filter((n) => n >= first));
    await reader.stop();
  });
});

describe('a subscription right after an acknowledged write', () => {
  it('has it in its snapshot', async () => {
    const tenantId = newId();
    for (const n of upTo(50)) {
      const id = newId();
      await handle(n % 2 === 0 ? store : other, count(id, { tenantId }));
      const iterator = feed.ordered({ ...all(tenantId), filter: { id }, matches: (row) => row.id === id });
      const first = await iterator.next();
      expect(first.value).toMatchObject({ kind: 'snapshot', complete: true, rows: [{ id, total: 1 }] });
      await iterator.return?.();
    }
  });
});

describe('a snapshot', () => {
  it('comes in chunks, the last of them complete', async () => {
    const tenantId = newId();
    const small = openFeed(store, { limits: { snapshotRows: 10 } });
    await handleMany(
      store,
      upTo(25).map(() => count(newId(), { tenantId })),
    );
    const reader = read(small.ordered(all(tenantId)));
    await reader.until(() => began(reader.items));
    const chunks = reader.items.map((item) => item.kind === 'snapshot' && [item.rows.length, item.complete]);
    expect(chunks).toEqual([
      [10, false],
      [10, false],
      [5, true],
    ]);
    small.close();
    expect(await reader.ended).toBeUndefined();
  });

  it('of nothing is one empty, complete item', async () => {
    const iterator = feed.latest(all(newId()), {});
    expect((await iterator.next()).value).toMatchObject({ kind: 'snapshot', rows: [], complete: true });
    await iterator.return?.();
  });

  it('of another tenant has nothing, whatever the filter says', async () => {
    const tenantId = newId();
    await handle(store, count(newId(), { tenantId }));
    const filter = { $or: [{ tenantId }, { total: 1 }] };
    const iterator = feed.ordered({ ...all(newId()), filter });
    expect((await iterator.next()).value).toMatchObject({ rows: [], complete: true });
    const pending = iterator.next();
    await handle(store, count(newId(), { tenantId }));
    await iterator.return?.();
    expect(await pending).toEqual({ done: true, value: undefined });
  });
});

describe('a client that goes away while it waits', () => {
  it('is let go of at once', async () => {
    const iterator = feed.ordered(all(newId()));
    await iterator.next();
    const pending = iterator.next();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('is let go of before it got anything', async () => {
    const iterator = feed.ordered(all(newId()));
    const pending = iterator.next();
    await iterator.return?.();
    expect(await pending).toEqual({ done: true, value: undefined });
  });
});

describe('the log lane', () => {
  it('begins with a heartbeat and tells every event after it, in order', async () => {
    const tenantId = newId();
    const id = newId();
    const reader = read(feed.log({ tenantId, matches: (event) => event.type === 'Counted' }));
    await reader.until(() => reader.items[0]?.kind === 'heartbeat');
    await Promise.all([
      handleMany(
        store,
        upTo(30).map(() => count(id, { tenantId })),
      ),
      handleMany(
        other,
        upTo(30).map(() => count(id, { tenantId })),
      ),
      handle(store, count(newId())),
    ]);
    await reader.until(() => reader.items.length === 61);
    const told = reader.items.flatMap((item) => (item.kind === 'appended' ? [item.event.sequence] : []));
    expect(told).toEqual(upTo(60));
    await reader.stop();
  });
});

function same(a: Record<string, number>, b: Record<string, number>): boolean {
  const ids = Object.keys(a);
  return ids.length === Object.keys(b).length && ids.every((id) => a[id] === b[id]);
}
