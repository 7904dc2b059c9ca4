import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { type Feed, type FeedOptions, openFeed } from '../../../src/eventstore/feed/feed.ts';
import { SlowConsumerError } from '../../../src/eventstore/feed/limits.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { bareCounter, type CounterRow, count, countersRead, openCounterStore, upTo } from '../counter.ts';
import { began, read, view } from './reader.ts';

let database: TestDatabase;
let store: Store;
const feeds: Feed[] = [];

beforeAll(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
});
afterAll(async () => {
  for (const feed of feeds) feed.close();
  await database.close();
});

const open = (options?: FeedOptions): Feed => {
  const feed = openFeed(store, options);
  feeds.push(feed);
  return feed;
};
const all = (tenantId: string) => ({ tenantId, projection: countersRead, filter: {}, matches: () => true });
const writeTo = (id: string, tenantId: string, times: number) =>
  handleMany(
    store,
    upTo(times).map(() => count(id, { tenantId })),
  );

describe('G-05 one subscriber that stops reading, among 100 that read', () => {
  it('is closed with an error at its limit, and the others see every change', async () => {
    const tenantId = newId();
    const id = newId();
    const feed = open({ limits: { queueItems: 50 } });
    let closedFor = '';
    const slow = feed.ordered({ ...all(tenantId), onOverflow: (limit) => (closedFor = limit) });
    await slow.next();
    const others = upTo(100).map(() => read(feed.ordered<CounterRow>(all(tenantId))));
    await Promise.all(others.map((reader) => reader.until(() => began(reader.items))));
    await writeTo(id, tenantId, 120);
    await Promise.all(
      others.map((reader) => reader.until(() => view(reader.items).get(id)?.lastSequence === 120)),
    );
    for (const { items } of others) {
      const told = items.flatMap((item) => (item.kind === 'updated' ? [item.row.lastSequence] : []));
      expect(told).toEqual(upTo(120));
    }
    expect(closedFor).toBe('queueItems');
    await expect(slow.next()).rejects.toThrow(SlowConsumerError);
    expect(await slow.next()).toEqual({ done: true, value: undefined });
    expect(feed.waiting().ordered).toBe(0);
    await Promise.all(others.map((reader) => reader.stop()));
  });

  it('is closed by bytes as well', async () => {
    const tenantId = newId();
    const feed = open({ limits: { queueBytes: 30_000 } });
    const slow = feed.log({ tenantId, matches: () => true });
    await slow.next();
    const observer = read(feed.log({ tenantId, matches: () => true }));
    await observer.until(() => observer.items.length === 1);
    await handleMany(
      store,
      upTo(100).map(() => count(newId(), { tenantId, aggregate: bareCounter })),
    );
    await observer.until(() => observer.items.length === 101);
    await expect(slow.next()).rejects.toMatchObject({ limit: 'queueBytes' });
    await observer.stop();
  });

  it('is closed when something has waited for it too long', async () => {
    const tenantId = newId();
    const feed = open({ limits: { stalledMs: 200 } });
    const overflow = new Promise<string>((resolve) => {
      const slow = feed.latest({ ...all(tenantId), onOverflow: resolve }, {});
      slow.next().then(() => handle(store, count(newId(), { tenantId })));
    });
    expect(await overflow).toBe('stalledMs');
  });
});

describe('a quiet subscription', () => {
  it('sends heartbeats with a place and a time', async () => {
    const feed = open({ limits: { heartbeatMs: 100 } });
    const reader = read(feed.ordered(all(newId())));
    await reader.until(() => reader.items.filter((item) => item.kind === 'heartbeat').length === 3);
    const beat = reader.items.find((item) => item.kind === 'heartbeat');
    expect(beat?.kind === 'heartbeat' && beat.at).toBeInstanceOf(Date);
    expect(beat?.cursor).toMatch(/^[\w-]+$/);
    await reader.stop();
  });
});

