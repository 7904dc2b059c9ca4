import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../gateway.ts';
import { type Tour, tour } from '../journey/tour.ts';

const TENDER = 'query ($id: ID!) { tender(id: $id) { vehicle { id licensePlate state tenderId } } }';
const NODE = 'query ($id: ID!) { node(id: $id) { id ... on Vehicle { licensePlate } } }';

let gateway: TestGateway;
let toured: Tour;
beforeAll(async () => {
  gateway = await startGateway();
  toured = await tour(gateway);
});
afterAll(() => gateway.close());

describe('G-08 a carrier', () => {
  it('sees the vehicle that moves its load, of the tender and by id', async () => {
    const token = await gateway.token({ role: 'carrier', carrierId: 'carrier-1' });
    const { tender } = await gateway.data(TENDER, { id: toured.tenderId }, token);
    expect(tender.vehicle).toMatchObject({ id: toured.vehicleId, state: 'available', tenderId: null });
    const { node } = await gateway.data(NODE, { id: toured.vehicleId }, token);
    expect(node).toEqual({ id: toured.vehicleId, licensePlate: tender.vehicle.licensePlate });
  });

  it('sees no vehicle of another carrier, nor one without a load', async () => {
    const token = await gateway.token({ role: 'carrier', carrierId: 'carrier-2' });
    expect((await gateway.data(NODE, { id: toured.vehicleId }, token)).node).toBeNull();
    const { result } = await gateway.data(
      'mutation { result: registerVehicle(input: { licensePlate: "IDLE-1" }) { ... on VehiclePayload { vehicle { id } } } }',
    );
    const own = await gateway.token({ role: 'carrier', carrierId: 'carrier-1' });
    expect((await gateway.data(NODE, { id: result.vehicle.id }, own)).node).toBeNull();
  });
});

describe('a list of tenders', () => {
  it('reads the vehicles of all of them at once', async () => {
    const more = [await tour(gateway), await tour(gateway), await tour(gateway)];
    const { db } = gateway.database;
    await db.command({ profile: 2 });
    const { tenders } = await gateway.data('{ tenders(first: 10) { nodes { vehicle { id } } } }');
    const ids = tenders.nodes.map((node: { vehicle: { id: string } }) => node.vehicle.id);
    expect(new Set(ids)).toEqual(new Set([toured, ...more].map(({ vehicleId }) => vehicleId)));
    await db.command({ profile: 0 });
    const reads = { op: 'query', ns: `${db.databaseName}.fleet_status` };
    expect(await db.collection('system.profile').countDocuments(reads)).toBe(1);
  });
});
