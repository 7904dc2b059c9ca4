import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { BY, REGISTER, TRACK, TRACK_ALL, WAY } from './documents.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

async function newVehicle(licensePlate: string): Promise<string> {
  const { result } = await gateway.data(REGISTER, { input: { licensePlate } });
  return result.vehicle.id;
}

async function track(input: object, token?: string): Promise<Data> {
  return (await gateway.data(TRACK, { input }, token)).result;
}

async function trackAll(input: object, token?: string): Promise<Data> {
  return (await gateway.data(TRACK_ALL, { input }, token)).result;
}

const berlin = { longitude: 13.4, latitude: 52.5 };
const at = (minute: number) => new Date(Date.UTC(2026, 0, 15, 14, minute)).toISOString();

describe('V-02 tracking a location', () => {
  it('moves the vehicle, named by plate or by id', async () => {
    const vehicleId = await newVehicle('TRACK-1');
    const driver = await gateway.token({ role: 'driver' });
    const first = await track(
      { licensePlate: 'track 1', ...berlin, occurredAt: at(0), speedMps: 8.5 },
      driver,
    );
    expect(first).toMatchObject({ repeated: false, events: [{ type: 'LocationTracked', sequence: 2 }] });
    expect(first.vehicle).toMatchObject({
      id: vehicleId,
      position: { ...berlin, occurredAt: at(0), speedMps: 8.5 },
    });
    const second = await track({ vehicleId, longitude: 13.5, latitude: 52.6, occurredAt: at(1) }, driver);
    expect(second.vehicle.position).toMatchObject({ longitude: 13.5, latitude: 52.6, speedMps: null });
  });

  it('records a late fix and leaves the position where it is', async () => {
    const vehicleId = await newVehicle('TRACK-2');
    await track({ vehicleId, ...berlin, occurredAt: at(10) });
    const late = await track({ vehicleId, longitude: 1, latitude: 1, occurredAt: at(9) });
    expect(late).toMatchObject({ repeated: false, events: [{ sequence: 3 }] });
    expect(late.vehicle.position).toMatchObject({ ...berlin, occurredAt: at(10) });
  });

  it('knows a fix again by vehicle, device and moment, late or new', async () => {
    const vehicleId = await newVehicle('TRACK-3');
    const fix = { vehicleId, ...berlin, occurredAt: at(0), speedMps: 3 };
    await track(fix);
    await track({ ...fix, occurredAt: at(5) });
    for (const occurredAt of [at(0), at(5)]) {
      expect(await track({ ...fix, occurredAt })).toMatchObject({ repeated: true });
    }
    expect(await track({ ...fix, speedMps: 4 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await track({ ...fix, speedMps: 4, deviceId: 'second' })).toMatchObject({ repeated: false });
  });

  it('knows a fix again by its key', async () => {
    const vehicleId = await newVehicle('TRACK-4');
    const fix = { vehicleId, ...berlin, idempotencyKey: 'fix 1' };
    expect(await track(fix)).toMatchObject({ repeated: false });
    expect(await track(fix)).toMatchObject({ repeated: true });
    expect(await track({ ...fix, latitude: 1 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await track({ ...fix, idempotencyKey: '' })).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('takes fixes without key and moment as so many, even in one millisecond', async () => {
    const vehicleId = await newVehicle('TRACK-5');
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => track({ vehicleId, longitude: index + 1, latitude: 1 })),
    );
    expect(results.every((result) => result.repeated === false)).toBe(true);
  });

  it.each([
    ['NOT_ON_EARTH', { longitude: 181, latitude: 1 }],
    ['NOT_ON_EARTH', { longitude: 1, latitude: -90.5 }],
    ['NULL_ISLAND', { longitude: 0, latitude: 0 }],
    ['FROM_THE_FUTURE', { ...berlin, occurredAt: '2126-01-01T00:00:00Z' }],
    ['INVALID_INPUT', { ...berlin, deviceId: ' ' }],
    ['NOT_FOUND', { ...berlin, licensePlate: 'NOBODY' }],
  ])('refuses with %s: %o', async (code, fix) => {
    const result = await track({ ...('licensePlate' in fix ? {} : { licensePlate: 'TRACK-1' }), ...fix });
    expect(result).toMatchObject({ code });
  });

  it('refuses an id that nobody registered, and a fix of none or two names', async () => {
    const unknown = 'vehicle_019503a0-0000-7000-8000-00000000ffff';
    expect(await track({ vehicleId: unknown, ...berlin })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await track({ vehicleId: 'x', ...berlin })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await track(berlin)).toMatchObject({ code: 'INVALID_INPUT', field: 'vehicleId' });
    const both = { vehicleId: unknown, licensePlate: 'TRACK-1', ...berlin };
    expect(await track(both)).toMatchObject({ code: 'INVALID_INPUT', field: 'vehicleId' });
  });

  it('is not for carriers', async () => {
    const carrier = await gateway.token({ role: 'carrier', carrierId: 'ACME' });
    expect(await track({ licensePlate: 'TRACK-1', ...berlin }, carrier)).toMatchObject({ code: 'FORBIDDEN' });
    const { errors } = await gateway.graphql(TRACK_ALL, { input: { fixes: [] } }, carrier);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('tracking many locations at once', () => {
  it('answers each on its own: one bad fix spoils no other', async () => {
    const vehicleId = await newVehicle('MANY-1');
    await newVehicle('MANY-2');
    const fixes = [
      { vehicleId, ...berlin, occurredAt: at(0) },
      { licensePlate: 'many 2', ...berlin, occurredAt: at(0) },
      { vehicleId, ...berlin, occurredAt: at(0) },
      { vehicleId, longitude: 0, latitude: 0, occurredAt: at(1) },
      { licensePlate: 'NOBODY', ...berlin },
      { ...berlin },
      { vehicleId: 'vehicle_019503a0-0000-7000-8000-00000000ffff', ...berlin },
      { vehicleId, longitude: 200, latitude: 0, occurredAt: at(2) },
      { vehicleId, ...berlin, latitude: 53, occurredAt: at(0) },
      { vehicleId, ...berlin, occurredAt: at(3), deviceId: ' ' },
      { vehicleId, ...berlin, occurredAt: at(4) },
    ];
    const answer = await trackAll({ fixes });
    expect(answer).toMatchObject({ recorded: 3, repeated: 1 });
    expect(answer.refused.map(({ index, code }: Data) => [index, code])).toEqual([
      [3, 'NULL_ISLAND'],
      [4, 'NOT_FOUND'],
      [5, 'INVALID_INPUT'],
      [6, 'NOT_FOUND'],
      [7, 'NOT_ON_EARTH'],
      [8, 'IDEMPOTENCY_KEY_REUSED'],
      [9, 'INVALID_INPUT'],
    ]);
    const again = await trackAll({ fixes });
    expect(again).toMatchObject({ recorded: 0, repeated: 4 });
    expect(again.refused).toHaveLength(7);
  });

  it('names fixes without key and moment by the key of the batch', async () => {
    const vehicleId = await newVehicle('MANY-3');
    const input = {
      fixes: [
        { vehicleId, ...berlin },
        { vehicleId, ...berlin },
      ],
      idempotencyKey: 'batch 1',
    };
    expect(await trackAll(input)).toMatchObject({ recorded: 2, repeated: 0 });
    expect(await trackAll(input)).toMatchObject({ recorded: 0, repeated: 2 });
  });

  it('takes 1,000 and not one more', async () => {
    const vehicleId = await newVehicle('MANY-4');
    const fixes = Array.from({ length: 1_001 }, (_, second) => ({
      vehicleId,
      ...berlin,
      occurredAt: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
    }));
    const none = { repeated: 0, refused: [], warnings: [] };
    const { errors } = await gateway.graphql(TRACK_ALL, { input: { fixes } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'fixes' });
    expect(await trackAll({ fixes: fixes.slice(1) })).toEqual({ recorded: 1_000, ...none });
    expect(await trackAll({ fixes: [] })).toEqual({ recorded: 0, ...none });
  });
});

describe('where a vehicle was', () => {
  it('is told for any moment by occurredAt, as far as was known at any moment by recordedAt', async () => {
    const vehicleId = await newVehicle('PAST-1');
    await track({ vehicleId, longitude: 1, latitude: 1, occurredAt: at(10) });
    await track({ vehicleId, longitude: 3, latitude: 3, occurredAt: at(30) });
    // By the clock that dates what is recorded, and beyond what asking the database again may move it.
    const { clock } = gateway.store;
    const now = clock.now();
    const known = new Date(now).toISOString();
    await expect.poll(() => clock.now() > now + 20).toBe(true);
    const late = await track({ vehicleId, longitude: 2, latitude: 2, occurredAt: at(20) });
    expect(late.repeated).toBe(false);
    const longitude = async (moment: object) =>
      (await gateway.data(BY, { licensePlate: 'PAST-1', ...moment })).vehicle?.position?.longitude;
    expect(await longitude({ asOf: at(25) })).toBe(2);
    expect(await longitude({ asOf: at(20) })).toBe(2);
    expect(await longitude({ asOf: at(19) })).toBe(1);
    expect(await longitude({ asOf: at(25), knownAt: known })).toBe(1);
    expect(await longitude({ asOf: '2100-01-01T00:00:00Z' })).toBe(3);
    expect(await longitude({ knownAt: '2100-01-01T00:00:00Z' })).toBe(3);
    // It was registered in our days, yet its own fixes say that it was there before.
    expect((await gateway.data(BY, { id: vehicleId, asOf: at(9) })).vehicle).toBeNull();
    expect((await gateway.data(BY, { id: vehicleId, knownAt: at(9) })).vehicle).toBeNull();
  });
});

describe('the way of a vehicle', () => {
  const range = { from: at(10), to: at(40) };

  it('is oldest first, whatever the order of arrival, with both ends, page by page', async () => {
    const vehicleId = await newVehicle('WAY-1');
    const minutes = [30, 5, 10, 41, 20, 40, 25, 11];
    for (const minute of minutes) await track({ vehicleId, ...berlin, occurredAt: at(minute) });
    const inside = [10, 11, 20, 25, 30, 40].map(at);
    const all = (await gateway.data(WAY, { vehicleId, ...range })).vehicleTrack;
    expect(all.edges.map(({ node }: Data) => node.occurredAt)).toEqual(inside);
    expect(all.edges[0].node).toMatchObject({ ...berlin, event: { type: 'LocationTracked' } });
    const paged: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { vehicleTrack } = await gateway.data(WAY, { vehicleId, ...range, first: 4, after });
      paged.push(...vehicleTrack.edges.map(({ node }: Data) => node.occurredAt));
      more = vehicleTrack.pageInfo.hasNextPage;
      after = vehicleTrack.pageInfo.endCursor;
    }
    expect(paged).toEqual(inside);
  });

  it('is empty for no vehicle of ours, and INVALID_INPUT for no range or cursor', async () => {
    expect((await gateway.data(WAY, { vehicleId: 'x', ...range })).vehicleTrack.edges).toEqual([]);
    const backwards = await gateway.graphql(WAY, { vehicleId: 'x', from: range.to, to: range.from });
    expect(backwards.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'from' });
    const { vehicle } = await gateway.data(BY, { licensePlate: 'WAY-1' });
    const cursor = await gateway.graphql(WAY, { vehicleId: vehicle.id, ...range, after: 'x' });
    expect(cursor.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'after' });
  });
});
