import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { InvalidCursorError } from '../../../src/eventstore/feed/cursor.ts';
import { type Feed, type FeedOptions, openFeed } from '../../../src/eventstore/feed/feed.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { bareCounter, type CounterRow, count, countersRead, openCounterStore, upTo } from '../counter.ts';
import { type AnyChange, began, read, view } from './reader.ts';

let database: TestDatabase;
let store: Store;
const feeds: Feed[] = [];
/** Where those who came back found what they had missed. */
const found: string[] = [];

beforeAll(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
  await handle(store, count(newId()));
});
afterAll(async () => {
  for (const feed of feeds) feed.close();
  await database.close();
});

/** A feed as one process has it. */
const open = (limits: FeedOptions['limits'] = {}): Feed => {
  const observer = {
    subscribed() {},
    overflowed() {},
    gap() {},
    reopened() {},
    resumed: (_lane: string, from: string) => void found.push(from),
  };
  const feed = openFeed(store, { limits, observer });
  feeds.push(feed);
  return feed;
};
const all = (tenantId: string, after?: string) => ({
  tenantId,
  projection: countersRead,
  filter: {},
  matches: () => true,
  after,
});
/** Odd totals only: rows come and go. */
const odd = (tenantId: string, after?: string) => ({
  ...all(tenantId, after),
  filter: { total: { $mod: [2, 1] } },
  matches: (row: CounterRow) => row.total % 2 === 1,
});
const everything = (tenantId: string, after?: string) => ({ tenantId, matches: () => true, after });
const cursorOf = (items: readonly { readonly cursor: string }[]) => items.at(-1)?.cursor ?? '';
const told = (items: readonly AnyChange<CounterRow>[]) =>
  items.flatMap((item) => {
    if (item.kind === 'updated') return [[item.row.id, item.row.lastSequence]];
    return item.kind === 'left' && 'id' in item ? [[item.id, 'left']] : [];
  });
const times = (n: number, tenantId: string, id: string) =>
  handleMany(
    store,
    upTo(n).map(() => count(id, { tenantId })),
  );

