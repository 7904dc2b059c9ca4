import { UUID } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Caller, streamKey } from '../../../src/eventstore/aggregate.ts';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { loadStream } from '../../../src/eventstore/command/load.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { readStream } from '../../../src/eventstore/log/read.ts';
import { rowAsOf } from '../../../src/eventstore/time/as-of.ts';
import { type Snapshot, snapshotsOf } from '../../../src/eventstore/time/snapshots.ts';
import { LATE_READING_MS } from '../../../src/eventstore/time-order.ts';
import type { VehicleCommand } from '../../../src/vehicle/decide.ts';
import { fleetStatus } from '../../../src/vehicle/projection.ts';
import { vehicle } from '../../../src/vehicle/vehicle.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { minute } from '../../given.ts';
import { EVERY, openTimeStore, TENANT } from './time-log.ts';

let database: TestDatabase;
let store: Store;
const fates: Record<string, number> = {};

beforeAll(async () => {
  database = await openDatabase();
  const snapshots = (fate: string, count: number) => {
    fates[fate] = (fates[fate] ?? 0) + count;
  };
  store = await openTimeStore(database, {
    observer: { committed() {}, retried() {}, metNewer() {}, snapshots },
  });
});
afterAll(async () => {
  await store.snapshots.close();
  await database.close();
});

const by: Caller = { id: 'dora', role: 'driver' };
let id: string;
const streamOf = (aggregateId: string) => ({ tenantId: TENANT, aggregateType: 'Vehicle', aggregateId });

async function tell(on: Store, command: VehicleCommand): Promise<void> {
  const intent = { tenantId: TENANT, aggregate: vehicle, id, command, input: {}, origin: 'test' };
  const outcome = await handle(on, intent);
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
}

async function track(on: Store, minutes: number): Promise<void> {
  const fix = { longitude: Math.abs(minutes % 100) + 1, latitude: 1 };
  const [at, occurredAt] = [new Date(), minute(minutes)];
  await tell(on, { type: 'TrackLocation', fix, keyed: true, at, occurredAt, by });
}

/** A vehicle with a fix at each minute, and what was told late. */
async function driven(on: Store, ...minutes: number[]): Promise<void> {
  const at = new Date();
  await tell(on, { type: 'RegisterVehicle', licensePlate: id.slice(-9), at, occurredAt: at, by });
  for (const minute of minutes) await track(on, minute);
  await on.snapshots.idle();
}

const snapshots = (): Promise<Snapshot[]> =>
  snapshotsOf(database.db)
    .find({ aggregateId: new UUID(id) })
    .sort({ sequence: 1 })
    .toArray();

/** As a process has it that has just come up. */
async function loadAnew(on: Store = store, aggregate: typeof vehicle = vehicle) {
  on.cache.delete(streamKey(streamOf(id)));
  return (await loadStream(on, streamOf(id), aggregate, 'fresh')).folded;
}

const UP_TO_TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

beforeEach(() => {
  id = newId();
});

describe('D-07 a stream that grows', () => {
  it('has its fold written down every few events, late ones or not', async () => {
    await driven(store, 1, 2, 3, 4, 3, 5, 6, 7);
    const [first, second, ...others] = await snapshots();
    expect(others).toEqual([]);
    expect(first).toMatchObject({ sequence: 4, at: minute(3), newestAt: minute(3), newestDecisionAt: null });
    expect(first).not.toHaveProperty('newest');
    expect(second).toMatchObject({ sequence: 8, at: minute(6), foundedAt: minute(1) });
  });

  it('keeps the event that took effect last, where another was told after it', async () => {
    await driven(store, 1, 2, 5, 3, 4, 4.5, 4.7);
    const [, second] = await snapshots();
    expect(second).toMatchObject({ sequence: 8, at: minute(5), newest: { sequence: 4 } });
  });

  it('marks what was told late, and nothing else', async () => {
    await driven(store, 10, 11, 10, 11, 12, 1, -100_000);
    const events = await readStream(store, streamOf(id)).toArray();
    const marks = events.map(({ metadata }) => metadata.lateWithinMs ?? 0);
    expect(marks).toEqual([0, 0, 0, LATE_READING_MS, 0, 0, LATE_READING_MS, LATE_READING_MS]);
  });

  it('is never recorded backwards by a server whose clock is behind', async () => {
    await driven(store, 1);
    const [, last] = await readStream(store, streamOf(id)).toArray();
    const ahead = new Date(Date.now() + 30_000);
    await store.events.updateOne({ _id: last?._id ?? new UUID() }, { $set: { recordedAt: ahead } });
    await loadAnew();
    await track(store, 2);
    const events = await readStream(store, streamOf(id)).toArray();
    expect(events.at(-1)?.recordedAt).toEqual(ahead);
    expect(events.at(-1)?.metadata).not.toHaveProperty('lateWithinMs');
  });
});

