import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { type Feed, openFeed } from '../../../src/eventstore/feed/feed.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { openStore } from '../../../src/eventstore/open-store.ts';
import { type Projector, startProjector } from '../../../src/eventstore/projection/projector.ts';
import { createClient } from '../../../src/mongo/client.ts';
import { startMongod, type TestMongod } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { bareCounter, type CounterRow, count, counterEvents, countersRead, upTo } from '../counter.ts';
import { naiveFold, storedRows, tallies } from '../tally.ts';
import { began, read, view } from './reader.ts';

let mongod: TestMongod;
let client: ReturnType<typeof createClient>;
let store: Store;
let feed: Feed;
let projector: Projector | undefined;

beforeAll(async () => {
  mongod = await startMongod();
});
afterAll(() => mongod.stop());
beforeEach(async () => {
  client = createClient(mongod.uri);
  const db = client.db(`faults_${newId()}`);
  const projections = [countersRead, tallies()];
  const log = pino({ level: 'silent' });
  store = await openStore({ client, db, log, definitions: counterEvents, projections, workflows: [] });
  feed = openFeed(store);
});
afterEach(async () => {
  feed.close();
  await projector?.stop();
  projector = undefined;
  await client.close();
});

const all = (tenantId: string) => ({ tenantId, projection: countersRead, filter: {}, matches: () => true });
/** The next so many commands of this kind fail with this error; or all but the first ones, or none any more. */
const fail = (command: string, times: number | 'off' | { skip: number }, data: object) =>
  client.db('admin').command({
    configureFailPoint: 'failCommand',
    mode: typeof times === 'number' ? { times } : times,
    data: { failCommands: [command], ...data },
  });
const gaps = (items: readonly { kind: string }[]) => items.filter((item) => item.kind === 'gap').length;

describe('a subscription when mongod dies and comes back', () => {
  it('goes on without a gap, a double or a hole, and the projector too', async () => {
    const tenantId = newId();
    const id = newId();
    projector = await startProjector(store, store.projections);
    const rows = read(feed.ordered<CounterRow>(all(tenantId)));
    const log = read(feed.log({ tenantId, matches: () => true }));
    await Promise.all([rows.until(() => began(rows.items)), log.until(() => log.items.length > 0)]);
    for (const round of upTo(3)) {
      await handleMany(
        store,
        upTo(5).map(() => count(id, { tenantId })),
      );
      await mongod.kill9();
      const writing = eventually(async () => {
        const outcome = await handle(store, count(id, { tenantId, key: `after ${round}` }));
        expect(outcome.kind).toBe('recorded');
      });
      await mongod.restart();
      await writing;
    }
    const { lastSequence } = (await store.db.collection<CounterRow>('counters_read').findOne({ id })) ?? {};
    await rows.until(() => view(rows.items).get(id)?.lastSequence === lastSequence);
    await log.until(() => log.items.filter((item) => item.kind === 'appended').length === lastSequence);
    const updates = rows.items.flatMap((item) => (item.kind === 'updated' ? [item.row.lastSequence] : []));
    const events = log.items.flatMap((item) => (item.kind === 'appended' ? [item.event.sequence] : []));
    expect(updates).toEqual(upTo(lastSequence ?? 0));
    expect(events).toEqual(updates);
    expect(gaps(rows.items) + gaps(log.items)).toBe(0);
    await eventually(async () => expect(await storedRows(store)).toEqual(await naiveFold(store)));
  }, 120_000);
});

