import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registeredVehicle, typesOf } from '../dispatch/stage.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { collect } from '../items.ts';
import { type Desk, offeredTo, openDesk, STOPS, soon } from './desk.ts';

let gateway: TestGateway;
let dora: Desk;
let dan: Desk;
let acme: Desk;
let bolt: Desk;

beforeAll(async () => {
  gateway = await startGateway();
  dora = await openDesk(gateway);
  dan = await openDesk(gateway, { sub: 'dan', role: 'driver' });
  acme = await openDesk(gateway, { sub: 'acme-tms', role: 'carrier', carrierId: 'ACME' });
  bolt = await openDesk(gateway, { sub: 'bolt-tms', role: 'carrier', carrierId: 'BOLT' });
});
afterAll(() => gateway.close());

const WAY = `status stops { name arrivedAt departedAt contradictions reports { kind counts } }
  reports { kind occurredAt counts marks vehicleId actor { id } stopName stopSequence }
  exceptions { reasonCode stopSequence marks actor { id } stopName } reportsNotShown`;
const TENDER = `query Way($id: ID!, $asOf: DateTime) { tender(id: $id, asOf: $asOf) { ${WAY} } }`;

async function wayOf(id: string, desk = dora, asOf?: string): Promise<Data> {
  return (await desk.ask(TENDER, { id, asOf })).tender;
}

/** A load that ACME carries with a vehicle. */
async function assigned(): Promise<{ tenderId: string; truck: string; vehicleId: string }> {
  const truck = await registeredVehicle(gateway.store);
  const vehicleId = `vehicle_${truck}`;
  const tenderId = await offeredTo(dora, 'ACME');
  await acme.give('acceptTender', { tenderId });
  await dora.give('assignTender', { tenderId, vehicleId });
  return { tenderId, truck, vehicleId };
}

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const THREE = [STOPS[0], { kind: 'PICKUP', name: 'Temple', longitude: -97.34, latitude: 31.1 }, STOPS[1]];

describe('T-02 a report and what happens later to its load', () => {
  it('is there when it comes again after an amendment of the stops, as its answer says', async () => {
    const { tenderId, vehicleId } = await assigned();
    const report = { tenderId, stopSequence: 1, idempotencyKey: 'arrived-1' };
    await acme.give('reportArrival', report);
    await dora.give('amendTender', {
      tenderId,
      stops: [{ ...STOPS[0], name: 'Gate 2' }, ...THREE.slice(1)],
    });
    expect(await acme.give('reportArrival', report)).toMatchObject({
      repeated: true,
      tender: { status: 'OFFERED' },
      events: [{ type: 'StopArrived', payload: { stopSequence: 1, stopId: '1.1' } }],
    });
    for (const desk of [dora, acme]) {
      expect(await wayOf(tenderId, desk)).toMatchObject({
        stops: [
          { name: 'Gate 2', arrivedAt: expect.any(String), reports: [{ kind: 'ARRIVAL', counts: true }] },
          { arrivedAt: null, reports: [] },
          { arrivedAt: null },
        ],
        reports: [{ vehicleId, marks: [], stopName: 'Gate 2' }],
      });
    }
  });

  it('stays with a stop that was taken away, and with the vehicle that it was about', async () => {
    const { tenderId, vehicleId } = await assigned();
    await dan.give('reportArrival', { tenderId, stopSequence: 2 });
    await dan.give('raiseException', { tenderId, stopSequence: 2, reasonCode: 'CONSIGNEE_CLOSED' });
    await dora.give('amendTender', {
      tenderId,
      stops: [STOPS[0], { ...STOPS[1], name: 'Dallas', latitude: 32.8 }],
    });
    await acme.give('acceptTender', { tenderId });
    const spare = await registeredVehicle(gateway.store);
    await dora.give('assignTender', { tenderId, vehicleId: `vehicle_${spare}` });
    expect(await wayOf(tenderId)).toMatchObject({
      status: 'ASSIGNED',
      stops: [
        { name: 'Austin', arrivedAt: null },
        { name: 'Dallas', arrivedAt: null, reports: [] },
      ],
      reports: [{ vehicleId, marks: ['OTHER_VEHICLE', 'STOP_REMOVED'], stopName: 'Waco', stopSequence: 2 }],
      exceptions: [{ marks: ['OTHER_VEHICLE', 'STOP_REMOVED'], stopName: 'Waco', stopSequence: 2 }],
    });
  });

  it('is recorded after delivery, without sending the vehicle on its way again', async () => {
    const { tenderId, truck, vehicleId } = await assigned();
    await dan.give('reportArrival', { tenderId, stopSequence: 2 });
    await dora.give('completeTender', { tenderId });
    const next = await offeredTo(dora, 'ACME');
    await acme.give('acceptTender', { tenderId: next });
    await dora.give('assignTender', { tenderId: next, vehicleId });
    for (const stopSequence of [1, 2])
      expect(await dan.give('reportDeparture', { tenderId, stopSequence })).toMatchObject({
        __typename: 'TenderPayload',
        tender: { status: 'COMPLETED' },
        events: [{ type: 'StopDeparted' }],
      });
    expect(await dan.give('raiseException', { tenderId, reasonCode: 'OTHER' })).toMatchObject({
      tender: { status: 'COMPLETED' },
    });
    expect(await typesOf(gateway.store, truck)).toEqual([
      'VehicleRegistered',
      'VehicleReserved',
      'TripEnded',
      'VehicleReserved',
    ]);
    expect((await dora.give('reportDeparture', { tenderId: next, stopSequence: 1 })).events).toMatchObject([
      { type: 'StopDeparted' },
      { type: 'TripStarted' },
    ]);
  });
});