describe.each([
  ['to the same process', 'ring', (same: Feed) => same],
  ['to another process', 'oplog', () => open()],
  ['to a process that keeps next to nothing', 'oplog', () => open({ historyItems: 1 })],
] as const)('a subscriber that comes back with a cursor %s', (_, source, elsewhere) => {
  it('is told what it missed, once and in order, and goes on (ordered lane)', async () => {
    const tenantId = newId();
    const [a, b] = [newId(), newId()];
    const feed = open();
    const first = read(feed.ordered<CounterRow>(all(tenantId)));
    const witness = read(feed.ordered<CounterRow>(all(tenantId)));
    await first.until(() => began(first.items));
    await times(3, tenantId, a);
    await first.until(() => told(first.items).length === 3);
    await first.stop();
    await times(2, tenantId, b);
    await times(2, tenantId, a);
    await handle(store, count(newId(), { tenantId: newId() }));
    // Else this process may not have heard of it yet, and says so first.
    await witness.until(() => told(witness.items).length === 7);
    await witness.stop();
    const second = read(elsewhere(feed).ordered<CounterRow>(all(tenantId, cursorOf(first.items))));
    await second.until(() => told(second.items).length === 4);
    expect(found.at(-1)).toBe(source);
    await times(1, tenantId, b);
    await second.until(() => told(second.items).length === 5);
    expect(told(second.items)).toEqual([
      [b, 1],
      [b, 2],
      [a, 4],
      [a, 5],
      [b, 3],
    ]);
    expect(second.items.filter(({ kind }) => kind !== 'updated')).toEqual([]);
    await second.stop();
  });

  it('is told by a heartbeat that it has missed nothing', async () => {
    const tenantId = newId();
    const id = newId();
    const feed = open();
    await times(1, tenantId, id);
    const first = read(feed.ordered<CounterRow>(all(tenantId)));
    await first.until(() => began(first.items));
    await first.stop();
    const second = read(elsewhere(feed).ordered<CounterRow>(all(tenantId, cursorOf(first.items))));
    await second.until(() => second.items.length > 0);
    expect(second.items).toMatchObject([{ kind: 'heartbeat' }]);
    await times(1, tenantId, id);
    await second.until(() => second.items.length === 2);
    await second.stop();
    const third = read(elsewhere(feed).ordered<CounterRow>(all(tenantId, cursorOf(second.items))));
    await third.until(() => third.items.length > 0);
    expect(third.items).toMatchObject([{ kind: 'heartbeat' }]);
    await third.stop();
  });

  it('is told exactly what left: what it had, and nothing that it never saw', async () => {
    const tenantId = newId();
    const [leaves, stays, never, passes, returns] = upTo(5).map(() => newId()) as [
      string,
      string,
      string,
      string,
      string,
    ];
    for (const id of [leaves, stays, returns]) await times(1, tenantId, id);
    await times(2, tenantId, never);
    const feed = open();
    const first = read(feed.ordered<CounterRow>(odd(tenantId)));
    await first.until(() => began(first.items));
    expect([...view(first.items).keys()].sort()).toEqual([leaves, stays, returns].sort());
    await first.stop();
    await times(1, tenantId, leaves);
    await times(2, tenantId, never);
    await times(2, tenantId, passes);
    await times(2, tenantId, returns);
    const cursor = cursorOf(first.items);
    const back = elsewhere(feed);
    const second = read(back.ordered<CounterRow>(odd(tenantId, cursor)));
    await times(1, tenantId, stays);
    await second.until(() => told(second.items).some(([id]) => id === stays));
    expect(told(second.items)).toEqual([
      [leaves, 'left'],
      [never, 3],
      [never, 'left'],
      [passes, 1],
      [passes, 'left'],
      [returns, 'left'],
      [returns, 3],
      [stays, 'left'],
    ]);
    await second.stop();
    const frames = read(back.latest<CounterRow>(odd(tenantId, cursor), {}));
    await frames.until(() => frames.items.some(({ kind }) => kind === 'moved'));
    expect(frames.items).toMatchObject([
      { kind: 'left', ids: [leaves, stays] },
      { kind: 'moved', rows: [{ id: returns, lastSequence: 3 }] },
    ]);
    await frames.stop();
  });

  it('goes on amid the changes of one transaction (log lane)', async () => {
    const tenantId = newId();
    const feed = open();
    const first = feed.log(everything(tenantId));
    await first.next();
    await handleMany(
      store,
      upTo(6).map(() => count(newId(), { tenantId })),
    );
    const seen: string[] = [];
    let cursor = '';
    let current = first;
    while (seen.length < 6) {
      const { value } = await current.next();
      if (value?.kind === 'appended') seen.push(value.event.aggregateId.toString());
      cursor = value?.cursor ?? '';
      expect(current.lastCursor).toBe(cursor);
      await current.return?.();
      current = elsewhere(feed).log(everything(tenantId, cursor));
    }
    expect(new Set(seen).size).toBe(6);
    expect((await current.next()).value).toMatchObject({ kind: 'heartbeat' });
    await current.return?.();
  });
});

describe('subscribers that come back together, to a process that can read little more than they missed', () => {
  it('are each told all that it missed, however much later the others left', async () => {
    const [tenantId, id] = [newId(), newId()];
    // Not to be read together with what follows.
    await times(60, newId(), newId());
    const feed = open();
    const leave = async (count: number): Promise<string> => {
      const reader = read(feed.ordered<CounterRow>(all(tenantId)));
      await reader.until(() => view(reader.items).get(id)?.lastSequence === count);
      await reader.stop();
      return cursorOf(reader.items);
    };
    const cursors: string[] = [];
    for (const count of [1, 2, 3]) {
      await times(1, tenantId, id);
      cursors.push(await leave(count));
    }
    await times(1, tenantId, id);
    const other = open({ historyBytes: 20_000 });
    // The last to leave asks first.
    const readers = cursors
      .toReversed()
      .map((cursor) => read(other.ordered<CounterRow>(all(tenantId, cursor))));
    for (const [index, reader] of readers.entries()) {
      const missed = upTo(index + 1).map((n) => [id, 3 - index + n]);
      await reader.until(() => told(reader.items).length === missed.length);
      expect(told(reader.items)).toEqual(missed);
      expect(reader.items.every(({ kind }) => kind === 'updated')).toBe(true);
      await reader.stop();
    }
    expect(found.slice(-3)).toEqual(['oplog', 'oplog', 'oplog']);
  });
});

