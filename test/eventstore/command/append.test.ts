import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { readStream } from '../../../src/eventstore/log/read.ts';
import { rowsOf } from '../../../src/eventstore/projection/rows.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import {
  bareCounter,
  count,
  countersRead,
  countOnBoth,
  openCounterStore,
  sequencesOf,
  upTo,
} from '../counter.ts';

let database: TestDatabase;
let store: Store;
let other: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openCounterStore(database);
  other = await openCounterStore(database);
});
afterAll(() => database.close());

describe('S-01 two writers on one stream', () => {
  it.each([
    ['with a row each', count(newId()).aggregate],
    ['with events only', bareCounter],
  ])('leave neither hole nor double (%s)', async (_, aggregate) => {
    const id = newId();
    const intents = upTo(60).map(() => count(id, { aggregate }));
    const outcomes = await Promise.all([handleMany(store, intents), handleMany(other, intents)]);
    const recorded = outcomes.flat().filter((outcome) => outcome.kind === 'recorded');
    expect(recorded).toHaveLength(120);
    expect(await sequencesOf(store, id)).toEqual(upTo(120));
  });

  it('never pass a limit that each of them checked', async () => {
    const id = newId();
    const intents = upTo(40).map(() => count(id, { limit: 50 }));
    const outcomes = (await Promise.all([handleMany(store, intents), handleMany(other, intents)])).flat();
    expect(outcomes.filter((outcome) => outcome.kind === 'recorded')).toHaveLength(50);
    expect(outcomes.filter((outcome) => outcome.kind === 'refused')).toHaveLength(30);
    expect((await rowsOf(store, 'acme', countersRead).byId(id))?.total).toBe(50);
  });
});

describe('D-02 a command that comes again', () => {
  it('is a success with the first result', async () => {
    const id = newId();
    const first = await handle(store, count(id, { key: 'k' }));
    const again = await handle(other, count(id, { key: 'k' }));
    expect(first).toMatchObject({ kind: 'recorded', repeated: false });
    expect(again).toMatchObject({ kind: 'recorded', repeated: true });
    expect(again.events.map((event) => event._id)).toEqual(first.events.map((event) => event._id));
  });

  it('is recorded once when 32 come at once, in two processes', async () => {
    const id = newId();
    const intents = upTo(16).map(() => count(id, { key: 'k' }));
    const outcomes = (await Promise.all([handleMany(store, intents), handleMany(other, intents)])).flat();
    expect(outcomes.map((outcome) => outcome.kind === 'recorded' && outcome.repeated).sort()).toEqual([
      false,
      ...upTo(31).map(() => true),
    ]);
    expect(await sequencesOf(store, id)).toEqual([1]);
  });

  it('is a success even where the state would refuse it by now', async () => {
    const id = newId();
    await handle(store, count(id, { key: 'last', limit: 1 }));
    expect(await handle(store, count(id, { key: 'last', limit: 1 }))).toMatchObject({ repeated: true });
    expect(await handle(store, count(id, { key: 'next', limit: 1 }))).toMatchObject({
      refusal: { code: 'INVALID_TRANSITION' },
    });
  });

  it('is refused when its key stands for other input', async () => {
    const id = newId();
    await handle(store, count(id, { key: 'k', amount: 1 }));
    const reused = { kind: 'refused', refusal: { code: 'IDEMPOTENCY_KEY_REUSED' } };
    expect(await handle(store, count(id, { key: 'k', amount: 2 }))).toMatchObject(reused);
    expect(
      await handleMany(
        other,
        upTo(2).map(() => count(id, { key: 'k', amount: 3 })),
      ),
    ).toMatchObject([reused, reused]);
  });
});

describe('a stream in the memory of one process that another has written', () => {
  it('does not make it refuse by what it remembers', async () => {
    const id = newId();
    await handle(store, count(id));
    const raised = count(id, { amount: 5 });
    await handle(other, raised);
    const outcome = await handle(store, count(id, { limit: 7 }));
    expect(outcome).toMatchObject({ kind: 'recorded' });
    expect(outcome.kind === 'recorded' && outcome.row('counters_read')).toMatchObject({
      total: 7,
      lastSequence: 3,
    });
  });
});

describe('a payload that does not fit its schema', () => {
  it('is refused with the field, and spoils nothing beside it', async () => {
    const [good, bad] = [newId(), newId()];
    const outcomes = await handleMany(store, [count(good), count(bad, { amount: 101 }), count(good)]);
    expect(outcomes[1]).toMatchObject({ kind: 'refused', refusal: { code: 'INVALID_INPUT', field: 'by' } });
    expect(await sequencesOf(store, good)).toEqual([1, 2]);
    expect(await sequencesOf(store, bad)).toEqual([]);
  });
});

describe('a command on several streams', () => {
  it('writes all of them or none', async () => {
    const [lead, side] = [newId(), newId()];
    const onBoth = () => handle(store, countOnBoth(lead, { id: side, limit: 1 }));
    expect(await onBoth()).toMatchObject({ kind: 'recorded' });
    const refused = await onBoth();
    expect(refused).toMatchObject({ kind: 'refused', refusal: { code: 'INVALID_TRANSITION' } });
    expect(await sequencesOf(store, lead)).toEqual([1]);
    expect(await sequencesOf(store, side)).toEqual([1]);
  });

  it('holds its rule when many leads want the same side', async () => {
    const side = newId();
    const intents = upTo(12).map(() => countOnBoth(newId(), { id: side, limit: 3 }));
    const outcomes = await Promise.all([
      handleMany(store, intents.slice(0, 6)),
      handleMany(other, intents.slice(6)),
    ]);
    expect(outcomes.flat().filter((outcome) => outcome.kind === 'recorded')).toHaveLength(3);
    expect(await sequencesOf(store, side)).toEqual([1, 2, 3]);
  });
});

describe('S-04 a row that someone changed past the log', () => {
  it.each([
    ['missing', (id: string) => ({ deleteOne: { filter: { _id: `acme/${id}` } } })],
    [
      'stale',
      (id: string) => ({
        updateOne: { filter: { _id: `acme/${id}` }, update: { $set: { lastSequence: 1, total: 9 } } },
      }),
    ],
    [
      'ahead',
      (id: string) => ({
        updateOne: { filter: { _id: `acme/${id}` }, update: { $set: { lastSequence: 77 } } },
      }),
    ],
  ])('is mended by the next event (%s)', async (_, damage) => {
    const id = newId();
    await handle(store, count(id));
    await handle(store, count(id));
    await database.db.collection<{ _id: string }>('counters_read').bulkWrite([damage(id)]);
    const bystander = newId();
    await handleMany(store, [count(id), count(bystander)]);
    expect(await rowsOf(store, 'acme', countersRead).byId(id)).toMatchObject({ total: 3, lastSequence: 3 });
    expect(await rowsOf(store, 'acme', countersRead).byId(bystander)).toMatchObject({ total: 1 });
  });
});

describe('D-08 S-03 reading a stream', () => {
  it('walks the stream index in order and examines what it returns', async () => {
    const id = newId();
    await handleMany(
      store,
      upTo(20).map(() => count(id)),
    );
    const plan = await readStream(
      store,
      { tenantId: 'acme', aggregateType: 'Counter', aggregateId: id },
      5,
    ).explain('executionStats');
    const stats = plan.executionStats;
    const winner = JSON.stringify(plan.queryPlanner.winningPlan);
    expect(winner).toContain('"IXSCAN"');
    expect(winner).not.toContain('"SORT"');
    expect(stats).toMatchObject({ nReturned: 15, totalDocsExamined: 15 });
  });
});
