import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { BY, CORRECT, CORRECT_ALL, REGISTER, TRACK, TRACK_ALL, WAY } from './documents.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

async function newVehicle(licensePlate: string): Promise<string> {
  const { result } = await gateway.data(REGISTER, { input: { licensePlate } });
  return result.vehicle.id;
}
const give = async (document: string, input: object, token?: string): Promise<Data> =>
  (await gateway.data(document, { input }, token)).result;

const place = { longitude: 13.4, latitude: 52.5 };
const at = (minute: number) => new Date(Date.UTC(2026, 0, 15, 14, minute)).toISOString();
const reasonCode = 'WRONG_UNIT';

describe('T-02 a fix that said the wrong thing', () => {
  it('is corrected by a later event, and says so', async () => {
    const vehicleId = await newVehicle('CORRECT-1');
    await give(TRACK, { vehicleId, ...place, occurredAt: at(1), speedMps: 36 });
    const input = { vehicleId, ...place, occurredAt: at(1), speedMps: 10, headingDeg: -1, reasonCode };
    const corrected = await give(CORRECT, input);
    expect(corrected).toMatchObject({
      __typename: 'VehiclePayload',
      repeated: false,
      events: [{ type: 'LocationCorrected', sequence: 3 }],
      warnings: [{ field: 'headingDeg', code: 'READING_UNKNOWN' }],
      vehicle: { position: { speedMps: 10, corrected: true, occurredAt: at(1) } },
    });
    await eventually(async () =>
      expect((await gateway.data(BY, { id: vehicleId })).vehicle.position).toMatchObject({ speedMps: 10 }),
    );
    const [{ node }] = (await gateway.data(WAY, { vehicleId, from: at(0), to: at(2) })).vehicleTrack.edges;
    expect(node).toMatchObject({
      ...{ speedMps: 10, corrected: true, occurredAt: at(1) },
      event: { type: 'LocationTracked', sequence: 2 },
      correctedBy: { type: 'LocationCorrected', reasonCode, sequence: 3 },
    });
  });

  it('shows at any moment what was known then', async () => {
    const vehicleId = await newVehicle('CORRECT-2');
    for (const minute of [1, 2, 3])
      await give(TRACK, { vehicleId, ...place, occurredAt: at(minute), speedMps: minute });
    // By the clock that dates what is recorded, and beyond what asking the database again may move it.
    const { clock } = gateway.store;
    const now = clock.now();
    const known = new Date(now).toISOString();
    await expect.poll(() => clock.now() > now + 20).toBe(true);
    await give(CORRECT, { vehicleId, ...place, occurredAt: at(2), speedMps: 20, reasonCode });
    const speed = async (moment: object): Promise<Data> =>
      (await gateway.data(BY, { id: vehicleId, ...moment })).vehicle.position.speedMps;
    expect(await speed({ asOf: at(2) })).toBe(20);
    expect(await speed({ asOf: at(2), knownAt: known })).toBe(2);
    expect(await speed({ asOf: at(1) })).toBe(1);
    expect(await speed({ asOf: at(3) })).toBe(3);
    expect(await speed({ asOf: '2100-01-01T00:00:00Z' })).toBe(3);
  });

  it('is named by its event where it came with a key', async () => {
    const vehicleId = await newVehicle('CORRECT-3');
    const { events } = await give(TRACK, { vehicleId, ...place, idempotencyKey: 'keyed fix', speedMps: 36 });
    const other = await newVehicle('CORRECT-3B');
    const input = { eventId: events[0].id, ...place, speedMps: 10, reasonCode };
    expect(await give(CORRECT, { vehicleId, ...input })).toMatchObject({ repeated: false });
    expect(await give(CORRECT, { vehicleId: other, ...input })).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is corrected once by the same correction, as often as it is sent, and again by another', async () => {
    const vehicleId = await newVehicle('CORRECT-4');
    const said = { vehicleId, ...place, occurredAt: at(1) };
    await give(TRACK, { ...said, speedMps: 36 });
    const to = (speedMps: number) => give(CORRECT, { ...said, speedMps, reasonCode });
    const same = await Promise.all([to(10), to(10), to(10), to(10)]);
    expect(same.filter(({ repeated }) => !repeated).length).toBe(1);
    expect(await to(11)).toMatchObject({ repeated: false });
    expect(await to(10)).toMatchObject({ repeated: false, vehicle: { position: { speedMps: 10 } } });
    const again = await to(10);
    expect(again).toMatchObject({ repeated: true, vehicle: { position: { speedMps: 10 } } });
    // The fix itself is what it was, and comes again as a repeat.
    expect(await give(TRACK, { ...said, speedMps: 36 })).toMatchObject({ repeated: true });
    expect(await give(TRACK, { ...said, speedMps: 10 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('knows a correction again by its key, whatever came after it', async () => {
    const vehicleId = await newVehicle('CORRECT-KEY');
    const said = { vehicleId, ...place, occurredAt: at(1), reasonCode };
    await give(TRACK, { vehicleId, ...place, occurredAt: at(1) });
    const first = { ...said, speedMps: 10, idempotencyKey: 'first' };
    expect(await give(CORRECT, first)).toMatchObject({ repeated: false });
    expect(await give(CORRECT, { ...said, speedMps: 11 })).toMatchObject({ repeated: false });
    expect(await give(CORRECT, first)).toMatchObject({
      ...{ repeated: true, events: [{ sequence: 3 }] },
      vehicle: { position: { speedMps: 11 } },
    });
    expect(await give(CORRECT, { ...first, speedMps: 12 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await give(CORRECT, { ...first, idempotencyKey: '' })).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('takes all of several corrections of one moment, and the last of them holds', async () => {
    const vehicleId = await newVehicle('CORRECT-5');
    const said = { vehicleId, ...place, occurredAt: at(1) };
    await give(TRACK, said);
    const speeds = Array.from({ length: 12 }, (_, index) => index + 1);
    const answers = await Promise.all(
      speeds.map((speedMps) => give(CORRECT, { ...said, speedMps, reasonCode })),
    );
    expect(answers.every(({ repeated }) => repeated === false)).toBe(true);
    const sequences = answers.map(({ events }) => events[0].sequence);
    const last = speeds[sequences.indexOf(Math.max(...sequences))];
    expect((await gateway.data(BY, { id: vehicleId, asOf: at(2) })).vehicle.position.speedMps).toBe(last);
  });

  it('keeps its device, and nothing else that the correction leaves out', async () => {
    const vehicleId = await newVehicle('CORRECT-6');
    const said = { vehicleId, ...place, occurredAt: at(1), deviceId: 'obu' };
    await give(TRACK, { ...said, speedMps: 36 });
    expect(await give(CORRECT, { ...said, latitude: 53, reasonCode })).toMatchObject({
      vehicle: { position: { latitude: 53, speedMps: null } },
    });
    const [{ node }] = (await gateway.data(WAY, { vehicleId, from: at(0), to: at(2) })).vehicleTrack.edges;
    expect(node).toMatchObject({ latitude: 53, deviceId: 'obu', speedMps: null });
  });

  it('cannot be corrected to no place, nor by who may not, nor where it is not', async () => {
    const vehicleId = await newVehicle('CORRECT-7');
    const said = { vehicleId, ...place, occurredAt: at(1), reasonCode };
    expect(await give(CORRECT, said)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await give(CORRECT, { ...said, occurredAt: null })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'eventId',
    });
    await give(TRACK, { vehicleId, ...place, occurredAt: at(1) });
    expect(await give(CORRECT, { ...said, longitude: 181 })).toMatchObject({ code: 'NOT_ON_EARTH' });
    expect(await give(CORRECT, { ...said, longitude: 0, latitude: 0 })).toMatchObject({
      code: 'NULL_ISLAND',
    });
    const driver = await gateway.token({ role: 'driver' });
    expect(await give(CORRECT, said, driver)).toMatchObject({ code: 'FORBIDDEN' });
    const { errors } = await gateway.graphql(CORRECT_ALL, { input: { corrections: [], reasonCode } }, driver);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('many corrections at once', () => {
  it('are each answered on their own', async () => {
    const vehicleId = await newVehicle('CORRECT-8');
    const said = (minute: number) => ({ vehicleId, ...place, occurredAt: at(minute) });
    await give(TRACK_ALL, { fixes: [1, 2, 3].map((minute) => ({ ...said(minute), speedMps: minute })) });
    const corrections = [
      { ...said(1), speedMps: 10 },
      { ...said(9), speedMps: 10 },
      { ...said(2), speedMps: 2 },
      { ...said(3), speedMps: 30, headingDeg: 361 },
      { ...said(3), latitude: 91 },
      { ...place, occurredAt: at(1) },
      { ...said(1), speedMps: 10 },
      { ...said(1), speedMps: 12 },
    ];
    const answer = await give(CORRECT_ALL, { corrections, reasonCode });
    expect(answer).toMatchObject({
      recorded: 3,
      repeated: 2,
      refused: [
        { index: 1, code: 'NOT_FOUND' },
        { index: 4, code: 'NOT_ON_EARTH' },
        { index: 5, code: 'INVALID_INPUT' },
      ],
      warnings: [{ index: 3, field: 'headingDeg', code: 'READING_OUT_OF_RANGE' }],
    });
  });

  it('show on every page of a track', async () => {
    const vehicleId = await newVehicle('CORRECT-9');
    const minutes = Array.from({ length: 30 }, (_, minute) => minute);
    const said = (minute: number) => ({ vehicleId, ...place, occurredAt: at(minute) });
    await give(TRACK_ALL, { fixes: minutes.map((minute) => ({ ...said(minute), speedMps: 1 })) });
    for (const speedMps of [2, 3, 4])
      await give(CORRECT_ALL, {
        corrections: minutes.map((minute) => ({ ...said(minute), speedMps })),
        reasonCode,
      });
    const shown: Data[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const page: Data = await gateway.data(WAY, { vehicleId, from: at(0), to: at(59), first: 7, after });
      shown.push(...page.vehicleTrack.edges.map(({ node }: Data) => [node.occurredAt, node.speedMps]));
      more = page.vehicleTrack.pageInfo.hasNextPage;
      after = page.vehicleTrack.pageInfo.endCursor;
    }
    expect(shown).toEqual(minutes.map((minute) => [at(minute), 4]));
  });
});
