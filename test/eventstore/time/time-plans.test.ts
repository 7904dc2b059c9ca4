import type { FindCursor } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../../src/eventstore/event.ts';
import { queryBeyond, queryUntil } from '../../../src/eventstore/time/snapshot-reads.ts';
import { snapshotsOf } from '../../../src/eventstore/time/snapshots.ts';
import { stretchFilters } from '../../../src/eventstore/time/time-page.ts';
import { lateFilter, lateReadings } from '../../../src/eventstore/time/until.ts';
import { LATE_INDEX } from '../../../src/eventstore/time-order.ts';
import { vehicle } from '../../../src/vehicle/vehicle.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { minute } from '../../given.ts';
import { EVERY, openTimeStore, streamRefOf } from './time-log.ts';
import { arrivalsAt, fixesAt } from './time-stories.ts';

/** Something each minute; every tenth came five minutes late. */
const EVENTS = 2_000;
const MINUTES = Array.from({ length: EVENTS }, (_, index) => (index % 10 === 9 ? index - 5.5 : index));
const stream: StoredEvent[] = fixesAt(MINUTES);
/** Of these each counts, and not the newest alone. */
const tender: StoredEvent[] = arrivalsAt(MINUTES);

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openTimeStore(database);
  await store.events.insertMany(stream);
  await store.events.insertMany(tender);
  await store.events.insertMany(fixesAt(Array.from({ length: EVENTS }, (_, index) => index)));
  store.snapshots.build(streamRefOf(stream), vehicle);
  await store.snapshots.idle();
});
afterAll(async () => {
  await store.snapshots.close();
  await database.close();
});

interface Explained {
  readonly executionStats: { totalDocsExamined: number; totalKeysExamined: number; nReturned: number };
}

async function examined(found: FindCursor<unknown>): Promise<Explained['executionStats']> {
  const explained: unknown = await found.explain('executionStats');
  return (explained as Explained).executionStats;
}

describe('D-07 the newest snapshot', () => {
  it.each([
    ['up to a moment', { effectiveAt: minute(900) }],
    ['up to what was known then', { recordedAt: minute(900) }],
    ['up to both', { effectiveAt: minute(1_200), recordedAt: minute(900) }],
    ['of all', {}],
  ])('%s is found by one look into an index', async (_, until) => {
    const { filter, sort } = queryUntil(streamRefOf(stream), vehicle, until);
    const stats = await examined(snapshotsOf(database.db).find(filter).sort(sort).limit(1));
    expect(stats).toMatchObject({ nReturned: 1, totalDocsExamined: 1 });
    expect(stats.totalKeysExamined).toBeLessThan(5);
    expect(await snapshotsOf(database.db).countDocuments()).toBe(EVENTS / EVERY);
  });
});

describe('how far what was known reaches', () => {
  it('is found by one look into an index', async () => {
    const { filter, sort } = queryBeyond(streamRefOf(stream), vehicle, minute(900));
    const stats = await examined(snapshotsOf(database.db).find(filter).sort(sort).limit(1));
    expect(stats).toMatchObject({ nReturned: 1, totalDocsExamined: 1 });
    expect(stats.totalKeysExamined).toBeLessThan(5);
  });
});

describe('what was told late', () => {
  const until = { effectiveAt: minute(1_004) };

  it('is found by one look where only the newest of it counts', async () => {
    const found = store.events.find(lateReadings(streamRefOf(stream), { $lte: minute(1_004) }, until), {
      hint: LATE_INDEX,
    });
    const stats = await examined(found.sort({ occurredAt: -1, sequence: -1 }).limit(2));
    expect(stats).toMatchObject({ nReturned: 2, totalDocsExamined: 2, totalKeysExamined: 2 });
  });

  it('is looked for near the moment only, of its stream only', async () => {
    const filter = lateFilter(streamRefOf(tender), 1_001, until);
    if (filter === undefined) throw new Error('There is a moment.');
    const stats = await examined(store.events.find(filter, { hint: LATE_INDEX }));
    expect(stats.nReturned).toBe(1);
    expect(stats.totalDocsExamined).toBe(1);
    expect(stats.totalKeysExamined).toBeLessThan(20);
  });

  it('is not looked for where nothing bounds the question', () => {
    expect(lateFilter(streamRefOf(stream), 0, {})).toBeUndefined();
  });
});

describe('a page of a way', () => {
  it('reads its events, what lies between the snapshot and its beginning, and no more', async () => {
    const stretch = { types: ['LocationTracked'], from: minute(1_000), to: minute(1_999) };
    const { inOrder, late } = stretchFilters(streamRefOf(stream), stretch, 1_000);
    const along = await examined(store.events.find(inOrder).sort({ sequence: 1 }).limit(50));
    expect(along.nReturned).toBe(50);
    expect(along.totalDocsExamined).toBeLessThan(60);
    const sorted = store.events.find(late, { hint: LATE_INDEX }).sort({ occurredAt: 1, sequence: 1 });
    const beside = await examined(sorted.limit(50));
    expect(beside).toMatchObject({ nReturned: 50, totalDocsExamined: 50 });
  });
});
