import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Aggregate, record } from '../../src/eventstore/aggregate.ts';
import { handle } from '../../src/eventstore/command/handle.ts';
import { handleMany } from '../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { defineEvent, defineNextVersion, type StoredEvent } from '../../src/eventstore/event.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { pageEvents } from '../../src/eventstore/log/pages.ts';
import { NewerVersion } from '../../src/eventstore/newer.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { catchUpRows } from '../../src/eventstore/projection/catch-up.ts';
import { rowsOf } from '../../src/eventstore/projection/rows.ts';
import { projectionStatus } from '../../src/eventstore/projection/status.ts';
import type { Projection, Row } from '../../src/eventstore/projection.ts';
import { rebuildProjection } from '../../src/eventstore/rebuild/rebuild.ts';
import { NewerRefused } from '../../src/eventstore/rebuild/refused.ts';
import { rebuildRow } from '../../src/eventstore/rebuild/row.ts';
import { startStaleRebuilds } from '../../src/eventstore/rebuild/stale.ts';
import { doubtsOf } from '../../src/eventstore/recovery/proof.ts';
import { recoverInline } from '../../src/eventstore/recovery/recover.ts';
import { rowAsOf } from '../../src/eventstore/time/as-of.ts';
import { SNAPSHOT_EVERY, snapshotsOf } from '../../src/eventstore/time/snapshots.ts';
import { verifyProjection } from '../../src/eventstore/verify/verify.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually } from '../eventually.ts';
import { type CountCommand, count, counterEvents } from './counter.ts';
import { project } from './tally.ts';

// Two Waybills on one database. The newer one knows Counted in version 2, or a type of its own, Reset.

const [countedV1] = counterEvents;
const countedV2 = defineNextVersion(countedV1, {
  payload: z.object({ by: z.int(), why: z.string() }),
  upcast: ({ by }) => ({ by, why: 'unknown' }),
});
const reset = defineEvent({
  type: 'Reset',
  version: 1,
  aggregateType: 'Counter',
  effect: 'decision',
  doc: 'The counter begins again.',
  payload: z.object({ to: z.int() }),
});

interface TotalRow extends Row {
  readonly total: number;
}

type Fact = 'Counted' | 'Reset';

interface Waybill {
  readonly store: Store;
  readonly aggregate: Aggregate<number, CountCommand>;
  readonly totals: Projection<TotalRow>;
  readonly shown: Projection<TotalRow>;
  /** What was logged at level warn and above. */
  readonly logged: Record<string, unknown>[];
  count(id: string, amount?: number, fact?: Fact): ReturnType<typeof handle>;
}

/** @param knows what it knows that an older one doesn't */
async function openWaybill({ client, db }: TestDatabase, knows?: Fact): Promise<Waybill> {
  const next = (total: number, { type, payload }: StoredEvent): number => {
    const { by = 0, to = 0 } = payload as { by?: number; to?: number };
    return type === 'Reset' ? to : total + by;
  };
  const model = (name: string, mode: 'inline' | 'async'): Projection<TotalRow> => ({
    name,
    mode,
    version: 1,
    aggregateType: 'Counter',
    indexes: [],
    evolve: (row, event) => ({ total: next(row?.total ?? 0, event) }),
  });
  const [totals, shown] = [model('totals', 'inline'), model('shown', 'async')];
  const why = knows === 'Counted' ? { why: 'because' } : {};
  const definitions =
    knows === 'Counted' ? [countedV2] : knows === 'Reset' ? [countedV1, reset] : [countedV1];
  let fact: Fact = 'Counted';
  const aggregate: Aggregate<number, CountCommand> = {
    type: 'Counter',
    stateVersion: 1,
    initial: 0,
    evolve: next,
    decide: (_total, { amount }) =>
      record(
        fact === 'Counted'
          ? { type: fact, payload: { by: amount, ...why } }
          : { type: fact, payload: { to: amount } },
      ),
    projections: [totals, shown],
  };
  const logged: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(line, _encoding, done) {
      logged.push(JSON.parse(String(line)));
      done();
    },
  });
  const store = await openStore({
    client,
    db,
    log: pino({ level: 'warn' }, stream),
    definitions,
    projections: [totals, shown],
    workflows: [],
  });
  return {
    store,
    aggregate,
    totals,
    shown,
    logged,
    count: (id, amount = 1, of = 'Counted') => {
      fact = of;
      return handle(store, count(id, { aggregate, amount }));
    },
  };
}

let database: TestDatabase;
let old: Waybill;
let now: Waybill;
beforeEach(async () => {
  database = await openDatabase();
  old = await openWaybill(database);
});
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await Promise.all([old, now].map(({ store }) => store.snapshots.close()));
  await database.close();
});

