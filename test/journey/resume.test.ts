import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../src/access/token.ts';
import { type GatewayProcess, startGateway } from '../cli/command.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventStream } from '../event-stream.ts';
import { eventually } from '../eventually.ts';
import { type Data, post } from '../gateway.ts';
import { streamsOf } from '../log-oracle.ts';
import { LOAD, REGISTER_VEHICLE, TRACK_LOCATION, tenderMutation } from './documents.ts';
import { overEventStream, overSocket, type ReturningClient } from './returning-clients.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';
const TENDERS = `subscription ($after: String) { tenderChanges(after: $after) { __typename
  ... on Change { cursor } ... on TendersSnapshot { complete } ... on TenderUpdated { event { id } }
  ... on Gap { reason } } }`;
const EVENTS = `subscription ($after: String) { eventsAppended(after: $after) { __typename
  ... on Change { cursor } ... on EventAppended { event { id } } ... on Gap { reason } } }`;
const VEHICLES = `subscription ($after: String) { vehicleChanges(after: $after, maxPerSecond: 20) { __typename
  ... on Change { cursor } ... on VehiclesSnapshot { complete vehicles { id } }
  ... on VehiclesMoved { vehicles { id position { longitude } } } ... on Gap { reason } } }`;

let database: TestDatabase;
let token: string;
/** The one that clients find, and write to. */
let current: GatewayProcess;
let base = '';

beforeAll(async () => {
  database = await openDatabase();
  const claims = { sub: 'a-dispatcher', tenant: 'demo', role: 'dispatcher' } as const;
  token = await signToken({ kind: 'secret', secret: SECRET }, claims, 3_600);
});
afterAll(async () => {
  current.child.kill('SIGKILL');
  await current.ended;
  await database.close();
});

/** Another gateway takes the place of the one there was, which is killed. */
async function replace(): Promise<void> {
  const next = startGateway({
    MONGODB_URI: database.uri,
    WAYBILL_DATABASE: database.db.databaseName,
    WAYBILL_JWT_SECRET: SECRET,
    LOG_LEVEL: 'error',
  });
  const url = await next.listening;
  const before: GatewayProcess | undefined = current;
  [current, base] = [next, `${url}/graphql`];
  before?.child.kill('SIGKILL');
}

async function give(document: string, input: object): Promise<Data> {
  const { data, errors } = await post(base, document, { input }, token);
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data.result;
}

/** Ids of events in the order in which a client was told of them. */
const eventsIn = ({ items }: ReturningClient): string[] =>
  items.filter((item) => item.event).map((item) => item.event.id);
const kinds = ({ items }: ReturningClient): Set<string> => new Set(items.map((item) => item.__typename));

describe('G-03 clients whose gateways are killed under them, one after another', () => {
  it('are told every event exactly once and in order, over sockets and over event streams', async () => {
    await replace();
    const { vehicle } = await give(REGISTER_VEHICLE, { licensePlate: 'RESUME-1' });
    const ways = [overSocket, overEventStream];
    const tenders = ways.map((way) => way(() => base, token, 'tenderChanges', TENDERS));
    const events = ways.map((way) => way(() => base, token, 'eventsAppended', EVENTS));
    const vehicles = ways.map((way) => way(() => base, token, 'vehicleChanges', VEHICLES));
    const all = [...tenders, ...events, ...vehicles];
    await eventually(() => {
      for (const { items } of [...tenders, ...vehicles])
        expect(items.some((item) => item.complete)).toBe(true);
      for (const { items } of events) expect(items.length).toBeGreaterThan(0);
    });

    let longitude = -97;
    const write = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        longitude += 0.01;
        const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
        const { tender } = await give(tenderMutation('createTender'), LOAD);
        await give(tenderMutation('offerTender'), { tenderId: tender.id, carrierId: 'ACME', expiresAt });
        await give(TRACK_LOCATION, { vehicleId: vehicle.id, longitude, latitude: 30 });
      }
    };
    for (let kill = 1; kill <= 3; kill++) {
      await write(3);
      await replace();
      await write(3);
      await eventually(() => {
        for (const client of all) expect(client.returns).toBeGreaterThanOrEqual(kill);
      });
    }
    await write(1);

    const streams = await streamsOf(database.db);
    const ofTenders = [...streams.values()].filter(([first]) => first?.aggregateType === 'Tender');
    await eventually(() => {
      const most = ofTenders.flat().length;
      for (const client of tenders) expect(eventsIn(client).length).toBeGreaterThanOrEqual(most);
      for (const { items } of vehicles)
        expect(items.flatMap((item) => item.vehicles ?? []).at(-1)?.position.longitude).toBeCloseTo(
          longitude,
        );
    });
    for (const client of [...tenders, ...events]) {
      const told = eventsIn(client);
      expect(new Set(told).size).toBe(told.length);
      for (const stream of ofTenders) {
        const ids = stream.map(({ _id }) => `event_${_id}`);
        expect(told.filter((id) => ids.includes(id))).toEqual(ids);
      }
    }
    for (const client of all) {
      expect(kinds(client)).not.toContain('Gap');
      expect(client.items.filter((item) => item.complete).length).toBeLessThanOrEqual(1);
      client.stop();
    }
  });
});

describe('an event stream whose Last-Event-ID is of nothing of the caller’s', () => {
  it('is refused before anything is told', async () => {
    const lastEventId = 'AgEAAAAAAAAAAAAAAAAAAAAAAAAA';
    const response = await eventStream(base, TENDERS, { token, lastEventId });
    expect(await response.text()).toContain('INVALID_CURSOR');
  });
});
