import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signToken } from '../../src/access/token.ts';
import { guardFolder } from '../database.ts';
import { eventually } from '../eventually.ts';
import { type Data, post } from '../gateway.ts';
import { REGISTER_VEHICLE } from '../journey/documents.ts';
import { expectSentence, type GatewayProcess, startGateway, type Variables } from './command.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';

let folder: string;
let release: () => Promise<void>;
let token: string;
let started: GatewayProcess[];
beforeEach(async () => {
  started = [];
  folder = await mkdtemp(join(tmpdir(), 'waybill-roles-'));
  release = guardFolder(folder);
  const claims = { sub: 'a-dispatcher', tenant: 'demo', role: 'dispatcher' } as const;
  token = await signToken({ kind: 'secret', secret: SECRET }, claims, 600);
});
afterEach(async () => {
  // The last one started first: the first one has the mongod.
  for (const { child, ended } of started.reverse()) {
    child.kill('SIGTERM');
    await ended;
  }
  await release();
  await rm(folder, { recursive: true, force: true });
});

function start(role: string, variables: Variables = {}): GatewayProcess {
  const process = startGateway(
    { WAYBILL_DATA: folder, WAYBILL_JWT_SECRET: SECRET, WAYBILL_DRAIN_SECONDS: '2', ...variables },
    ['--role', role],
  );
  started.push(process);
  return process;
}

async function data(url: string, document: string, variables?: object): Promise<Data> {
  const { data: given, errors } = await post(`${url}/graphql`, document, variables, token);
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return given;
}

async function plates(url: string): Promise<string[]> {
  const { vehicles } = await data(url, '{ vehicles { edges { node { licensePlate } } } }');
  return vehicles.edges.map((edge: Data) => edge.node.licensePlate).sort();
}

async function readiness(url: string): Promise<Data> {
  const response = await fetch(`${url}/health/ready`);
  return { code: response.status, ...((await response.json()) as object) };
}

describe('two gateways and a projector that share the mongod of one folder', () => {
  it('do all the work between them, and gateways say how far behind they are where nobody projects', async () => {
    const limits = { WAYBILL_MAX_LAG_SECONDS: '1' };
    const [first, second] = [start('gateway', limits), start('gateway', limits)];
    const [one, two] = [await first.listening, await second.listening];
    await data(one, REGISTER_VEHICLE, { input: { licensePlate: 'ROLE-1' } });
    await eventually(async () => {
      const said = await readiness(two);
      expect(said).toMatchObject({ code: 503, lagMs: { fleet_status: expect.any(Number) } });
      expect(said.reasons).toEqual([expect.stringMatching(/^fleet_status is \d+ s behind the log/)]);
    });
    expect(await plates(two)).toEqual([]);

    const projector = start('projector', limits);
    const operator = await projector.listening;
    await eventually(async () => expect(await plates(two)).toEqual(['ROLE-1']));
    await eventually(async () => expect((await readiness(one)).code).toBe(200));
    expect((await readiness(operator)).code).toBe(200);
    expect(await (await fetch(`${operator}/metrics`)).text()).toContain('waybill_projection_lag_seconds{');
    expect((await fetch(`${operator}/graphql?query={__typename}`)).status).toBe(404);
    expect(first.output()).not.toContain('"projecting"');
  });

  it('go on when the process that has the mongod is killed: the next one starts it again', async () => {
    const owner = start('projector');
    await owner.listening;
    const url = await start('gateway').listening;
    await data(url, REGISTER_VEHICLE, { input: { licensePlate: 'ROLE-1' } });
    owner.child.kill('SIGKILL');
    await owner.ended;
    await start('projector').listening;
    await eventually(async () => expect(await plates(url)).toEqual(['ROLE-1']));
  });

  it('let nobody in who wants to do everything', async () => {
    const owner = start('gateway');
    await owner.listening;
    const other = start('all', { LOG_LEVEL: 'silent' });
    expectSentence(await other.ended, `in use by another gateway, process ${owner.child.pid}.`);
  });
});

describe('a role that there is not', () => {
  it('is refused in one sentence, in the flag and in the setting', async () => {
    expect((await start('carrier').ended).stderr).toContain('Allowed choices are all, gateway, projector.');
    const ended = await startGateway({ WAYBILL_ROLE: 'carrier', WAYBILL_DATA: folder }).ended;
    expectSentence(ended, 'WAYBILL_ROLE must be one of all, gateway, projector, not "carrier".');
  });
});
