import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../../gateway.ts';
import { inHours, LOAD, tenderMutation } from '../../journey/documents.ts';
import { done } from '../../journey/tour.ts';
import { CHANGE, REGISTER, TRACK } from '../../vehicle/documents.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const LAST = 'updatedAt lastEvent { id type occurredAt recordedAt effectiveAt }';
const TENDER = `id status weightKg acceptedOffer { id } stops { arrivedAt departedAt }
  offers { id status answeredAt } exceptions { note } ${LAST}`;
const VEHICLE = `id state tenderId position { longitude occurredAt } lastSequence ${LAST}`;
const ROUTE = `id durationS adjustments ${LAST}`;
const ASKED = { tender: TENDER, vehicle: VEHICLE, route: ROUTE };

/** So many seconds before now: what a dispatcher keys in late, or a gateway says whose clock is behind. */
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();

async function asOf(name: keyof typeof ASKED, id: string, at: string | null): Promise<Data> {
  const document = `query($id: ID!, $at: DateTime) { found: ${name}(id: $id, asOf: $at) { ${ASKED[name]} } }`;
  return (await gateway.data(document, { id, at })).found;
}

/** That what is shown now is what is told of now: whatever times were told, all of it is over. */
async function expectPresentAsOfNow(name: keyof typeof ASKED, id: string): Promise<Data> {
  const present = await asOf(name, id, null);
  expect(await asOf(name, id, ago(0))).toEqual(present);
  expect(await asOf(name, id, inHours(24))).toEqual(present);
  return present;
}

async function tenderOffered(): Promise<{ tenderId: string; offerId: string }> {
  const created = await done(gateway, tenderMutation('createTender'), LOAD);
  const tenderId: string = created.tender.id;
  const terms = { tenderId, carrierId: 'acme-freight', expiresAt: inHours(1) };
  const { tender } = await done(gateway, tenderMutation('offerTender'), terms);
  return { tenderId, offerId: tender.offers[0].id };
}

const registered = async (): Promise<string> => {
  const licensePlate = `T ${Math.random().toString(36).slice(2, 9)}`;
  const { vehicle } = await done(gateway, REGISTER, { licensePlate });
  await eventually(async () => expect(await asOf('vehicle', vehicle.id, null)).not.toBeNull());
  return vehicle.id;
};

const give = (name: string, input: object, type?: string): Promise<Data> =>
  done(gateway, tenderMutation(name, type), input);