describe('T-02 reports that contradict each other', () => {
  it('are both recorded when two writers tell them at once, and marked for whoever is subscribed', async () => {
    const { tenderId } = await assigned();
    await Promise.all([
      dan.give('reportArrival', { tenderId, stopSequence: 1, idempotencyKey: 'by-driver' }),
      acme.give('reportArrival', {
        tenderId,
        stopSequence: 1,
        idempotencyKey: 'by-carrier',
        occurredAt: new Date(Date.now() + 20_000).toISOString(),
      }),
    ]);
    const way = await wayOf(tenderId);
    expect(way.stops[0]).toMatchObject({ contradictions: ['REPORTED_AGAIN'] });
    expect(way.reports).toMatchObject([
      { actor: { id: 'dan' }, counts: true, marks: [] },
      { actor: { id: 'acme-tms' }, counts: false, marks: ['REPORTED_AGAIN'] },
    ]);
  });

  it('show their marks to whoever is subscribed', async () => {
    const { tenderId } = await assigned();
    const document = `subscription Watch($ids: [ID!]) { tenderChanges(filter: { ids: $ids }) {
      ... on TendersSnapshot { complete } ... on TenderUpdated { event { type } tender { reports { marks } } } } }`;
    const socket = gateway.socket(await gateway.token());
    const items = collect(
      socket.iterate({ query: document, variables: { ids: [tenderId] } }),
      'tenderChanges',
    );
    await items.until(({ complete }) => complete === true);
    await dan.give('reportArrival', { tenderId, stopSequence: 1, occurredAt: minutesAgo(-0.9) });
    await dan.give('reportDeparture', { tenderId, stopSequence: 1, occurredAt: minutesAgo(0.9) });
    const left = await items.until(({ event }) => event?.type === 'StopDeparted');
    expect(left.tender.reports).toMatchObject([
      { marks: ['DEPARTED_BEFORE_ARRIVAL'] },
      { marks: ['DEPARTED_BEFORE_ARRIVAL'] },
    ]);
    items.stop();
  });

  it('show now what asOf shows of any later moment', async () => {
    const { tenderId } = await assigned();
    await dan.give('reportArrival', { tenderId, stopSequence: 2 });
    await dan.give('reportDeparture', { tenderId, stopSequence: 1, occurredAt: minutesAgo(0.5) });
    await dan.give('reportArrival', { tenderId, stopSequence: 1, occurredAt: minutesAgo(90) });
    expect(await wayOf(tenderId, dora, new Date(Date.now() + 60_000).toISOString())).toEqual(
      await wayOf(tenderId),
    );
  });

  it('and what cannot be are refused by name', async () => {
    const { tenderId } = await assigned();
    const input = { tenderId, stopSequence: 1 };
    for (const [over, code, field] of [
      [{ occurredAt: '1970-01-01T00:00:00Z' }, 'TOO_LONG_AGO', 'occurredAt'],
      [{ occurredAt: minutesAgo(31 * 24 * 60) }, 'TOO_LONG_AGO', 'occurredAt'],
      [{ occurredAt: minutesAgo(-2) }, 'FROM_THE_FUTURE', 'occurredAt'],
      [{ stopSequence: 9 }, 'INVALID_INPUT', 'stopSequence'],
    ] as const)
      expect(await dan.give('reportArrival', { ...input, ...over })).toMatchObject({
        __typename: 'InvalidInput',
        code,
        field,
      });
  });
});

describe('T-02 the carrier that has a load now', () => {
  it('learns nothing of what was reported while another had it, and that one keeps its own', async () => {
    const { tenderId, vehicleId } = await assigned();
    await acme.give('reportArrival', { tenderId, stopSequence: 1 });
    await acme.give('raiseException', { tenderId, reasonCode: 'SHIPPER_RELATED' });
    await dora.give('amendTender', { tenderId, weightKg: 7 });
    await acme.give('declineTender', { tenderId, reasonCode: 'RATE_TOO_LOW' });
    await dora.give('offerTender', { tenderId, carrierId: 'BOLT', expiresAt: soon() });
    const nothing = { stops: [{ arrivedAt: null, reports: [] }, {}], reports: [], exceptions: [] };
    expect(await wayOf(tenderId, bolt)).toMatchObject(nothing);
    await bolt.give('acceptTender', { tenderId });
    await dora.give('assignTender', { tenderId, vehicleId });
    expect(await wayOf(tenderId, bolt)).toMatchObject(nothing);
    const { tender } = await bolt.ask(
      'query H($id: ID!) { tender(id: $id) { history { edges { node { type } } } } }',
      { id: tenderId },
    );
    const types = tender.history.edges.map(({ node }: Data) => node.type);
    expect(types).not.toContain('StopArrived');
    expect(types).not.toContain('ExceptionRaised');
    expect(await wayOf(tenderId, acme)).toMatchObject({
      reports: [{ kind: 'ARRIVAL', actor: { id: 'acme-tms' } }],
      exceptions: [{ reasonCode: 'SHIPPER_RELATED' }],
    });
    await bolt.give('reportArrival', { tenderId, stopSequence: 1 });
    expect((await wayOf(tenderId, acme)).reports).toHaveLength(1);
    expect(await wayOf(tenderId)).toMatchObject({ reports: [{}, {}] });
  });
});
