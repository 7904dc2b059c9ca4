import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../src/access/token.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { type GatewayProcess, startGateway } from '../cli/command.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually } from '../eventually.ts';
import { type Data, post } from '../gateway.ts';
import { driftOf, expectNoHoles, streamsOf } from '../log-oracle.ts';
import { REGISTER_VEHICLE, tenderMutation } from './documents.ts';

const KILLS = 20;
const ACKNOWLEDGED_BEFORE_A_KILL = 40;
const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';
const VEHICLES = ['KILL-1', 'KILL-2', 'KILL-3'];

const TRACK = `mutation($input: TrackLocationInput!) {
  result: trackLocation(input: $input) { ... on VehiclePayload { events { id } } ... on Refusal { code } }
}`;
const TRACK_MANY = `mutation($input: TrackLocationsInput!) { result: trackLocations(input: $input) { recorded } }`;

let database: TestDatabase;
let token: string;
/** Ids of events whose commands were answered with success. */
const acknowledged: string[] = [];
let batched = 0;

beforeAll(async () => {
  database = await openDatabase();
  const claims = { sub: 'a-dispatcher', tenant: 'demo', role: 'dispatcher' } as const;
  token = await signToken({ kind: 'secret', secret: SECRET }, claims, 3_600);
});
afterAll(() => database.close());

function start(): GatewayProcess {
  return startGateway({
    MONGODB_URI: database.uri,
    WAYBILL_DATABASE: database.db.databaseName,
    WAYBILL_JWT_SECRET: SECRET,
    LOG_LEVEL: 'error',
  });
}

async function tell(url: string, document: string, input: object): Promise<Data> {
  const { data, errors } = await post(`${url}/graphql`, document, { input }, token);
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  acknowledged.push(...(data.result.events ?? []).map((event: { id: string }) => event.id));
  return data.result;
}

const place = (n: number) => ({ longitude: -97 + n / 1e4, latitude: 30 + n / 1e4 });
const STOPS = [
  { kind: 'PICKUP', name: 'Dock', longitude: -97.7, latitude: 30.2 },
  { kind: 'DELIVERY', name: 'Yard', longitude: -98.5, latitude: 29.4 },
];

/** What clients do all day, each until the gateway is gone. */
const writers: ((url: string, n: number) => Promise<unknown>)[] = [
  (url, n) => tell(url, TRACK, { licensePlate: VEHICLES[n % 3], ...place(n) }),
  (url, n) => tell(url, TRACK, { licensePlate: VEHICLES[0], deviceId: 'second', ...place(n) }),
  async (url, n) => {
    const fixes = VEHICLES.map((licensePlate) => ({ licensePlate, deviceId: 'batch', ...place(n) }));
    batched += (await tell(url, TRACK_MANY, { fixes })).recorded;
  },
  async (url) => {
    const { tender } = await tell(url, tenderMutation('createTender'), {
      idempotencyKey: newId(),
      stops: STOPS,
    });
    const offer = { tenderId: tender.id, expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
    await tell(url, tenderMutation('offerTender'), { ...offer, carrierId: 'ACME' });
    await tell(url, tenderMutation('offerTender'), { ...offer, carrierId: 'BOLT' });
    await tell(url, tenderMutation('cancelTender'), { tenderId: tender.id, reasonCode: 'OTHER' });
  },
];

async function writeUntilKilled(gateway: GatewayProcess): Promise<void> {
  const url = await gateway.listening;
  let alive = true;
  const target = acknowledged.length + ACKNOWLEDGED_BEFORE_A_KILL;
  await Promise.all(
    writers.map(async (write) => {
      for (let n = acknowledged.length; alive; n++) {
        await write(url, n).catch((error: unknown) => {
          if (alive) throw error;
        });
        if (!alive || acknowledged.length < target) continue;
        alive = false;
        gateway.child.kill('SIGKILL');
      }
    }),
  );
  await gateway.ended;
}

describe('D-04 a gateway killed with -9 under a stream of writes, again and again', () => {
  it('loses nothing it acknowledged, and its read models come to exactly the log', {
    timeout: 600_000,
  }, async () => {
    const first = start();
    for (const licensePlate of VEHICLES) {
      await tell(await first.listening, REGISTER_VEHICLE, { licensePlate });
    }
    await writeUntilKilled(first);
    for (let kill = 1; kill < KILLS; kill++) await writeUntilKilled(start());

    const last = start();
    await last.listening;
    const streams = await streamsOf(database.db);
    expectNoHoles(streams);
    const recorded = new Set([...streams.values()].flat().map((event) => `event_${event._id}`));
    expect(acknowledged.filter((id) => !recorded.has(id))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_BEFORE_A_KILL);
    const fixes = [...streams.values()].flat().filter((event) => event.type === 'LocationTracked');
    const inBatches = fixes.filter((event) => (event.payload as { deviceId?: string }).deviceId === 'batch');
    expect(inBatches.length).toBeGreaterThanOrEqual(batched);
    await eventually(async () => expect(await driftOf(database.db, streams)).toEqual([]));
    last.child.kill('SIGTERM');
    expect((await last.ended).code).toBe(0);
  });
});