describe('T-01 what claims to precede its own cause', () => {
  it('takes effect with it: an acceptance 2 s before its offer', async () => {
    const { tenderId, offerId } = await tenderOffered();
    await give('acceptTender', { tenderId, offerId, occurredAt: ago(2) });
    const present = await expectPresentAsOfNow('tender', tenderId);
    expect(present).toMatchObject({ status: 'ACCEPTED', lastEvent: { type: 'TenderAccepted' } });
    const { effectiveAt, occurredAt } = present.lastEvent;
    // Both times are shown as they were told.
    expect(Date.parse(occurredAt)).toBeLessThan(Date.parse(effectiveAt));
    // One moment before, it was offered.
    const before = new Date(Date.parse(effectiveAt) - 1).toISOString();
    expect((await asOf('tender', tenderId, before))?.status).not.toBe('ACCEPTED');
  });

  it('takes effect with it: amendments and a cancellation from a gateway whose clock is behind', async () => {
    const { tenderId } = await tenderOffered();
    await give('amendTender', { tenderId, weightKg: 7_000, occurredAt: ago(45) });
    await give('amendTender', { tenderId, weightKg: 8_000, occurredAt: ago(50) });
    await expectPresentAsOfNow('tender', tenderId);
    await give('cancelTender', { tenderId, reasonCode: 'OTHER', occurredAt: ago(46) });
    expect(await expectPresentAsOfNow('tender', tenderId)).toMatchObject({
      status: 'CANCELLED',
      weightKg: 8_000,
    });
  });

  it('takes effect with it: the adjustments of a route', async () => {
    const stops = [{ name: 'Berlin', longitude: 13.4, latitude: 52.5 }];
    const payload = '__typename ... on Refusal { code message } ... on RoutePayload { route { id } }';
    const document = (name: string, type: string): string =>
      `mutation($input: ${type}!) { result: ${name}(input: $input) { ${payload} } }`;
    const { route } = await done(gateway, document('planRoute', 'PlanRouteInput'), { stops });
    for (const [durationS, seconds] of [
      [100, 5],
      [200, 9],
      [300, 7],
    ] as const) {
      const input = { routeId: route.id, durationS, reasonCode: 'TRAFFIC', occurredAt: ago(seconds) };
      await done(gateway, document('adjustRoute', 'AdjustRouteInput'), input);
    }
    expect(await expectPresentAsOfNow('route', route.id)).toMatchObject({ durationS: 300, adjustments: 3 });
  });

  it('takes effect with it: the states of a vehicle', async () => {
    const vehicleId = await registered();
    for (const [state, seconds] of [
      ['non_contactable', 10],
      ['missing', 30],
      ['available', 20],
    ] as const) {
      await done(gateway, CHANGE, { vehicleId, state, occurredAt: ago(seconds) });
    }
    await eventually(async () => {
      expect(await expectPresentAsOfNow('vehicle', vehicleId)).toMatchObject({
        state: 'available',
        lastSequence: 4,
      });
    });
  });

  it('takes effect with it: a tender and its vehicle, assigned and on the way by several clocks', async () => {
    const vehicleId = await registered();
    const { tenderId, offerId } = await tenderOffered();
    await give('acceptTender', { tenderId, offerId, occurredAt: ago(45) });
    await give('assignTender', { tenderId, vehicleId, occurredAt: ago(90) });
    await expectPresentAsOfNow('tender', tenderId);
    await eventually(async () => {
      expect(await expectPresentAsOfNow('vehicle', vehicleId)).toMatchObject({ state: 'reserved', tenderId });
    });
    await give('reportDeparture', { tenderId, stopSequence: 1 }, 'ReportStopInput');
    expect(await expectPresentAsOfNow('tender', tenderId)).toMatchObject({ status: 'IN_TRANSIT' });
  });
});

describe('T-01 what was seen', () => {
  const fix = (vehicleId: string, longitude: number, seconds: number): Promise<Data> =>
    done(gateway, TRACK, { vehicleId, longitude, latitude: 50, occurredAt: ago(seconds) });

  it('counts from when it was seen, before the vehicle was registered, too', async () => {
    const vehicleId = await registered();
    await fix(vehicleId, 12, 7_200);
    await fix(vehicleId, 13, 3_600);
    await fix(vehicleId, 11, 10_800);
    await eventually(async () => {
      const present = await expectPresentAsOfNow('vehicle', vehicleId);
      expect(present).toMatchObject({ position: { longitude: 13 }, lastSequence: 4 });
    });
    expect(await asOf('vehicle', vehicleId, ago(7_000))).toMatchObject({
      state: 'available',
      position: { longitude: 12 },
      // What happened to it last, by then.
      lastEvent: { occurredAt: expect.stringContaining('T') },
      lastSequence: 2,
    });
    expect(await asOf('vehicle', vehicleId, ago(10_000))).toMatchObject({ position: { longitude: 11 } });
    expect(await asOf('vehicle', vehicleId, ago(11_000))).toBeNull();
  });

  it('is the same whichever of two fixes of one moment comes first', async () => {
    const occurredAt = ago(60);
    const readings = [
      { longitude: 1, deviceId: 'phone', accuracyM: 30 },
      { longitude: 2, deviceId: 'tracker', accuracyM: 4 },
    ];
    for (const order of [readings, readings.toReversed()]) {
      const vehicleId = await registered();
      for (const reading of order)
        await done(gateway, TRACK, { vehicleId, latitude: 50, occurredAt, ...reading });
      await eventually(async () => {
        const present = await expectPresentAsOfNow('vehicle', vehicleId);
        expect(present).toMatchObject({ position: { longitude: 2 }, lastSequence: 3 });
      });
    }
  });
});
