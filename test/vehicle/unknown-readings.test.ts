import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER, TRACK, TRACK_ALL } from './documents.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

async function newVehicle(licensePlate: string): Promise<string> {
  const { result } = await gateway.data(REGISTER, { input: { licensePlate } });
  return result.vehicle.id;
}
const track = async (input: object): Promise<Data> => (await gateway.data(TRACK, { input })).result;
const trackAll = async (fixes: readonly object[]): Promise<Data> =>
  (await gateway.data(TRACK_ALL, { input: { fixes } })).result;

const place = { longitude: 13.4, latitude: 52.5 };
const at = (minute: number) => new Date(Date.UTC(2026, 0, 15, 14, minute)).toISOString();

describe('a fix with readings that its device does not know', () => {
  const unknown = { headingDeg: -1, speedMps: -1, accuracyM: -1, batteryPercent: 255, odometerM: null };

  it('is recorded without them, and they are told', async () => {
    const vehicleId = await newVehicle('UNKNOWN-1');
    const answer = await track({ vehicleId, ...place, ...unknown, altitudeM: 34, occurredAt: at(1) });
    expect(answer).toMatchObject({ __typename: 'VehiclePayload', repeated: false });
    expect(answer.vehicle.position).toMatchObject({ ...place, speedMps: null });
    expect(answer.warnings).toEqual([
      { index: 0, field: 'speedMps', code: 'READING_UNKNOWN' },
      { index: 0, field: 'headingDeg', code: 'READING_UNKNOWN' },
      { index: 0, field: 'accuracyM', code: 'READING_UNKNOWN' },
      { index: 0, field: 'batteryPercent', code: 'READING_UNKNOWN' },
    ]);
    const event = await gateway.store.events.findOne({ type: 'LocationTracked', 'payload.altitudeM': 34 });
    expect(event?.payload).toEqual({ ...place, altitudeM: 34 });
  });

  it('is a repeat when it comes again, with the same warnings, and also without these readings', async () => {
    const vehicleId = await newVehicle('UNKNOWN-2');
    for (const name of [{ occurredAt: at(1) }, { idempotencyKey: 'with a key' }]) {
      const first = await track({ vehicleId, ...place, ...unknown, ...name });
      const again = await track({ vehicleId, ...place, ...unknown, ...name });
      expect(again).toMatchObject({ repeated: true, warnings: first.warnings });
      const without = await track({ vehicleId, ...place, ...name });
      expect(without).toMatchObject({ repeated: true, warnings: [] });
    }
  });

  it('is told by its place in a batch, and costs no other fix anything', async () => {
    const vehicleId = await newVehicle('UNKNOWN-3');
    const fixes = [
      { vehicleId, ...place, occurredAt: at(1) },
      { vehicleId, ...place, headingDeg: -1, occurredAt: at(2) },
      { vehicleId, ...place, longitude: 181, headingDeg: -1, occurredAt: at(3) },
      { vehicleId, ...place, headingDeg: 361, occurredAt: at(4) },
    ];
    const warnings = [
      { index: 1, field: 'headingDeg', code: 'READING_UNKNOWN' },
      { index: 3, field: 'headingDeg', code: 'READING_OUT_OF_RANGE' },
    ];
    const first = await trackAll(fixes);
    expect(first).toMatchObject({ recorded: 3, refused: [{ index: 2, code: 'NOT_ON_EARTH' }], warnings });
    expect(first.warnings[1].message).toBe('headingDeg is left out: 361 is not from 0 to 360.');
    expect(await trackAll(fixes)).toMatchObject({ recorded: 0, repeated: 3, warnings });
  });
});

describe('why a fix is refused', () => {
  const bad = [
    ['NULL_ISLAND', { longitude: 0, latitude: 0 }],
    ['NOT_ON_EARTH', { longitude: 181, latitude: 0 }],
    ['INVALID_INPUT', { ...place, deviceId: 'x'.repeat(5_000) }],
  ] as const;

  it.each(bad)('is %s, whether or not its key was used before', async (code, fix) => {
    const vehicleId = await newVehicle(`WHY-${code}`);
    const key = { idempotencyKey: `why ${code}` };
    expect(await track({ vehicleId, ...fix, ...key })).toMatchObject({ code });
    expect(await track({ vehicleId, ...place, ...key })).toMatchObject({ repeated: false });
    expect(await track({ vehicleId, ...fix, ...key })).toMatchObject({ code });
    expect(await track({ vehicleId, ...place, latitude: 1, ...key })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('is the same in a batch before and after its moment was recorded', async () => {
    const vehicleId = await newVehicle('WHY-BATCH');
    const fixes = [
      { vehicleId, longitude: 0, latitude: 0, occurredAt: at(1) },
      { vehicleId, ...place, occurredAt: at(1) },
      { vehicleId, longitude: 0, latitude: 0, occurredAt: at(1) },
    ];
    const refused = [
      { index: 0, code: 'NULL_ISLAND' },
      { index: 2, code: 'NULL_ISLAND' },
    ];
    expect(await trackAll(fixes)).toMatchObject({ recorded: 1, refused });
    expect(await trackAll(fixes)).toMatchObject({ repeated: 1, refused });
  });
});

describe('why a command is refused', () => {
  it('is what it says itself, also under a key that was used before', async () => {
    const fleetId = 'x'.repeat(5_000);
    const key = { idempotencyKey: 'why a vehicle' };
    const register = async (input: object): Promise<Data> => (await gateway.data(REGISTER, { input })).result;
    expect(await register({ licensePlate: 'WHY-2', fleetId, ...key })).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await register({ licensePlate: 'WHY-2', ...key })).toMatchObject({ repeated: false });
    expect(await register({ licensePlate: 'WHY-2', fleetId, ...key })).toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});
