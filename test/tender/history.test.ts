import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { tour } from '../journey/tour.ts';
import { type Desk, offeredTo, openDesk, soon } from './desk.ts';

let gateway: TestGateway;
let dora: Desk;
let acme: Desk;
let bolt: Desk;

beforeAll(async () => {
  gateway = await startGateway();
  dora = await openDesk(gateway, { sub: 'dora' });
  acme = await openDesk(gateway, { sub: 'acme-tms', role: 'carrier', carrierId: 'ACME' });
  bolt = await openDesk(gateway, { sub: 'bolt-tms', role: 'carrier', carrierId: 'BOLT' });
});
afterAll(() => gateway.close());

const HISTORY = `query History($id: ID!, $asOf: DateTime, $first: Int, $after: String) {
  tender(id: $id, asOf: $asOf) {
    history(first: $first, after: $after) {
      edges { node { type sequence payload actor { id role } reasonCode occurredAt recordedAt } }
      pageInfo { hasNextPage endCursor }
    } } }`;

async function historyOf(desk: Desk, id: string, over: object = {}): Promise<Data> {
  return (await desk.ask(HISTORY, { id, ...over })).tender.history;
}
const typesIn = (history: Data): string[] => history.edges.map(({ node }: Data) => node.type);

describe('R-02 the history of a tender', () => {
  it('tells each event with who, why and both times', async () => {
    const tenderId = await offeredTo(dora, 'ACME');
    const occurredAt = '2026-01-05T08:00:00.000Z';
    await acme.give('declineTender', { tenderId, reasonCode: 'DRIVER_NOT_AVAILABLE', occurredAt });
    const history = await historyOf(dora, tenderId);
    expect(typesIn(history)).toEqual(['TenderCreated', 'TenderOffered', 'TenderDeclined']);
    const declined = history.edges[2].node;
    expect(declined).toMatchObject({
      sequence: 3,
      actor: { id: 'acme-tms', role: 'carrier' },
      reasonCode: 'DRIVER_NOT_AVAILABLE',
      occurredAt,
    });
    expect(declined.recordedAt > occurredAt).toBe(true);
  });

  it('comes in pages that fit together', async () => {
    const tenderId = await offeredTo(dora, 'ACME', 'BOLT', 'CITY');
    const types: string[] = [];
    let after: string | null = null;
    do {
      const page: Data = await historyOf(dora, tenderId, { first: 3, after });
      types.push(...typesIn(page));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
    expect(types).toEqual(['TenderCreated', 'TenderOffered', 'TenderOffered', 'TenderOffered']);
    const { errors } = await gateway.graphql(HISTORY, { id: tenderId, after: 'x' });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'after' });
  });

  it('leaves out what concerns another carrier', async () => {
    const tenderId = await offeredTo(dora, 'ACME', 'BOLT');
    await bolt.give('declineTender', { tenderId, reasonCode: 'DRIVER_NOT_AVAILABLE' });
    expect(typesIn(await historyOf(bolt, tenderId))).toEqual([
      'TenderCreated',
      'TenderOffered',
      'TenderDeclined',
    ]);
    const seen = await historyOf(acme, tenderId, { first: 2 });
    expect(typesIn(seen)).toEqual(['TenderCreated', 'TenderOffered']);
    expect(seen.pageInfo.hasNextPage).toBe(false);
    expect(JSON.stringify(seen)).not.toContain('BOLT');
  });

  it('tells whoever had the load once nothing of what came after, whatever moment is asked about', async () => {
    const tenderId = await offeredTo(dora, 'ACME');
    await acme.give('acceptTender', { tenderId });
    const then = new Date().toISOString();
    await expect.poll(() => new Date().toISOString() > then).toBe(true);
    await dora.give('amendTender', { tenderId, weightKg: 5 });
    await dora.give('withdrawOffer', { tenderId });
    await dora.give('offerTender', { tenderId, carrierId: 'BOLT', expiresAt: soon() });
    await bolt.give('acceptTender', { tenderId });
    const { result } = await dora.ask(
      'mutation { result: registerVehicle(input: { licensePlate: "HIST-1" }) { ... on VehiclePayload { vehicle { id } } } }',
    );
    const assigned = await dora.give('assignTender', { tenderId, vehicleId: result.vehicle.id });
    expect(assigned).toMatchObject({ tender: { status: 'ASSIGNED' } });
    const seen = await historyOf(acme, tenderId, { asOf: then });
    expect(typesIn(seen)).toEqual([
      'TenderCreated',
      'TenderOffered',
      'TenderAccepted',
      'TenderAmended',
      'TenderOfferWithdrawn',
    ]);
    expect(typesIn(await historyOf(bolt, tenderId))).toContain('TenderAssigned');
  });
});

describe('the history of a vehicle', () => {
  const VEHICLE = 'query ($id: ID!) { vehicle(id: $id) { history { edges { node { type } } } } }';
  const THROUGH =
    'query ($id: ID!) { tender(id: $id) { vehicle { id history { edges { node { type } } } } } }';

  it('is for everyone but carriers', async () => {
    const { vehicleId } = await tour(gateway);
    const { vehicle } = await gateway.data(VEHICLE, { id: vehicleId });
    expect(typesIn(vehicle.history)).toContain('TripStarted');
    const tenderId = await offeredTo(dora, 'ACME');
    await acme.give('acceptTender', { tenderId });
    await dora.give('assignTender', { tenderId, vehicleId });
    const token = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    const { errors } = await gateway.graphql(THROUGH, { id: tenderId }, token);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });
});