describe('G-04 the latest lane', () => {
  it('sends the first frame at once, however seldom others are to come', async () => {
    const tenantId = newId();
    const feed = open();
    const reader = read(feed.latest<CounterRow>(all(tenantId), { maxPerSecond: 1 / 600 }));
    await reader.until(() => began(reader.items));
    await handle(store, count(newId(), { tenantId }));
    await reader.until(() => reader.items.length === 2);
    expect(reader.items[1]).toMatchObject({ kind: 'moved' });
    await reader.stop();
  });

  it('sends at most maxPerSecond frames, and ends with the newest rows', async () => {
    const tenantId = newId();
    const ids = upTo(5).map(() => newId());
    const feed = open();
    const reader = read(feed.latest<CounterRow>(all(tenantId), { maxPerSecond: 4 }));
    await reader.until(() => began(reader.items));
    const from = performance.now();
    const [first = ''] = ids;
    await handle(store, count(first, { tenantId }));
    await reader.until(() => reader.items.length === 2);
    for (const _ of upTo(20)) await Promise.all(ids.map((id) => handle(store, count(id, { tenantId }))));
    await reader.until(() => {
      const rows = view(reader.items);
      return ids.every((id) => rows.get(id)?.lastSequence === (id === first ? 21 : 20));
    });
    const seconds = (performance.now() - from) / 1_000;
    const frames = reader.items.filter((item) => item.kind === 'moved').length;
    expect(frames).toBeLessThanOrEqual(1 + Math.ceil(seconds * 4));
    await reader.stop();
  });

  it('keeps one row per id for a client that does not read', async () => {
    const tenantId = newId();
    const ids = upTo(5).map(() => newId());
    const feed = open();
    const slow = feed.latest<CounterRow>(all(tenantId), {});
    await slow.next();
    const quick = read(feed.ordered<CounterRow>(all(tenantId)));
    await quick.until(() => began(quick.items));
    for (const id of ids) await writeTo(id, tenantId, 30);
    await quick.until(() => ids.every((id) => view(quick.items).get(id)?.lastSequence === 30));
    expect(feed.waiting().latest).toBe(5);
    expect((await slow.next()).value).toMatchObject({
      kind: 'moved',
      rows: ids.map((id) => ({ id, lastSequence: 30 })),
    });
    await Promise.all([slow.return?.(), quick.stop()]);
  });

  it('says that a row left, and nothing of one that came and went unseen', async () => {
    const tenantId = newId();
    const [stays, leaves, passes] = [newId(), newId(), newId()];
    const feed = open();
    const odd = {
      ...all(tenantId),
      filter: { total: { $mod: [2, 1] } },
      matches: (row: CounterRow) => row.total % 2 === 1,
    };
    await Promise.all([stays, leaves].map((id) => handle(store, count(id, { tenantId }))));
    const slow = feed.latest<CounterRow>(odd, {});
    await slow.next();
    const rows = read(feed.ordered<CounterRow>(all(tenantId)));
    await rows.until(() => began(rows.items));
    await writeTo(leaves, tenantId, 1);
    await writeTo(passes, tenantId, 2);
    await writeTo(stays, tenantId, 2);
    await rows.until(() => view(rows.items).get(stays)?.lastSequence === 3);
    expect((await slow.next()).value).toMatchObject({ kind: 'left', ids: [leaves] });
    expect((await slow.next()).value).toMatchObject({ kind: 'moved', rows: [{ id: stays, total: 3 }] });
    await Promise.all([slow.return?.(), rows.stop()]);
  });
});

describe('a filter that throws', () => {
  it('ends its own subscription only', async () => {
    const tenantId = newId();
    const feed = open();
    const bad = feed.ordered({
      ...all(tenantId),
      filter: { total: { $gte: 0 } },
      matches: () => {
        throw new Error('a bug');
      },
    });
    await bad.next();
    const good = read(feed.ordered<CounterRow>(all(tenantId)));
    await good.until(() => began(good.items));
    const failing = expect(bad.next()).rejects.toThrow('a bug');
    await handle(store, count(newId(), { tenantId }));
    await failing;
    await good.until(() => view(good.items).size === 1);
    await good.stop();
  });
});
