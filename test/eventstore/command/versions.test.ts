import { UUID } from 'mongodb';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Aggregate, record } from '../../../src/eventstore/aggregate.ts';
import { handle } from '../../../src/eventstore/command/handle.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { defineNextVersion, type EventDefinition, type StoredEvent } from '../../../src/eventstore/event.ts';
import { openFeed } from '../../../src/eventstore/feed/feed.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { pageEvents } from '../../../src/eventstore/log/pages.ts';
import { readStream } from '../../../src/eventstore/log/read.ts';
import { openStore } from '../../../src/eventstore/open-store.ts';
import { rowsOf } from '../../../src/eventstore/projection/rows.ts';
import type { Projection } from '../../../src/eventstore/projection.ts';
import { rowAsOf } from '../../../src/eventstore/time/as-of.ts';
import { refusal } from '../../../src/refusal.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { type CountCommand, type CounterRow, count, counterEvents } from '../counter.ts';
import { read } from '../feed/reader.ts';
import { project, type TallyRow } from '../tally.ts';

// One database, and two Waybills on it: the old one writes Counted v1 as { by }, the new one v2 as { steps }.

const [countedV1] = counterEvents;
const countedV2 = defineNextVersion(countedV1, {
  payload: z.object({ steps: z.int() }),
  upcast: ({ by }) => ({ steps: by }),
});

/** What one Waybill knows: how it writes an amount, and how it reads one. */
interface Waybill {
  readonly store: Store;
  readonly aggregate: Aggregate<number, CountCommand>;
  readonly totals: Projection<CounterRow>;
  readonly tallies: Projection<TallyRow>;
  count(id: string, amount: number, key?: string): ReturnType<typeof handle>;
}

async function openWaybill(
  { client, db }: TestDatabase,
  counted: EventDefinition,
  field: 'by' | 'steps',
): Promise<Waybill> {
  const amountOf = (event: StoredEvent): number | null => {
    const amount = (event.payload as Readonly<Record<string, unknown>>)[field];
    if (event.type !== 'Counted') return null;
    if (typeof amount !== 'number') throw new Error(`Event ${event._id} has no ${field}.`);
    return amount;
  };
  const common = { version: 1, aggregateType: 'Counter', indexes: [] } as const;
  const totals: Projection<CounterRow> = {
    ...common,
    name: 'totals',
    mode: 'inline',
    evolve: (row, event) => ({ total: (row?.total ?? 0) + (amountOf(event) ?? 0) }),
  };
  const tallies: Projection<TallyRow> = {
    ...common,
    name: 'tallies',
    mode: 'async',
    evolve: (row, event) => ({ amounts: [...(row?.amounts ?? []), amountOf(event) ?? 0] }),
  };
  const aggregate: Aggregate<number, CountCommand> = {
    type: 'Counter',
    stateVersion: 1,
    initial: 0,
    evolve: (total, event) => total + (amountOf(event) ?? 0),
    decide: (_total, { amount }) => record({ type: 'Counted', payload: { [field]: amount } }),
    projections: [totals, tallies],
    // Thirteen is recorded, and refused: whoever repeats it must be told so again.
    refusalOf: ([first]) =>
      first !== undefined && amountOf(first) === 13 ? refusal('INVALID_TRANSITION') : undefined,
  };
  const log = pino({ level: 'silent' });
  const projections = [totals, tallies];
  const store = await openStore({ client, db, log, definitions: [counted], projections, workflows: [] });
  return {
    store,
    aggregate,
    totals,
    tallies,
    count: (id, amount, key) =>
      handle(store, count(id, { aggregate, amount, ...(key === undefined ? {} : { key }) })),
  };
}

let database: TestDatabase;
let old: Waybill;
let now: Waybill;
beforeAll(async () => {
  database = await openDatabase();
  old = await openWaybill(database, countedV1, 'by');
  now = await openWaybill(database, countedV2, 'steps');
});
afterAll(() => database.close());

const streamOf = (aggregateId: string) => ({ tenantId: 'acme', aggregateType: 'Counter', aggregateId });
const shown = ({ version, payload }: StoredEvent): unknown => ({ version, payload });
const stored = (id: string) =>
  now.store.events
    .find({ aggregateId: new UUID(id) })
    .sort({ sequence: 1 })
    .toArray();

async function rowOf<R extends CounterRow | TallyRow>(
  projection: Projection<R>,
  id: string,
): Promise<R | null> {
  return rowsOf(now.store, 'acme', projection).byId(id);
}

