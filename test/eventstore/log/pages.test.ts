import { Timestamp } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/eventstore/clock.ts';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Outcome } from '../../../src/eventstore/command/intent.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId, uuid } from '../../../src/eventstore/ids.ts';
import { pageEvents } from '../../../src/eventstore/log/pages.ts';
import { MAX_AHEAD } from '../../../src/eventstore/log/position.ts';
import { stampOfRecorded, toBeStamped } from '../../../src/eventstore/log/stamp.ts';
import { createClient } from '../../../src/mongo/client.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { bareCounter, count, openCounterStore, upTo } from '../counter.ts';
import { openPoller } from './poller.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await openDatabase();
});
afterEach(() => database.close());

/** The clock of a process that does not know better. */
const clockOff = (ms: number): Clock => ({ now: () => Date.now() + ms, skewMs: () => ms });
const storeOff = (ms: number): Promise<Store> => openCounterStore(database, undefined, clockOff(ms));
const idsOf = (...outcomes: Outcome[]): string[] =>
  outcomes.flatMap(({ events }) => events.map(({ _id }) => _id.toString()));
const record = async (store: Store, aggregate = bareCounter): Promise<string> => {
  const [id] = idsOf(await handle(store, count(newId(), { aggregate })));
  if (id === undefined) throw new Error('Nothing was recorded.');
  return id;
};

describe.each([50, -50, 45_000, -45_000])('T-03 two processes whose clocks are %i ms apart', (ms) => {
  it('show a poller every event once, whichever of them wrote it', async () => {
    const [one, other] = [await openCounterStore(database), await storeOff(ms)];
    const poller = openPoller(one);
    const written: string[] = [];
    for (const store of [one, other, one, other, other, one]) {
      written.push(await record(store));
      expect(await poller.toTheEnd()).toEqual(written.slice(-1));
    }
    expect(poller.shown).toEqual(written);
  });
});

describe.each([45_000, -45_000])('T-03 10,000 events of two processes, clocks %i ms apart', (ms) => {
  it('are shown to a poller, none missed and none twice', { timeout: 120_000 }, async () => {
    const [one, other] = [await openCounterStore(database), await storeOff(ms)];
    const poller = openPoller(one);
    const written: string[] = [];
    const write = async (store: Store): Promise<void> => {
      for (const _ of upTo(50)) {
        const intents = upTo(100).map((n) =>
          n % 4 === 0 ? count(newId()) : count(newId(), { aggregate: bareCounter }),
        );
        written.push(...idsOf(...(await handleMany(store, intents))));
      }
    };
    const writing = Promise.all([write(one), write(other)]);
    await Promise.all([writing, poller.until(10_000)]);
    expect(poller.shown).toHaveLength(10_000);
    expect(poller.shown.toSorted()).toEqual(written.toSorted());
  });
});

describe('T-03 a commit that takes longer than those after it', () => {
  it('is shown once it is there, and nothing else is shown again', async () => {
    const store = await openCounterStore(database);
    const poller = openPoller(store);
    const sample = await store.events.findOne({ _id: uuid(await record(store)) });
    if (sample === null) throw new Error('The sample is not in the log.');
    await poller.toTheEnd();
    const slow = { ...sample, _id: uuid(newId()), aggregateId: uuid(newId()) };
    const session = database.client.startSession();
    session.startTransaction({ writeConcern: { w: 'majority' } });
    await store.events.insertMany(toBeStamped([slow]), { session });
    const meanwhile = [await record(store), await record(store)];
    expect(await poller.toTheEnd()).toEqual(meanwhile);
    await session.commitTransaction();
    await session.endSession();
    expect(await poller.toTheEnd()).toEqual([slow._id.toString()]);
    expect(await poller.toTheEnd()).toEqual([]);
  });
});

describe('T-03 a process that is paused between dating an event and sending it', () => {
  it('records it where the database takes it, however old it says that it is', async () => {
    const store = await openCounterStore(database);
    const poller = openPoller(store);
    const before = await record(store);
    expect(await poller.toTheEnd()).toEqual([before]);
    // Dated ten minutes ago, sent now.
    const late = await record(await storeOff(-600_000));
    expect(await poller.toTheEnd()).toEqual([late]);
  });
});

describe('the end of the log', () => {
  it('is an empty page with a position to go on from, from the beginning on', async () => {
    const store = await openCounterStore(database);
    const poller = openPoller(store);
    expect(await poller.page()).toMatchObject({ items: [], more: false });
    expect(await poller.page()).toMatchObject({ items: [], more: false });
    const id = await record(store);
    expect(await poller.toTheEnd()).toEqual([id]);
  });

  it('is told apart from a full page', async () => {
    const store = await openCounterStore(database);
    await handleMany(
      store,
      upTo(4).map(() => count(newId(), { aggregate: bareCounter })),
    );
    const poller = openPoller(store);
    expect([(await poller.page(2)).more, (await poller.page(2)).more]).toEqual([true, false]);
    expect((await openPoller(store).page(0)).more).toBe(true);
  });

  it('can be gone on from at each event of a page', async () => {
    const store = await openCounterStore(database);
    await handleMany(
      store,
      upTo(6).map(() => count(newId(), { aggregate: bareCounter })),
    );
    const { items } = await pageEvents(store, 'acme', {}, { limit: 9 });
    for (const [index, item] of items.entries()) {
      const rest = await pageEvents(store, 'acme', {}, { after: item.position(), limit: 9 });
      expect(rest.items.map(({ event }) => event._id)).toEqual(
        items.slice(index + 1).map(({ event }) => event._id),
      );
    }
  });
});

