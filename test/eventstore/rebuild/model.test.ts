import { BSON } from 'mongodb';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { openStore } from '../../../src/eventstore/open-store.ts';
import { readPointer } from '../../../src/eventstore/projection/generation/pointer.ts';
import { type Projector, startProjector } from '../../../src/eventstore/projection/projector.ts';
import type { Projection, Row } from '../../../src/eventstore/projection.ts';
import { rebuildProjection } from '../../../src/eventstore/rebuild/rebuild.ts';
import { rebuildRow } from '../../../src/eventstore/rebuild/row.ts';
import { staleProjections, startStaleRebuilds } from '../../../src/eventstore/rebuild/stale.ts';
import { eventDefinitions, projections } from '../../../src/model.ts';
import { fleetStatus } from '../../../src/vehicle/projection.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { eventually } from '../../eventually.ts';
import { driftOf, streamsOf } from '../../log-oracle.ts';
import { driveVehicles, recordStories } from '../../model-log.ts';

let database: TestDatabase;
let store: Store;
let projector: Projector;

const open = (of: readonly Projection[]): Promise<Store> =>
  openStore({
    client: database.client,
    db: database.db,
    log: pino({ level: 'silent' }),
    definitions: eventDefinitions,
    projections: of,
    workflows: [],
  });
const drift = async (of = projections) => driftOf(database.db, await streamsOf(database.db), of);
const level = () => eventually(async () => expect(await drift()).toEqual([]));

beforeEach(async () => {
  database = await openDatabase();
  store = await open(projections);
  projector = await startProjector(store, projections);
  await recordStories(store, 6);
  await level();
});
afterEach(async () => {
  await projector.stop();
  await database.close();
});

/** The rows of a collection, byte for byte, by their `_id`. */
async function bytesOf(collection: string): Promise<Map<string, string>> {
  const rows = await database.db.collection<Row>(collection).find().toArray();
  return new Map(rows.map((row) => [row._id, Buffer.from(BSON.serialize(row)).toString('base64')]));
}

describe('the read models of every context', () => {
  it('rebuilt, are what they were, byte for byte', async () => {
    for (const projection of projections) {
      const { collection, retired, streams } = await rebuildProjection(store, projection);
      const before = await bytesOf(retired);
      expect(before.size, projection.name).toBeGreaterThanOrEqual(12);
      expect(streams).toBe(before.size);
      expect(await bytesOf(collection), projection.name).toEqual(before);
    }
  });
});

describe('read models that older code has folded', () => {
  const newer = projections.map((projection) => ({ ...projection, version: projection.version + 1 }));

  it('rebuild themselves, beside writers, and once only', async () => {
    const upgraded = await open(newer);
    expect(staleProjections(upgraded).map(({ name }) => name)).toEqual(newer.map(({ name }) => name));
    const { drive } = await driveVehicles(upgraded, 20);
    const rebuilding = [startStaleRebuilds(upgraded), startStaleRebuilds(await open(newer))];
    await eventually(async () => {
      await drive();
      await upgraded.live.refresh();
      expect(staleProjections(upgraded)).toEqual([]);
    });
    await Promise.all(rebuilding.map((rebuilds) => rebuilds.stop()));
    for (const { name, version } of newer)
      expect(await readPointer(database.db, name)).toMatchObject({ generation: 2, version });
    await projector.stop();
    projector = await startProjector(upgraded, newer);
    await eventually(async () => expect(await drift(newer)).toEqual([]));
  });

  it('are left alone where that is told to stop', async () => {
    const rebuilds = startStaleRebuilds(await open(newer), {
      openWorkers: async () => [],
    });
    await rebuilds.stop();
    expect((await readPointer(database.db, 'tenders_read'))?.generation).toBe(1);
  });
});

describe('V-05 one row', () => {
  const rows = (name: string) => database.db.collection<Row>(name);
  const someOf = async ({ name }: Projection): Promise<Row> => {
    const row = await rows(name).findOne({ lastSequence: { $gt: 2 } });
    if (row === null) throw new Error(`${name} has no row of three events.`);
    return row;
  };

  it('is rebuilt, whatever was wrong with it, and no other is touched', async () => {
    for (const projection of projections) {
      const { name } = projection;
      const before = await bytesOf(name);
      const { _id, tenantId, id } = await someOf(projection);
      const damages: (() => Promise<unknown>)[] = [
        () => rows(name).updateOne({ _id }, { $set: { fleetId: 'nowhere', lastSequence: 1 } }),
        () => rows(name).updateOne({ _id }, { $inc: { lastSequence: 7 } }),
        () => rows(name).deleteOne({ _id }),
      ];
      for (const damage of damages) {
        await damage();
        const rebuilt = await rebuildRow(store, projection, tenantId, id);
        expect(rebuilt.after).toMatchObject({ _id });
        expect(await bytesOf(name)).toEqual(before);
      }
    }
  });

  it('stays right, though the projector had the wrong one in memory', async () => {
    const { ids, drive } = await driveVehicles(store, 2);
    await level();
    await projector.stop();
    const _id = `acme/${ids[0]}`;
    await rows('fleet_status').updateOne({ _id }, { $set: { fleetId: 'nowhere' } });
    projector = await startProjector(store, projections);
    await drive();
    await eventually(async () => expect((await rows('fleet_status').findOne({ _id }))?.lastSequence).toBe(2));
    await rebuildRow(store, fleetStatus, 'acme', ids[0] ?? '');
    await drive();
    await level();
    expect(await rows('fleet_status').findOne({ _id })).toMatchObject({ lastSequence: 3, fleetId: 'north' });
  });

  it('without a stream is taken away', async () => {
    const [tenders] = projections;
    if (tenders === undefined) throw new Error('There is no read model.');
    const before = await bytesOf(tenders.name);
    const id = '019503a0-0000-7000-8000-00000000dead';
    const row = await someOf(tenders);
    await rows(tenders.name).insertOne({ ...row, _id: `acme/${id}`, tenantId: 'acme', id });
    expect(await rebuildRow(store, tenders, 'acme', id)).toMatchObject({ before: { id }, after: null });
    expect(await bytesOf(tenders.name)).toEqual(before);
  });

  it('is rebuilt while its stream grows, and misses nothing', async () => {
    const { ids, drive } = await driveVehicles(store, 3);
    const [id = ''] = ids;
    let driving = true;
    const driver = (async () => {
      for (let round = 0; driving && round < 300; round++) await drive();
    })();
    for (let times = 0; times < 25; times++) await rebuildRow(store, fleetStatus, 'acme', id);
    driving = false;
    await driver;
    await level();
  });
});