/** A stream with two old events and a new one. */
async function mixed(): Promise<string> {
  const id = newId();
  await old.count(id, 5);
  await old.count(id, 7);
  await now.count(id, 9);
  return id;
}

describe('D-17 a log with events of an older version', () => {
  it('is decided and folded upon in the newest', async () => {
    const id = await mixed();
    expect((await stored(id)).map(shown)).toEqual([
      { version: 1, payload: { by: 5 } },
      { version: 1, payload: { by: 7 } },
      { version: 2, payload: { steps: 9 } },
    ]);
    expect(await rowOf(now.totals, id)).toMatchObject({ total: 21, lastSequence: 3 });
  });

  it('is projected in the newest, as it comes and in catching up', async () => {
    const before = await mixed();
    const projector = await project(now.store);
    onTestFinished(() => projector.stop());
    await eventually(async () =>
      expect(await rowOf(now.tallies, before)).toMatchObject({ amounts: [5, 7, 9] }),
    );
    const after = await mixed();
    await eventually(async () =>
      expect(await rowOf(now.tallies, after)).toMatchObject({ amounts: [5, 7, 9] }),
    );
  });

  it('is read as of a moment in the newest', async () => {
    const id = await mixed();
    const row = await rowAsOf(now.store, streamOf(id), now.aggregate, now.totals, { asOf: new Date() });
    expect(row).toMatchObject({ total: 21 });
    const payloads = await readStream(now.store, streamOf(id)).toArray();
    expect(payloads.map(shown)).toEqual([5, 7, 9].map((steps) => ({ version: 2, payload: { steps } })));
  });

  it('is shown as it is stored: in the log, by id, as it grows, and as the last event of a row', async () => {
    const feed = openFeed(now.store);
    onTestFinished(() => feed.close());
    const id = newId();
    const listener = read(
      feed.log({ tenantId: 'acme', matches: (event) => event.aggregateId.toString() === id }),
    );
    await listener.until(() => listener.items[0]?.kind === 'heartbeat');
    await old.count(id, 5);
    const asWritten = { version: 1, payload: { by: 5 } };
    await listener.until(() => listener.items.some((item) => item.kind === 'appended'));
    const heard = listener.items.flatMap((item) => (item.kind === 'appended' ? [item.event] : []));
    expect(heard.map(shown)).toEqual([asWritten]);
    const { items } = await pageEvents(now.store, 'acme', { aggregateId: [id] }, { limit: 9 });
    const page = items.map((item) => item.event);
    expect(page.map(shown)).toEqual([asWritten]);
    const [event] = page;
    if (event === undefined) throw new Error('The log has no event.');
    expect(await now.store.pointReads.event(event._id)).toEqual(event);
    const row = await rowAsOf(now.store, streamOf(id), now.aggregate, now.totals, {});
    // A row is written before its event has a stamp.
    const { loggedAt: _, ...unstamped } = event;
    expect(row?.lastEvent).toEqual(unstamped);
  });

  it('answers a repeated command as it was answered', async () => {
    const [id, key] = [newId(), newId()];
    await old.count(id, 13, key);
    expect(await now.count(id, 13, key)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'INVALID_TRANSITION' },
    });
  });
});

describe('a log with fields that this code does not know', () => {
  it('is read all the same: they are passed over', async () => {
    const id = await mixed();
    const [first] = await stored(id);
    if (first === undefined) throw new Error('There is no event.');
    const further = {
      ...first,
      _id: new UUID(),
      sequence: 4,
      payload: { by: 1, mood: 'good' },
      metadata: { ...first.metadata, planet: 'Earth' },
      shard: 3,
    };
    await now.store.events.insertOne(further);
    now.store.cache.delete(`acme/Counter/${id}`);
    const projector = await project(now.store);
    onTestFinished(() => projector.stop());

    const outcome = await now.count(id, 2);
    expect(outcome).toMatchObject({ kind: 'recorded', events: [{ sequence: 5 }] });
    expect(outcome.kind === 'recorded' && outcome.row('totals')).toMatchObject({ total: 24 });
    await eventually(async () =>
      expect(await rowOf(now.tallies, id)).toMatchObject({ amounts: [5, 7, 9, 1, 2] }),
    );
    expect(await rowAsOf(now.store, streamOf(id), now.aggregate, now.totals, {})).toMatchObject({
      total: 24,
    });
  });
});