describe('loading a stream', () => {
  it('gives the same with snapshots, without any, and with some of them lost', async () => {
    await driven(store, ...UP_TO_TEN, 3);
    const whole = await loadAnew();
    expect(whole.sequence).toBe(12);
    await snapshotsOf(database.db).deleteMany({ aggregateId: new UUID(id), sequence: { $gt: 4 } });
    expect(await loadAnew()).toEqual(whole);
    await snapshotsOf(database.db).deleteMany({ aggregateId: new UUID(id) });
    expect(await loadAnew()).toEqual(whole);
    // It took long, so that it was made good.
    await store.snapshots.idle();
    expect((await snapshots()).map(({ sequence }) => sequence)).toEqual([4, 8, 12]);
    expect(await loadAnew()).toEqual(whole);
  });

  it('reads what comes after the snapshot, and no more', async () => {
    await driven(store, ...UP_TO_TEN);
    // Without an event that the snapshot stands for, only whoever reads it would miss it.
    await store.events.deleteOne({ aggregateId: new UUID(id), sequence: 6 });
    const folded = await loadAnew();
    expect(folded).toMatchObject({ sequence: 11, state: { newestFixAt: minute(10).getTime() } });
  });

  it('ignores snapshots of another shape', async () => {
    await driven(store, ...UP_TO_TEN);
    const newer = { ...vehicle, stateVersion: 2, initial: { ...vehicle.initial, departed: true } };
    expect((await loadAnew()).state).toMatchObject({ departed: false });
    expect((await loadAnew(store, newer)).state).toMatchObject({ departed: true });
  });

  it('ignores snapshots of another log', async () => {
    await driven(store, ...UP_TO_TEN);
    const whole = await loadAnew();
    const strange = { eventId: new UUID(), state: { ...vehicle.initial, registered: false } };
    await snapshotsOf(database.db).updateMany({ aggregateId: new UUID(id) }, { $set: strange });
    expect(await loadAnew()).toEqual(whole);
  });

  it.each([
    ['near', UP_TO_TEN],
    ['far', [...UP_TO_TEN.map((minutes) => minutes + 1_000), ...UP_TO_TEN, ...UP_TO_TEN.map((m) => m + 20)]],
  ])('believes none of another log that says how far something was known: %s', async (_, minutes) => {
    await driven(store, ...minutes);
    const strange = { eventId: new UUID(), newestRecordedAt: minute(1_000_000_000) };
    // Only the last one is left, as if the log had ended elsewhere.
    await snapshotsOf(database.db).deleteMany({
      aggregateId: new UUID(id),
      sequence: { $ne: minutes.length > 20 ? 28 : 8 },
    });
    await snapshotsOf(database.db).updateMany(
      { aggregateId: new UUID(id) },
      { $set: { ...strange, at: minute(2) } },
    );
    const now = { asOf: new Date(), knownAt: new Date() };
    const row = await rowAsOf(store, streamOf(id), vehicle, fleetStatus, now);
    expect(row?.position?.occurredAt).toEqual(minute(Math.max(...minutes)));
  });

  it('finds the snapshots of many streams in one go', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      id = newId();
      ids.push(id);
      await driven(store, ...UP_TO_TEN.slice(0, 3 + 4 * n));
    }
    const streams = [...ids, newId()].map(streamOf);
    const found = await Promise.all(streams.map((stream) => store.snapshots.reads.newest(stream, vehicle)));
    expect(found.map((snapshot) => snapshot?.sequence)).toEqual([4, 8, 8, undefined]);
    expect(found.map((snapshot) => snapshot?.aggregateId.toString())).toEqual([...ids, undefined]);
  });
});

describe('writing snapshots', () => {
  it('is done once, whoever does it', async () => {
    const other = await openTimeStore(database);
    await driven(store, ...UP_TO_TEN);
    const written = await snapshots();
    other.snapshots.build(streamOf(id), vehicle);
    await snapshotsOf(database.db).deleteOne({ aggregateId: new UUID(id), sequence: 4 });
    store.snapshots.build(streamOf(id), vehicle);
    await Promise.all([store.snapshots.idle(), other.snapshots.idle()]);
    expect(await snapshots()).toEqual(written);
    await other.snapshots.close();
  });

  it('drops what is too much, and tells so', async () => {
    await driven(store, 1, 2, 3);
    const folded = await loadAnew();
    const milestone = { tenantId: TENANT, aggregate: vehicle, folded, eventId: new UUID() };
    const before = fates.dropped ?? 0;
    store.snapshots.offer(Array.from({ length: 1_500 }, () => milestone));
    expect((fates.dropped ?? 0) - before).toBe(500);
    await store.snapshots.idle();
    expect(await snapshots()).toHaveLength(1);
  });

  it('is turned off by 0', async () => {
    const without = await openTimeStore(database, { snapshotEvery: 0 });
    await driven(without, ...UP_TO_TEN);
    expect(await snapshots()).toEqual([]);
    expect(await loadAnew(without)).toMatchObject({ sequence: 11 });
    expect(EVERY).toBeLessThan(11);
  });
});
