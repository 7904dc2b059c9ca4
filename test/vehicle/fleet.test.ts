import fc from 'fast-check';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/eventstore/ids.ts';
import { rowId } from '../../src/eventstore/projection.ts';
import { VEHICLE_STATES } from '../../src/vehicle/events.ts';
import { selectVehicles, type VehicleFilter } from '../../src/vehicle/filter.ts';
import { fleetStatus, type VehicleRow } from '../../src/vehicle/projection.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { minute } from '../given.ts';
import { fixAt, registered } from './cast.ts';
import { FLEETS, LIST } from './documents.ts';

const COUNT = 3_000;
let gateway: TestGateway;
let rows: VehicleRow[];

// Coordinates on a grid, the poles and the 180th meridian among them, so that boxes often touch them exactly.
const longitudes = fc.integer({ min: -36, max: 36 }).map((n) => n * 5);
const latitudes = fc.integer({ min: -18, max: 18 }).map((n) => n * 5);
const boxes = fc
  .tuple(longitudes, longitudes, latitudes, latitudes)
  .map(([west, east, a, b]) => ({ west, east, south: Math.min(a, b), north: Math.max(a, b) }));

beforeAll(async () => {
  gateway = await startGateway();
  const model = registered(fixAt(1)).row(fleetStatus) as VehicleRow;
  const places = fc.sample(fc.tuple(longitudes, latitudes), { numRuns: COUNT, seed: 1 });
  rows = places.map(([longitude, latitude], index) => {
    const id = newId();
    const tenantId = index % 3 === 0 ? 'other' : 'demo';
    return {
      ...model,
      _id: rowId(tenantId, id),
      id,
      tenantId,
      fleetId: index % 10 === 0 ? null : `fleet-${index % 7}`,
      state: VEHICLE_STATES[index % VEHICLE_STATES.length] ?? 'available',
      position:
        index % 11 === 0 ? null : { longitude, latitude, occurredAt: minute(0), recordedAt: minute(0) },
    };
  });
  await gateway.store.db.collection<VehicleRow>('fleet_status').insertMany(rows);
});
afterAll(() => gateway.close());

function queryOf(filter: VehicleFilter): Document {
  return { $and: [{ tenantId: 'demo' }, selectVehicles('demo', filter).filter] };
}

async function idsInDatabase(filter: VehicleFilter): Promise<string[]> {
  const found = gateway.store.db.collection<VehicleRow>('fleet_status').find(queryOf(filter));
  return (await found.map((row) => row.id).toArray()).sort();
}

function idsInMemory(filter: VehicleFilter): string[] {
  const { matches } = selectVehicles('demo', filter);
  return rows
    .filter((row) => row.tenantId === 'demo' && matches(row))
    .map((row) => row.id)
    .sort();
}

describe('a filter of vehicles', () => {
  it('means the same to the database and in memory, for any box', async () => {
    await fc.assert(
      fc.asyncProperty(boxes, async (within) => {
        expect(await idsInDatabase({ within })).toEqual(idsInMemory({ within }));
      }),
      { numRuns: 60 },
    );
  });

  it('means the same with every other field', async () => {
    const some = rows.filter((row) => row.tenantId === 'demo').slice(0, 3);
    const filters: VehicleFilter[] = [
      {},
      { ids: [...some.map((row) => row.id), 'vehicle_x'] },
      { ids: [] },
      { ids: rows.filter((row) => row.tenantId === 'other').map((row) => row.id) },
      { fleetId: ['fleet-1'] },
      { fleetId: ['fleet-1', 'fleet-2'], state: ['available'] },
      { state: ['on_trip', 'stopped'], within: { west: 170, east: -170, south: -90, north: 90 } },
    ];
    for (const filter of filters) expect(await idsInDatabase(filter)).toEqual(idsInMemory(filter));
    expect(idsInMemory({ ids: [] })).toEqual([]);
    expect(idsInMemory({ ids: rows.map((row) => row.id) })).toHaveLength(COUNT - COUNT / 3);
  });
});

interface Stats {
  readonly totalDocsExamined: number;
  readonly totalKeysExamined: number;
  readonly nReturned: number;
}

describe('D-08 the indexes of fleet_status', () => {
  it.each<[string, VehicleFilter]>([
    ['in a box', { within: { west: 10, south: 40, east: 20, north: 55 } }],
    ['in a box over the 180th meridian', { within: { west: 175, south: -40, east: -175, north: 40 } }],
    ['of a fleet in a state', { fleetId: ['fleet-3'], state: ['available'] }],
  ])('vehicles %s are found without reading others', async (_, filter) => {
    const found = gateway.store.db
      .collection('fleet_status')
      .find(queryOf(filter))
      .sort({ _id: 1 })
      .limit(51);
    const { executionStats } = await found.explain('executionStats');
    const { totalDocsExamined, totalKeysExamined, nReturned } = executionStats as Stats;
    expect(nReturned).toBeGreaterThan(0);
    expect(totalDocsExamined).toBeLessThanOrEqual(idsInMemory(filter).length);
    expect(totalKeysExamined).toBeLessThan(4 * idsInMemory(filter).length + 10);
  });

  it('count fleets without reading a row', async () => {
    const counted = gateway.store.db
      .collection('fleet_status')
      .aggregate([
        { $match: { tenantId: 'demo' } },
        { $group: { _id: { fleetId: '$fleetId', state: '$state' }, vehicles: { $sum: 1 } } },
      ]);
    const plan = JSON.stringify(await counted.explain('executionStats'));
    expect(plan).toContain('tenantId_1_fleetId_1_state_1');
    expect(plan).toContain('"totalDocsExamined":0');
  });
});

describe('lists of vehicles', () => {
  it('come page by page, each vehicle once', async () => {
    const filter = { fleetId: ['fleet-1', 'fleet-2'] };
    const seen: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { vehicles } = await gateway.data(LIST, { filter, first: 150, after });
      seen.push(...vehicles.edges.map(({ node }: Data) => node.id.replace('vehicle_', '')));
      more = vehicles.pageInfo.hasNextPage;
      after = vehicles.pageInfo.endCursor;
    }
    expect([...seen].sort()).toEqual(idsInMemory(filter));
  });

  it('refuse a box that is none, naming the edge', async () => {
    const within = { west: 0, south: 10, east: 1, north: 9 };
    const { errors } = await gateway.graphql(LIST, { filter: { within } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'filter.within.south' });
  });

  it('are FORBIDDEN to carriers', async () => {
    const token = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    for (const query of [LIST, FLEETS]) {
      const { errors } = await gateway.graphql(query, {}, token);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    }
  });
});

describe('the fleets', () => {
  it('are counted by state, vehicles without a fleet first', async () => {
    const { fleets } = await gateway.data(FLEETS);
    const mine = rows.filter((row) => row.tenantId === 'demo');
    expect(fleets.map((fleet: Data) => fleet.fleetId)).toEqual([
      null,
      ...[0, 1, 2, 3, 4, 5, 6].map((n) => `fleet-${n}`),
    ]);
    for (const { fleetId, total, states } of fleets) {
      const own = mine.filter((row) => row.fleetId === fleetId);
      expect(total).toBe(own.length);
      for (const { state, vehicles } of states) {
        expect(vehicles).toBe(own.filter((row) => row.state === state).length);
      }
    }
  });

  it('of another tenant are its own', async () => {
    const { fleets } = await gateway.data(FLEETS, {}, await gateway.token({ tenant: 'nobody' }));
    expect(fleets).toEqual([]);
  });
});