describe('a quiet subscription', () => {
  it('has a cursor that goes along with the rest of the database', async () => {
    const tenantId = newId();
    const feed = open({ heartbeatMs: 50 });
    const reader = read(feed.ordered<CounterRow>(all(tenantId)));
    await reader.until(() => began(reader.items));
    const heartbeats = () => reader.items.filter(({ kind }) => kind === 'heartbeat');
    await reader.until(() => heartbeats().length === 1);
    await handle(store, count(newId(), { tenantId: newId() }));
    const [before] = heartbeats();
    await reader.until(() => heartbeats().at(-1)?.cursor !== before?.cursor);
    await reader.stop();
  });
});

describe('a subscriber that missed more than its queue holds', () => {
  it('is told all of it, at its own pace', async () => {
    const tenantId = newId();
    const feed = open({ queueItems: 300 });
    const first = feed.log(everything(tenantId));
    await first.next();
    await first.return?.();
    const ids = upTo(900).map(() => newId());
    await handleMany(
      store,
      ids.map((id) => count(id, { tenantId, aggregate: bareCounter })),
    );
    // By a feed that begins behind all of them: to this one the last may still be on their way, and those it would queue.
    const later = open({ queueItems: 300 });
    const second = read(later.log(everything(tenantId, first.lastCursor)));
    await second.until(() => second.items.length === 900);
    expect(second.items.every(({ kind }) => kind === 'appended')).toBe(true);
    await second.stop();
  });

  it('gets a gap where it is more than a process keeps', async () => {
    const tenantId = newId();
    const id = newId();
    const feed = open({ historyBytes: 20_000 });
    const first = read(feed.ordered<CounterRow>(all(tenantId)));
    await first.until(() => began(first.items));
    const cursor = cursorOf(first.items);
    await times(60, tenantId, id);
    // The process has them, and has let go of the first ones.
    await first.until(() => told(first.items).length === 60);
    await first.stop();
    const second = read(feed.ordered<CounterRow>(all(tenantId, cursor)));
    await second.until(() => began(second.items));
    expect(second.items).toMatchObject([
      { kind: 'gap', reason: 'HISTORY_LOST' },
      { kind: 'snapshot', complete: true, rows: [{ id, lastSequence: 60 }] },
    ]);
    await second.stop();
  });
});

describe('a cursor that nothing can go on from', () => {
  it('of an incomplete snapshot, or of a gap before one, leads to a gap and a snapshot', async () => {
    const tenantId = newId();
    await handleMany(
      store,
      upTo(5).map(() => count(newId(), { tenantId })),
    );
    const feed = open({ snapshotRows: 2 });
    const part = feed.ordered<CounterRow>(all(tenantId));
    expect((await part.next()).value).toMatchObject({ kind: 'snapshot', complete: false });
    await part.return?.();
    const gap = feed.ordered<CounterRow>(all(tenantId, part.lastCursor));
    expect((await gap.next()).value).toMatchObject({ kind: 'gap', reason: 'SNAPSHOT_INTERRUPTED' });
    await gap.return?.();
    const reader = read(feed.latest<CounterRow>(all(tenantId, gap.lastCursor), {}));
    await reader.until(() => began(reader.items));
    expect(reader.items[0]).toMatchObject({ kind: 'gap', reason: 'SNAPSHOT_INTERRUPTED' });
    expect(view(reader.items).size).toBe(5);
    await reader.stop();
  });

  it('of another tenant, of another lane, or damaged, is refused before anything is told', async () => {
    const tenantId = newId();
    const feed = open();
    const first = read(feed.ordered<CounterRow>(all(tenantId)));
    await first.until(() => began(first.items));
    const cursor = cursorOf(first.items);
    await first.stop();
    for (const begin of [
      () => feed.ordered(all(newId(), cursor)),
      () => feed.latest(all(tenantId, `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`), {}),
      () => feed.log(everything(tenantId, cursor)),
    ])
      expect(begin).toThrow(InvalidCursorError);
  });
});
