import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER_VEHICLE, tenderMutation } from '../journey/documents.ts';
import { done, offered, type Tour, tour } from '../journey/tour.ts';

const TENDER = 'query ($id: ID!) { tender(id: $id) { vehicle { id licensePlate state tenderId } } }';
const NODE = `query ($id: ID!) {
  node(id: $id) {
    id
    ... on Vehicle { licensePlate state tenderId lastEvent { type payload actor { id } } }
  }
}`;

let gateway: TestGateway;
let toured: Tour;
beforeAll(async () => {
  gateway = await startGateway();
  toured = await tour(gateway);
});
afterAll(() => gateway.close());

/** A vehicle with a load of carrier-1's on it. */
async function carried(carrierId = 'carrier-1', vehicleId?: string) {
  const { tenderId } = await offered(gateway, carrierId);
  await done(gateway, tenderMutation('acceptTender'), { tenderId });
  const plate = `C ${Math.random().toString(36).slice(2, 9)}`;
  const registered = vehicleId ?? (await done(gateway, REGISTER_VEHICLE, { licensePlate: plate })).vehicle.id;
  await done(gateway, tenderMutation('assignTender'), { tenderId, vehicleId: registered });
  return { tenderId, vehicleId: registered as string };
}

const deliver = async (tenderId: string): Promise<void> => {
  for (const stopSequence of [1, 2])
    for (const report of ['reportArrival', 'reportDeparture'])
      await done(gateway, tenderMutation(report, 'ReportStopInput'), { tenderId, stopSequence });
  await done(gateway, tenderMutation('completeTender'), { tenderId });
};

const carrier = (carrierId: string) =>
  gateway.token({ role: 'carrier', carrierId, sub: `${carrierId}-clerk` });
const seenBy = async (id: string, carrierId: string) =>
  (await gateway.data(NODE, { id }, await carrier(carrierId))).node;

describe('G-08 a carrier', () => {
  it('sees the vehicle that moves its load, of the tender and by id', async () => {
    const { tenderId, vehicleId } = await carried();
    const token = await carrier('carrier-1');
    const { tender } = await gateway.data(TENDER, { id: tenderId }, token);
    expect(tender.vehicle).toMatchObject({ id: vehicleId });
    await eventually(async () => expect((await seenBy(vehicleId, 'carrier-1')).tenderId).toBe(tenderId));
    const node = await seenBy(vehicleId, 'carrier-1');
    expect(node).toMatchObject({ id: vehicleId, state: 'reserved' });
    expect(node.lastEvent).toMatchObject({ type: 'VehicleReserved', actor: { id: 'a-dispatcher' } });
  });

  it('sees it no more once the load is delivered, nor whose load it moves then', async () => {
    const { tenderId, vehicleId } = await carried();
    await deliver(tenderId);
    const token = await carrier('carrier-1');
    expect(await seenBy(vehicleId, 'carrier-1')).toBeNull();
    expect((await gateway.data(TENDER, { id: tenderId }, token)).tender.vehicle).toBeNull();
    const next = await carried('carrier-2', vehicleId);
    expect(await seenBy(vehicleId, 'carrier-1')).toBeNull();
    await eventually(async () => expect((await seenBy(vehicleId, 'carrier-2')).tenderId).toBe(next.tenderId));
  });

  it('is told nothing of the load before, by a row that is still behind', async () => {
    const { tenderId, vehicleId } = await carried();
    await eventually(async () => expect((await seenBy(vehicleId, 'carrier-1')).tenderId).toBe(tenderId));
    const rows = gateway.store.db.collection('fleet_status');
    const behind = await rows.findOne({ id: vehicleId.replace('vehicle_', '') });
    if (behind === null) throw new Error('There is a row.');
    await deliver(tenderId);
    await carried('carrier-2', vehicleId);
    await eventually(async () => expect((await seenBy(vehicleId, 'carrier-2')).tenderId).not.toBeNull());
    await rows.replaceOne({ _id: behind._id }, behind);
    expect(await seenBy(vehicleId, 'carrier-2')).toMatchObject({
      tenderId: null,
      lastEvent: { type: 'VehicleReserved', payload: {}, actor: { id: 'withheld' } },
    });
  });

  it('sees no vehicle of another carrier, nor one without a load', async () => {
    const { vehicleId } = await carried();
    expect(await seenBy(vehicleId, 'carrier-2')).toBeNull();
    const { vehicle } = await done(gateway, REGISTER_VEHICLE, { licensePlate: 'IDLE-1' });
    expect(await seenBy(vehicle.id, 'carrier-1')).toBeNull();
  });
});

describe('a list of tenders', () => {
  it('reads the vehicles of all of them at once', async () => {
    const more = [await tour(gateway), await tour(gateway), await tour(gateway)];
    const { db } = gateway.database;
    await db.command({ profile: 2 });
    const { tenders } = await gateway.data(
      'query ($ids: [ID!]) { tenders(filter: { ids: $ids }) { nodes { vehicle { id } } } }',
      { ids: [toured, ...more].map(({ tenderId }) => tenderId) },
    );
    const ids = tenders.nodes.map((node: { vehicle: { id: string } }) => node.vehicle.id);
    expect(new Set(ids)).toEqual(new Set([toured, ...more].map(({ vehicleId }) => vehicleId)));
    await db.command({ profile: 0 });
    const reads = { op: 'query', ns: `${db.databaseName}.fleet_status` };
    expect(await db.collection('system.profile').countDocuments(reads)).toBe(1);
  });
});