describe('a subscription whose history is lost', () => {
  it.each([286, 280, 136])('gets a gap and a fresh snapshot (error %i)', async (errorCode) => {
    const tenantId = newId();
    const ids = upTo(3).map(() => newId());
    const rows = read(feed.ordered<CounterRow>(all(tenantId)));
    await rows.until(() => began(rows.items));
    await fail('getMore', 1, { errorCode, errorLabels: [] });
    await Promise.all(ids.map((id) => handle(store, count(id, { tenantId }))));
    await rows.until(() => gaps(rows.items) === 1 && view(rows.items).size === 3);
    await handle(store, count(ids[0] ?? '', { tenantId }));
    await rows.until(() => view(rows.items).get(ids[0] ?? '')?.lastSequence === 2);
    const after = rows.items.slice(rows.items.findIndex((item) => item.kind === 'gap'));
    expect(after.slice(0, 2)).toMatchObject([
      { kind: 'gap', reason: 'HISTORY_LOST' },
      { kind: 'snapshot', complete: true },
    ]);
    await rows.stop();
  });

  it('gets them as well when a change is too large to be told, now and when it comes back', async () => {
    const tenantId = newId();
    const id = newId();
    await handle(store, count(id, { tenantId }));
    const rows = read(feed.ordered<CounterRow>(all(tenantId)));
    await rows.until(() => began(rows.items));
    const after = rows.items.at(-1)?.cursor;
    // As large as the oplog takes it, with its id beside it; the change that tells of it has the id a third time.
    const _id = `somebody/${'x'.repeat(30_000)}`;
    const blob = 'x'.repeat(16 * 1024 * 1024 - 2 * _id.length);
    await store.db.collection<{ _id: string; blob: string }>('counters_read').insertOne({ _id, blob });
    await rows.until(() => gaps(rows.items) === 1 && rows.items.at(-1)?.kind === 'snapshot');
    await handle(store, count(id, { tenantId }));
    await rows.until(() => view(rows.items).get(id)?.lastSequence === 2);
    const back = read(feed.ordered<CounterRow>({ ...all(tenantId), after }));
    await back.until(() => began(back.items));
    expect(back.items).toMatchObject([{ kind: 'gap' }, { kind: 'snapshot', rows: [{ lastSequence: 2 }] }]);
    await Promise.all([rows.stop(), back.stop()]);
  });

  it('gets them as well when the whole database is dropped', async () => {
    const tenantId = newId();
    await handle(store, count(newId(), { tenantId }));
    const rows = read(feed.ordered<CounterRow>(all(tenantId)));
    const log = read(feed.log({ tenantId, matches: () => true }));
    await Promise.all([rows.until(() => began(rows.items)), log.until(() => log.items.length > 0)]);
    await store.db.dropDatabase();
    await rows.until(() => gaps(rows.items) > 0 && rows.items.at(-1)?.kind === 'snapshot');
    await log.until(() => gaps(log.items) > 0);
    expect(view(rows.items).size).toBe(0);
    await Promise.all([rows.stop(), log.stop()]);
  });

  it('gets them as well when the read model is dropped', async () => {
    const tenantId = newId();
    await handle(store, count(newId(), { tenantId }));
    const rows = read(feed.latest<CounterRow>(all(tenantId), {}));
    await rows.until(() => began(rows.items));
    await store.db.collection('counters_read').drop();
    await rows.until(() => gaps(rows.items) === 1 && rows.items.at(-1)?.kind === 'snapshot');
    expect(view(rows.items).size).toBe(0);
    const id = newId();
    await handle(store, count(id, { tenantId }));
    await rows.until(() => view(rows.items).has(id));
    await rows.stop();
  });
});

describe('a snapshot that fails', () => {
  it('is read again, without the client noticing', async () => {
    const tenantId = newId();
    await handle(store, count(newId(), { tenantId }));
    const before = read(feed.ordered<CounterRow>(all(tenantId)));
    await before.until(() => began(before.items));
    await fail('find', 2, { errorCode: 246 });
    const rows = read(feed.ordered<CounterRow>(all(tenantId)));
    await rows.until(() => began(rows.items));
    expect(rows.items).toMatchObject([{ kind: 'snapshot', complete: true, rows: [{ total: 1 }] }]);
    await rows.stop();
  });

  it('half-way is begun anew after a gap', async () => {
    const tenantId = newId();
    await handleMany(
      store,
      upTo(25).map(() => count(newId(), { tenantId })),
    );
    const small = openFeed(store, { limits: { snapshotRows: 10 } });
    const namespace = `${store.db.databaseName}.counters_read`;
    // The second chunk comes, the third does not.
    await fail('getMore', { skip: 1 }, { errorCode: 239, namespace });
    const rows = read(small.ordered<CounterRow>(all(tenantId)));
    await rows.until(() => gaps(rows.items) === 1);
    await fail('getMore', 'off', {});
    await rows.until(() => began(rows.items));
    expect(rows.items.slice(0, 2)).toMatchObject([
      { kind: 'snapshot', complete: false },
      { kind: 'gap', reason: 'SNAPSHOT_INTERRUPTED' },
    ]);
    expect(view(rows.items).size).toBe(25);
    small.close();
  });

  it('for a filter that makes no sense ends the subscription', async () => {
    const rows = read(feed.ordered<CounterRow>({ ...all(newId()), filter: { total: { $nonsense: 1 } } }));
    expect(await rows.ended).toMatchObject({ code: 2 });
  });
});

describe('a projector whose transactions fail', () => {
  it.each([
    ['at the commit, unknown whether done', 'commitTransaction', { closeConnection: true }],
    ['at the write', 'update', { errorCode: 112, errorLabels: ['TransientTransactionError'] }],
    ['at the change stream', 'getMore', { errorCode: 286, errorLabels: [] }],
  ])('tries again until the rows are right (%s)', async (_, command, data) => {
    const ids = upTo(5).map(() => newId());
    projector = await startProjector(store, store.projections);
    const write = () =>
      handleMany(
        store,
        ids.map((id) => count(id, { aggregate: bareCounter })),
      );
    await write();
    await eventually(async () => expect(await storedRows(store)).toEqual(await naiveFold(store)));
    await fail(command, 3, data);
    for (const _ of upTo(5)) await write();
    await eventually(async () => expect(await storedRows(store)).toEqual(await naiveFold(store)));
  });
});
