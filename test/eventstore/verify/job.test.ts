import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { acquireLease } from '../../../src/eventstore/lease.ts';
import { type Projector, startProjector } from '../../../src/eventstore/projection/projector.ts';
import { startVerifying, type VerifyJob, type VerifyJobOptions } from '../../../src/eventstore/verify/job.ts';
import { lastRuns } from '../../../src/eventstore/verify/schedule.ts';
import { openMetrics } from '../../../src/metrics/metrics.ts';
import { observersOf } from '../../../src/process/observers.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { openWholeStore } from '../../dispatch/stage.ts';
import { eventually } from '../../eventually.ts';
import { openWorld, type World } from './world.ts';

const KINDS = [
  ...['tenders_read', 'route_summary', 'fleet_status', 'approvals_read'],
  ...['LicensePlate', 'DataSubject'],
];
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let store: Store;
let projector: Projector;
let world: World;
let lines: { msg: string; finding?: object }[];
let jobs: VerifyJob[];
beforeEach(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  world = await openWorld(store, 20);
  projector = await startProjector(store, store.projections);
  lines = [];
  jobs = [];
});
afterEach(async () => {
  await Promise.all(jobs.map((job) => job.stop()));
  await projector.stop();
  await database.close();
});

const start = (over: Partial<VerifyJobOptions> = {}) => {
  const to = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  // As in another process: what two have in common is the database.
  const own = { ...store, producerId: `process ${jobs.length}`, log: pino({ level: 'info' }, to) };
  const metrics = openMetrics();
  const { verify: observer } = observersOf(metrics);
  jobs.push(
    startVerifying(own, { everyMs: HOUR_MS, eventsPerSecond: 100_000, observer, lookMs: 20, ...over }),
  );
  return metrics;
};
const runs = () => database.db.collection('projection_verifications');
const makeDue = () => runs().updateMany({}, { $set: { restsSince: new Date(Date.now() - 2 * HOUR_MS) } });
const verified = () => lines.filter(({ msg }) => msg === 'verified a read model');

describe('D-13 verification in the background', () => {
  it('rests for the whole time first, also over restarts', async () => {
    start();
    await eventually(async () => expect(await runs().countDocuments()).toBe(KINDS.length));
    await jobs[0]?.stop();
    const before = await lastRuns(store.db, KINDS);
    start();
    start();
    await eventually(async () => expect(await acquireLease(store.db, 'verify', 'test', 1)).not.toBeNull());
    expect(await lastRuns(store.db, KINDS)).toEqual(before);
    expect(verified()).toEqual([]);
  });

  it('runs in one of two processes, once, and both tell what it came to', async () => {
    await database.db
      .collection<{ _id: string }>('tenders_read')
      .updateOne(
        { _id: `acme/${world.tenders_read[0]?.id}` },
        { $set: { status: 'damaged', note: 'by hand' } },
      );
    const metrics = [start(), start()];
    await eventually(async () => expect(await runs().countDocuments()).toBe(KINDS.length));
    await makeDue();
    for (const of of metrics)
      await eventually(async () =>
        expect(await of.registry.getSingleMetricAsString('waybill_verify_findings')).toMatch(
          /projection="tenders_read",kind="wrong"} 1\n/,
        ),
      );
    await eventually(() => expect(verified()).toHaveLength(KINDS.length));
    const events = await Promise.all(
      metrics.map(async ({ verifyEvents }) => (await verifyEvents.get()).values.map(({ value }) => value)),
    );
    expect(events.flat().sort()).toEqual([0, 0, 60, 60, 60, 60].sort());
    const named = lines.flatMap(({ finding }) => finding ?? []);
    expect(named).toEqual([
      { of: 'tenders_read', row: expect.any(String), kind: 'wrong', fields: ['status', 'note'] },
    ]);
    const row = await database.db.collection('tenders_read').findOne({ note: 'by hand' });
    expect(row?.status).toBe('damaged');
  });

  it('begins again elsewhere when its process ends', async () => {
    start({ eventsPerSecond: 1 });
    await eventually(async () => expect(await runs().countDocuments()).toBe(KINDS.length));
    await makeDue();
    await eventually(async () => expect(await acquireLease(store.db, 'verify', 'test', 1)).toBeNull());
    await jobs[0]?.stop();
    for (const { last } of await lastRuns(store.db, KINDS)) expect(last?.events ?? 0).toBe(0);
    start();
    await eventually(() => expect(verified()).toHaveLength(KINDS.length));
  });
});
