import { Timestamp } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterNow } from '../../../src/eventstore/changes.ts';
import { handle } from '../../../src/eventstore/command/handle.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { readCursor, scopeOf, writeCursor } from '../../../src/eventstore/feed/cursor.ts';
import { type Feed, openFeed } from '../../../src/eventstore/feed/feed.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { watchLog } from '../../../src/eventstore/recovery/watch.ts';
import { openTimeline, timelinesOf } from '../../../src/eventstore/timeline.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { count, countersRead, openCounterStore } from '../counter.ts';
import { read } from '../feed/reader.ts';
import { collectionsBeside, copy } from './stage.ts';

let database: TestDatabase;
let copied: TestDatabase;
const feeds: Feed[] = [];
beforeEach(async () => {
  database = await openDatabase();
  copied = await openDatabase();
});
afterEach(async () => {
  for (const feed of feeds.splice(0)) feed.close();
  await copied.close();
  await database.close();
});

const all = (after?: string) => ({
  tenantId: 'acme',
  projection: countersRead,
  filter: {},
  matches: () => true,
  after,
});
const everything = (after?: string) => ({ tenantId: 'acme', matches: () => true, after });

/** The kinds of the first items that a client is sent, of the rows or of the log. */
async function firstOf(
  store: Store,
  of: 'ordered' | 'latest' | 'log',
  after?: string,
): Promise<readonly string[]> {
  const feed = openFeed(store, { limits: { heartbeatMs: 200 } });
  feeds.push(feed);
  const reader = read<{ readonly kind: string; readonly cursor: string }>(
    of === 'log'
      ? feed.log(everything(after))
      : of === 'ordered'
        ? feed.ordered(all(after))
        : feed.latest(all(after), {}),
  );
  await reader.until(() => reader.items.length > 0);
  await reader.stop();
  return reader.items.map(({ kind, cursor }) => `${kind} ${cursor}`);
}

/** A cursor as a client has it from there. */
async function cursorOf(store: Store, of: 'ordered' | 'latest' | 'log'): Promise<string> {
  await handle(store, count(newId()));
  return (await firstOf(store, of))[0]?.split(' ')[1] ?? '';
}

describe.each(['ordered', 'latest', 'log'] as const)('a client (%s) that comes with a cursor', (of) => {
  it('of the same database, after its gateways were away for a minute, goes on', async () => {
    const before = await openCounterStore(database);
    const cursor = await cursorOf(before, of);
    const minute = new Timestamp({ t: (await clusterNow(database.db)).getHighBitsUnsigned() - 60, i: 1 });
    const after = await openCounterStore(database);
    expect(after.timeline.id).toBe(before.timeline.id);
    // It was given before the absence began.
    const scope = scopeOf(of === 'log' ? 'events' : 'counters_read', 'acme');
    const { time } = readCursor(scope, cursor);
    await timelinesOf(database.db).updateOne(
      {},
      { $set: { absences: [{ from: time, to: new Timestamp({ t: 4e9, i: 1 }) }] } },
    );
    expect((await firstOf(await openCounterStore(database), of, cursor))[0]).not.toMatch(/^gap/);
    // Of a moment at which nobody was there: of what was here before an earlier state was put back.
    await timelinesOf(database.db).updateOne(
      {},
      { $set: { absences: [{ from: minute, to: new Timestamp({ t: 4e9, i: 1 }) }] } },
    );
    expect((await firstOf(await openCounterStore(database), of, cursor))[0]).toMatch(/^gap/);
  });

  it('of a database whose copy this is, gets a gap', async () => {
    const cursor = await cursorOf(await openCounterStore(database), of);
    await copy(database.db, copied.db, await collectionsBeside(database.db));
    expect((await firstOf(await openCounterStore(copied), of, cursor))[0]).toMatch(/^gap/);
  });

  it('that does not say of which database it is, gets a gap', async () => {
    const store = await openCounterStore(database);
    const cursor = await cursorOf(store, of);
    const scope = scopeOf(of === 'log' ? 'events' : 'counters_read', 'acme');
    const { complete, ...place } = readCursor(scope, cursor);
    const other = writeCursor(scope, place, 0, complete);
    expect((await firstOf(store, of, other))[0]).toMatch(/^gap/);
    expect((await firstOf(store, of, cursor))[0]).not.toMatch(/^gap/);
  });
});

describe('a process that ends', () => {
  it('has given a sign of life behind its last cursor: nobody gets a gap who comes to the next one', async () => {
    const store = await openCounterStore(database);
    const watch = watchLog(store);
    await watch.look();
    await handle(store, count(newId()));
    const cursor = await cursorOf(store, 'log');
    await watch.stop();
    const noted = await timelinesOf(database.db).findOne({});
    const { time } = readCursor(scopeOf('events', 'acme'), cursor);
    expect(noted?.pulsedAt.greaterThanOrEqual(time)).toBe(true);
  });

  it('gives none where the database was put back to an earlier state meanwhile', async () => {
    const store = await openCounterStore(database);
    const watch = watchLog(store, { lookMs: 60_000 });
    await watch.look();
    const pulsedAt = new Timestamp({ t: 1, i: 1 });
    await timelinesOf(database.db).updateOne({}, { $set: { pulse: 0, pulsedAt } });
    await watch.stop();
    expect(await timelinesOf(database.db).findOne({})).toMatchObject({ pulse: 0, pulsedAt });
  });
});

describe('a database that nobody used for a while', () => {
  it('keeps its timeline, and notes from when to when that was', async () => {
    const { timeline } = await openCounterStore(database);
    const now = await clusterNow(database.db);
    const pulsedAt = new Timestamp({ t: now.getHighBitsUnsigned() - 100, i: 1 });
    await timelinesOf(database.db).updateOne({}, { $set: { pulsedAt } });
    const [first, second] = await Promise.all([openCounterStore(database), openCounterStore(database)]);
    expect([first.timeline.id, second.timeline.id]).toEqual([timeline.id, timeline.id]);
    const noted = await timelinesOf(database.db).findOne({});
    expect(noted?.absences).toHaveLength(1);
    const at = (t: number) => new Timestamp({ t, i: 1 });
    expect(first.timeline.isAway(at(now.getHighBitsUnsigned() - 50))).toBe(true);
    expect(first.timeline.isAway(at(now.getHighBitsUnsigned() - 101))).toBe(false);
    expect(first.timeline.isAway(at(now.getHighBitsUnsigned() + 1_000))).toBe(false);
  });

  it('is found by all who come at once, however many', async () => {
    const { timeline, log } = await openCounterStore(database);
    await timelinesOf(database.db).updateOne({}, { $set: { pulsedAt: new Timestamp({ t: 1, i: 1 }) } });
    const opened = await Promise.all(Array.from({ length: 40 }, () => openTimeline(database.db, log)));
    expect(new Set(opened.map(({ id }) => id))).toEqual(new Set([timeline.id]));
    expect((await timelinesOf(database.db).findOne({}))?.absences).toHaveLength(1);
    await copied.db.createCollection('events');
    const begun = await Promise.all(Array.from({ length: 40 }, () => openTimeline(copied.db, log)));
    expect(new Set(begun.map(({ id }) => id)).size).toBe(1);
  });
});
