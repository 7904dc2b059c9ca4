import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../../src/eventstore/event.ts';
import { newId, uuid } from '../../../src/eventstore/ids.ts';
import { conditionsOf, type EventFilter } from '../../../src/eventstore/log/event-filter.ts';
import { LOOK_EVENTS } from '../../../src/eventstore/log/narrow.ts';
import { toBeStamped } from '../../../src/eventstore/log/stamp.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { minute } from '../../given.ts';
import { openCounterStore } from '../counter.ts';
import { openPoller } from './poller.ts';

/** An event each minute. Every thousandth is of a rare type; one in the middle has an actor and a reason of its own. */
const EVENTS = 45_000;
const RARE_EACH = 1_000;
const IN_THE_MIDDLE = 30_500;
const PAGE = 20;
const vehicles = Array.from({ length: 50 }, () => newId());

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
  for (let from = 0; from < EVENTS; from += 5_000)
    await store.events.insertMany(
      toBeStamped(Array.from({ length: 5_000 }, (_, index) => eventAt(from + index))),
      {
        ordered: true,
      },
    );
});
afterAll(() => database.close());

function eventAt(index: number): StoredEvent {
  const isRare = index % RARE_EACH === 0;
  const isAlone = index === IN_THE_MIDDLE;
  return {
    _id: uuid(newId()),
    tenantId: 'acme',
    aggregateType: 'Vehicle',
    aggregateId: uuid(vehicles[index % vehicles.length] ?? ''),
    sequence: Math.floor(index / vehicles.length) + 1,
    type: isRare ? 'VehicleRegistered' : 'LocationTracked',
    version: 1,
    payload: {},
    ...(isAlone ? { reasonCode: 'ALONE' } : {}),
    actor: { id: isAlone ? 'somebody' : 'everybody', role: isAlone ? 'admin' : 'driver' },
    occurredAt: minute(index),
    recordedAt: new Date(),
    metadata: { origin: 'test', producerId: 'test', correlationId: 'test', commandHash: 'test' },
  };
}

interface Examined {
  readonly shown: number;
  readonly more: boolean;
  readonly docs: number;
  readonly keys: number;
}

/** Asks for a page, and sums up what the database looked at for it. */
async function firstPageOf(filter: EventFilter): Promise<Examined> {
  await database.db.command({ profile: 0 });
  await database.db.collection('system.profile').drop();
  await database.db.command({ profile: 2 });
  const { items, more } = await openPoller(store, filter).page(PAGE);
  await database.db.command({ profile: 0 });
  const looks = await database.db
    .collection('system.profile')
    .find({ ns: `${database.db.databaseName}.events` })
    .toArray();
  const sum = (field: string): number => looks.reduce((total, look) => total + Number(look[field] ?? 0), 0);
  return { shown: items.length, more, docs: sum('docsExamined'), keys: sum('keysExamined') };
}

/** Beside the page itself: whether there is an event without a stamp, and one to tell whether there is more. */
const FEW = 5;
const hour = { occurredFrom: minute(20_000), occurredTo: minute(20_059) };

describe('R-02 a page of the log by a filter that leaves few events', () => {
  it.each<[string, EventFilter, number]>([
    ['a rare type', { type: ['VehicleRegistered'] }, PAGE],
    ['an hour in which it happened', hour, PAGE],
    ['a frequent type in an hour', { ...hour, type: ['LocationTracked'] }, PAGE],
    ['a rare type in an hour', { ...hour, type: ['VehicleRegistered'] }, 1],
    ['an hour of some types', { ...hour, type: ['LocationTracked', 'VehicleRegistered'] }, PAGE],
  ])('reads no more documents than fit: %s', async (_, filter, shown) => {
    const examined = await firstPageOf(filter);
    const fit = await store.events.countDocuments({ $and: conditionsOf(filter) });
    expect(examined).toMatchObject({ shown, more: shown < fit });
    expect(examined.docs).toBeLessThanOrEqual(fit + FEW);
    expect(examined.keys).toBeLessThan(500);
  });

  it.each<[string, EventFilter]>([
    ['one stream', { aggregateId: [vehicles[3] ?? ''] }],
    ['one stream, by its kind', { aggregateId: [vehicles[3] ?? ''], aggregateType: ['Vehicle'] }],
    ['a rare type of one actor', { type: ['VehicleRegistered'], actorId: ['everybody'] }],
    ['an hour by a reason', { ...hour, reasonCode: ['ALONE'] }],
    ['an hour of a role', { ...hour, role: ['driver'] }],
  ])('reads no more documents than the index leaves: %s', async (_, filter) => {
    const examined = await firstPageOf(filter);
    expect(examined.docs).toBeLessThanOrEqual(EVENTS / vehicles.length + FEW);
  });
});

describe('a page of the log that most events fit', () => {
  it.each<[string, EventFilter]>([
    ['all', {}],
    ['a frequent type', { type: ['LocationTracked'] }],
    ['a frequent actor', { actorId: ['everybody'] }],
    ['everything that happened since', { occurredFrom: minute(10) }],
    ['what was recorded since', { recordedFrom: minute(0) }],
  ])('is read in the order of the log: %s', async (_, filter) => {
    const examined = await firstPageOf(filter);
    expect(examined).toMatchObject({ shown: PAGE, more: true });
    expect(examined.docs).toBeLessThanOrEqual(2 * PAGE);
  });
});

describe('a page of the log by what no index knows', () => {
  it.each<[string, EventFilter]>([
    ['an actor', { actorId: ['somebody'] }],
    ['a role', { role: ['admin'] }],
    ['a reason', { reasonCode: ['ALONE'] }],
    ['an actor and a frequent type', { actorId: ['somebody'], type: ['LocationTracked'] }],
  ])('ends where it has looked at enough, and the next one goes on: %s', async (_, filter) => {
    const examined = await firstPageOf(filter);
    expect(examined).toMatchObject({ shown: 0, more: true });
    expect(examined.docs).toBeLessThanOrEqual(LOOK_EVENTS + FEW);
    const poller = openPoller(store, filter);
    expect(await poller.toTheEnd()).toHaveLength(1);
  });
});