const rowOf = (projection: Projection<TotalRow>, id: string, from = old) =>
  rowsOf(from.store, 'acme', projection).byId(id);
const streamOf = (aggregateId: string) => ({ tenantId: 'acme', aggregateType: 'Counter', aggregateId });
const LEFT = { kind: 'refused', refusal: { code: 'NEWER_VERSION' }, events: [] };

async function projecting(waybill: Waybill): Promise<{ stop(): Promise<void> }> {
  const projector = await project(waybill.store);
  stops.push(() => projector.stop());
  return projector;
}

/** A stream of 5 and then a newer event; the old one may have it in memory from before. */
async function withNewer(fact: Fact, remembered = false): Promise<string> {
  const id = newId();
  await (remembered ? old : now).count(id, 5);
  await now.count(id, 3, fact);
  return id;
}

describe.each<[string, Fact, number]>([
  ['type', 'Reset', 3],
  ['version', 'Counted', 8],
])('a stream with an event of a %s that an older process does not know', (_, fact, total) => {
  beforeEach(async () => {
    now = await openWaybill(database, fact);
  });

  it.each([false, true])('is not decided upon, remembered from before or not (%s)', async (remembered) => {
    const [id, other] = [await withNewer(fact, remembered), newId()];
    const one = (aggregateId: string) => count(aggregateId, { aggregate: old.aggregate });
    expect(await old.count(id)).toMatchObject(LEFT);
    expect(await handleMany(old.store, [one(id), one(other), one(id)])).toMatchObject([
      LEFT,
      { kind: 'recorded' },
      LEFT,
    ]);
    expect(await Promise.all([old.count(id), old.count(id), old.count(other)])).toMatchObject([
      LEFT,
      LEFT,
      { kind: 'recorded' },
    ]);
    expect(await old.store.events.countDocuments({ sequence: { $gt: 2 } })).toBe(0);
    expect(await now.count(id, 1)).toMatchObject({ kind: 'recorded' });
  });

  it('is shown as the newer one left it, and as it is stored', async () => {
    const id = await withNewer(fact);
    expect(await rowOf(old.totals, id)).toMatchObject({ total, lastSequence: 2 });
    const { items } = await pageEvents(old.store, 'acme', { aggregateId: [id] }, { limit: 9 });
    expect(items.map(({ event }) => event.type)).toEqual(['Counted', fact]);
  });

  it('is not answered for as of a moment that counts it, and is for one before', async () => {
    const id = newId();
    await old.count(id, 5);
    const between = new Date();
    await eventually(() => expect(Date.now()).toBeGreaterThan(between.getTime()));
    await now.count(id, 3, fact);
    const asked = (asOf: Date) => rowAsOf(old.store, streamOf(id), old.aggregate, old.totals, { asOf });
    await expect(asked(new Date())).rejects.toThrow(NewerVersion);
    expect(await asked(between)).toMatchObject({ total: 5 });
  });

  it('is noted once, as a warning, by type and version', async () => {
    const ids = [await withNewer(fact), await withNewer(fact)];
    for (const id of [...ids, ...ids]) await old.count(id);
    const what = fact === 'Reset' ? 'Reset v1' : 'Counted v2';
    expect(old.store.newer.list()).toContain(what);
    expect(old.logged.filter(({ newer }) => newer === what)).toHaveLength(1);
    expect(old.logged.filter(({ newer }) => newer === undefined)).toEqual([]);
  });

  it('keeps its row where an older projector stands, until a newer one takes over', async () => {
    await projecting(old);
    const id = newId();
    await old.count(id, 5);
    await eventually(async () => expect(await rowOf(old.shown, id)).toMatchObject({ total: 5 }));
    await now.count(id, 3, fact);
    await now.count(id, 4);
    const plain = newId();
    await old.count(plain, 2);
    await eventually(async () => expect(await rowOf(old.shown, plain)).toMatchObject({ total: 2 }));
    expect(await rowOf(old.shown, id)).toMatchObject({ total: 5, lastSequence: 1 });
    const status = (await projectionStatus(old.store)).find(({ name }) => name === 'shown');
    expect(status).toMatchObject({ state: 'degraded', rowsBehind: 1 });
    expect(old.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);

    await projecting(now);
    await eventually(async () =>
      expect(await rowOf(old.shown, id)).toMatchObject({ total: total + 4, lastSequence: 3 }),
    );
  });

  it('is not folded on from a row that a newer projector has left', async () => {
    const projector = await project(now.store);
    const id = await withNewer(fact);
    await eventually(async () => expect(await rowOf(now.shown, id)).toMatchObject({ total }));
    await projector.stop();
    await now.count(id, 4);
    // The change is of a version that the old one knows.
    await now.store.events.updateOne({ sequence: 3 }, { $set: { version: 1, payload: { by: 4 } } });
    await projecting(old);
    const plain = newId();
    await old.count(plain, 2);
    await eventually(async () => expect(await rowOf(old.shown, plain)).toMatchObject({ total: 2 }));
    expect(await rowOf(old.shown, id)).toMatchObject({ total, lastSequence: 2 });
  });

  it('is not caught up by an older process, in the middle of the log or at its end', async () => {
    const [id, level] = [await withNewer(fact), await withNewer(fact)];
    const rows = database.db.collection<TotalRow>('totals');
    await rows.updateOne({ _id: `acme/${id}` }, { $set: { lastSequence: 1, total: 5 } });
    await now.count(level, 1);
    await now.store.events.updateMany({ sequence: 3 }, { $set: { version: 1, payload: { by: 1 } } });
    await rows.updateOne({ _id: `acme/${level}` }, { $set: { lastSequence: 2 } });
    expect(await catchUpRows(old.store, old.totals)).toMatchObject({ rows: 0, poisoned: 2 });
    expect(await rowOf(old.totals, id)).toMatchObject({ total: 5, lastSequence: 1 });
    expect(await rowOf(old.totals, level)).toMatchObject({ lastSequence: 2 });
  });

  it('is not rebuilt by an older process, whole or row by row: the rows stay', async () => {
    const id = await withNewer(fact);
    const refused = rebuildProjection(old.store, old.totals);
    await expect(refused).rejects.toThrow(NewerRefused);
    await expect(refused).rejects.toThrow(/the log holds (Reset v1|Counted v2)/);
    await expect(rebuildRow(old.store, old.totals, 'acme', id)).rejects.toThrow(NewerVersion);
    expect(await rowOf(old.totals, id)).toMatchObject({ total, lastSequence: 2 });
    await rebuildProjection(now.store, now.totals);
    expect(await rowOf(now.totals, id, now)).toMatchObject({ total, lastSequence: 2 });
  });

  it('is not begun again by an older process that would rebuild outdated rows', async () => {
    await withNewer(fact);
    await database.db.collection('projection_pointers').updateMany({}, { $set: { version: 0 } });
    await old.store.live.refresh();
    const stale = startStaleRebuilds(old.store);
    stops.push(() => stale.stop());
    const given = (line: Record<string, unknown>) => String(line.msg).startsWith('the old rows stay until');
    await eventually(() => expect(old.logged.filter(given)).toHaveLength(2));
  });

  it('is passed over by verification, which repairs no row of it, and says so', async () => {
    const id = await withNewer(fact);
    await old.count(newId(), 2);
    const report = await verifyProjection(old.store, old.totals, { repair: true });
    expect(report).toMatchObject({ newer: 1, repaired: 0, rows: 2, complete: true });
    expect(Object.values(report.findings).every((found) => found === 0)).toBe(true);
    expect(await rowOf(old.totals, id)).toMatchObject({ total, lastSequence: 2 });
  });

  it('keeps its read model in doubt after a restore, until a newer process has compared it', async () => {
    const id = await withNewer(fact);
    await database.db.collection('totals').updateOne({ id }, { $set: { lastSequence: 1, total: 5 } });
    const { signal } = new AbortController();
    const inDoubt = async () => (await doubtsOf(old.store, [old.totals])).length;
    expect(await recoverInline(old.store, old.totals, signal)).toBe(false);
    expect(await inDoubt()).toBe(1);
    expect(await recoverInline(now.store, now.totals, signal)).toBe(true);
    expect(await inDoubt()).toBe(0);
    expect(await rowOf(old.totals, id)).toMatchObject({ total, lastSequence: 2 });
  });

  it('is not gone on with from a snapshot that a newer process wrote behind it', async () => {
    const id = await withNewer(fact);
    const more = Array.from({ length: SNAPSHOT_EVERY }, () => count(id, { aggregate: now.aggregate }));
    await handleMany(now.store, more);
    await now.store.snapshots.idle();
    const written = snapshotsOf(database.db);
    expect(await written.countDocuments()).toBeGreaterThan(0);
    await now.store.events.updateMany({ sequence: { $gt: 2 } }, { $set: { version: 1 } });
    expect(await old.count(id)).toMatchObject(LEFT);
    const asked = rowAsOf(old.store, streamOf(id), old.aggregate, old.totals, { asOf: new Date() });
    await expect(asked).rejects.toThrow(NewerVersion);
    now.store.cache.delete(`acme/Counter/${id}`);
    expect(await now.count(id)).toMatchObject({ kind: 'recorded' });
  });
});