describe('more fresh events than a cursor can name', () => {
  it('are shown as the log settles, none missed and none twice', { timeout: 120_000 }, async () => {
    const store = await openCounterStore(database);
    const poller = openPoller(store);
    const total = MAX_AHEAD + 300;
    for (const _ of upTo(total / 100))
      await handleMany(
        store,
        upTo(100).map(() => count(newId(), { aggregate: bareCounter })),
      );
    for (const _ of upTo(4)) await poller.page();
    expect(poller.shown.length).toBeGreaterThanOrEqual(MAX_AHEAD);
    expect(new Set(await poller.toTheEnd().then(() => poller.shown)).size).toBe(total);
    expect(poller.shown).toHaveLength(total);
  });
});

describe('a log that has events from before there were stamps', () => {
  it('shows them first, in the order of recordedAt, and what comes without a stamp later as well', async () => {
    const store = await openCounterStore(database);
    const outcomes = await handleMany(
      store,
      upTo(6).map(() => count(newId(), { aggregate: bareCounter })),
    );
    const events = outcomes.flatMap(({ events: own }) => own);
    const oldest = new Date(5_000);
    for (const [index, { _id }] of events.slice(0, 5).entries())
      await store.events.updateOne(
        { _id },
        { $unset: { loggedAt: 1 }, $set: { recordedAt: new Date(oldest.getTime() - index) } },
      );
    const poller = openPoller(store);
    const ids = idsOf(...outcomes);
    await poller.page(2);
    await poller.toTheEnd();
    expect(poller.shown).toEqual([...ids.slice(0, 5).reverse(), ids[5]]);
    // A process of an older version still writes.
    const [sample] = events;
    if (sample === undefined) throw new Error('Nothing was recorded.');
    const late = { ...sample, _id: uuid(newId()), aggregateId: uuid(newId()) };
    await store.events.insertOne(late);
    expect(await poller.toTheEnd()).toEqual([late._id.toString()]);
  });
});

describe('a stamp', () => {
  it('is what the database says, and grows along each stream', async () => {
    const store = await openCounterStore(database);
    const id = newId();
    for (const _ of upTo(3)) await handle(store, count(id));
    const stored = await store.events.find().sort({ sequence: 1 }).toArray();
    const stamps = stored.map(({ loggedAt }) => loggedAt ?? new Timestamp(0n));
    expect(stamps.every((stamp, index) => index === 0 || stamp.greaterThan(stamps[index - 1] ?? stamp))).toBe(
      true,
    );
    expect(Math.abs((stamps[0]?.getHighBits() ?? 0) - Date.now() / 1_000)).toBeLessThan(60);
  });
});

describe('T-03 an insert that the database is slow to take', () => {
  it('is stamped when it is taken, behind what was recorded after it', async () => {
    const store = await openCounterStore(database);
    const poller = openPoller(store);
    const appName = `slow-${newId()}`;
    const client = createClient(
      `${database.uri}${database.uri.includes('?') ? '&' : '/?'}appName=${appName}`,
    );
    const slow = await openCounterStore({ ...database, client, db: client.db(database.db.databaseName) });
    const fail = (mode: object | string) =>
      database.client.db('admin').command({
        configureFailPoint: 'failCommand',
        mode,
        data: { failCommands: ['insert'], blockConnection: true, blockTimeMS: 1_500, appName },
      });
    await fail({ times: 1 });
    const recording = record(slow);
    const meanwhile = [await record(store), await record(store)];
    expect(await poller.toTheEnd()).toEqual(meanwhile);
    const late = await recording;
    expect(await poller.toTheEnd()).toEqual([late]);
    await client.close();
  });
});

describe('an import', () => {
  it('stands among what was recorded at the same time, where a position may have passed it', async () => {
    const store = await openCounterStore(database);
    const poller = openPoller(store);
    const own = await record(store);
    expect(await poller.toTheEnd()).toEqual([own]);
    const sample = await store.events.findOne({ _id: uuid(own) });
    if (sample === null) throw new Error('The sample is not in the log.');
    const recordedAt = new Date(Date.now() - 3_600_000);
    const imported = { ...sample, _id: uuid(newId()), aggregateId: uuid(newId()), recordedAt };
    await store.events.insertOne({ ...imported, loggedAt: stampOfRecorded(imported, Date.now()) });
    expect(await poller.toTheEnd()).toEqual([]);
    const { items } = await pageEvents(store, 'acme', {}, { limit: 9 });
    expect(items.map(({ event }) => event._id.toString())).toEqual([imported._id.toString(), own]);
    const since = { recordedFrom: recordedAt, recordedTo: recordedAt };
    expect(await openPoller(store, since).toTheEnd()).toEqual([imported._id.toString()]);
  });
});
