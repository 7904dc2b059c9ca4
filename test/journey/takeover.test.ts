import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../src/access/token.ts';
import { type GatewayProcess, startGateway } from '../cli/command.ts';
import { startMongod, type TestMongod } from '../database.ts';
import { eventually, untilTrue } from '../eventually.ts';
import { type Data, post } from '../gateway.ts';
import { REGISTER_VEHICLE } from './documents.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';
const PLATE = 'TAKE-1';
/** A lease of 3 s, a transaction that its dead owner leaves open for 3 s here, and a change stream to be opened. */
const TAKEOVER_MS = 15_000;

let mongod: TestMongod;
let client: MongoClient;
let token: string;
const started: GatewayProcess[] = [];

beforeAll(async () => {
  mongod = await startMongod();
  client = new MongoClient(mongod.uri);
  const claims = { sub: 'a-dispatcher', tenant: 'demo', role: 'dispatcher' } as const;
  token = await signToken({ kind: 'secret', secret: SECRET }, claims, 600);
});
afterAll(async () => {
  for (const { child, ended } of started) {
    child.kill('SIGTERM');
    await ended;
  }
  await client.close();
  // Told to stop, it would wait for what it still holds back.
  await mongod.kill9();
  await mongod.stop();
});

function start(role: string, appName: string): GatewayProcess {
  const process = startGateway(
    { MONGODB_URI: `${mongod.uri}&appName=${appName}`, WAYBILL_JWT_SECRET: SECRET },
    ['--role', role],
  );
  started.push(process);
  return process;
}

const isProjecting = (process: GatewayProcess): boolean => process.output().includes('"projecting"');

async function track(url: string, longitude: number): Promise<void> {
  const document = `mutation($input: TrackLocationInput!) {
    result: trackLocation(input: $input) { __typename ... on Refusal { code } }
  }`;
  const input = { licensePlate: PLATE, longitude, latitude: 30 };
  const { data } = await post(`${url}/graphql`, document, { input }, token);
  expect(data.result).toEqual({ __typename: 'VehiclePayload' });
}

async function longitude(url: string): Promise<number | undefined> {
  const document = '{ vehicles { edges { node { position { longitude } } } } }';
  const { data }: Data = await post(`${url}/graphql`, document, undefined, token);
  return data.vehicles.edges[0]?.node.position?.longitude;
}

/** Holds the commits of one process back, for longer than a takeover takes. */
async function holdCommits(appName: string): Promise<void> {
  await client.db('admin').command({
    configureFailPoint: 'failCommand',
    mode: 'alwaysOn',
    data: { failCommands: ['commitTransaction'], appName, blockConnection: true, blockTimeMS: 10_000 },
  });
}

async function isCommitting(appName: string): Promise<boolean> {
  const operations = client
    .db('admin')
    .aggregate([
      { $currentOp: { allUsers: true } },
      { $match: { appName, 'command.commitTransaction': { $exists: true } } },
    ]);
  return (await operations.toArray()).length > 0;
}

describe('a projector killed with -9 in the middle of a transaction', () => {
  it('is followed by another one within seconds, which loses and doubles nothing', async () => {
    const url = await start('gateway', 'asked').listening;
    const first = start('projector', 'first');
    await untilTrue(() => isProjecting(first));
    const second = start('projector', 'second');
    await second.listening;
    const created = await post(`${url}/graphql`, REGISTER_VEHICLE, { input: { licensePlate: PLATE } }, token);
    expect(created.errors).toBeUndefined();
    await track(url, 1);
    await eventually(async () => expect(await longitude(url)).toBe(1));
    expect(isProjecting(second)).toBe(false);

    await holdCommits('first');
    await track(url, 2);
    await untilTrue(() => isCommitting('first'));
    first.child.kill('SIGKILL');
    await first.ended;
    await track(url, 3);
    await eventually(async () => expect(await longitude(url)).toBe(3), { withinMs: TAKEOVER_MS });
    expect(isProjecting(second)).toBe(true);
    const ready: Data = await (await fetch(`${url}/health/ready`)).json();
    expect(ready).toMatchObject({ status: 'ready' });
  });
});
