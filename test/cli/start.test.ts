import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { SETTINGS } from '../../src/process/settings.ts';
import { eventually } from '../eventually.ts';
import type { Data } from '../gateway.ts';
import { offered, tour } from '../journey/tour.ts';
import {
  expectSentence,
  type GatewayProcess,
  startGateway,
  type Variables,
  waybill,
  waybillProcess,
} from './command.ts';

let folder: string;
let started: GatewayProcess[];
beforeEach(async () => {
  started = [];
  folder = await mkdtemp(join(tmpdir(), 'waybill-start-'));
});
afterEach(async () => {
  for (const { child, ended } of started) {
    child.kill('SIGTERM');
    await ended;
  }
  await rm(folder, { recursive: true });
});

/** A gateway on the mongod that all tests share, with a database of its own. */
const onSharedMongod = (): Variables => ({
  MONGODB_URI: inject('mongoUri'),
  WAYBILL_DATABASE: `test_${folder.slice(-6)}`,
  WAYBILL_DATA: join(folder, 'data'),
});
const start = (variables: Variables): GatewayProcess => {
  const gateway = startGateway(variables);
  started.push(gateway);
  return gateway;
};
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const query = async (url: string, token: string): Promise<unknown> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ tenders { edges { node { id } } } }' }),
  });
  return response.json();
};

describe('a gateway that nothing is configured for', () => {
  it('runs its own mongod, takes tokens made in another shell, and stops both on SIGTERM', async () => {
    const variables = { WAYBILL_DATA: join(folder, 'data') };
    const gateway = start(variables);
    const url = await gateway.listening;
    expect(gateway.output()).toContain('Development mode');
    expect(gateway.output()).toContain('npx waybill token --tenant demo --role dispatcher');

    await eventually(async () => {
      const ready = await fetch(`${url}/health/ready`);
      expect(await ready.json()).toMatchObject({ status: 'ready', reasons: [] });
    });
    const { stdout } = await waybill(['token', '--tenant', 'demo', '--role', 'dispatcher'], variables);
    expect(await query(url, stdout.trim())).toMatchObject({ data: { tenders: { edges: [] } } });

    const key = await waybillProcess(
      ['api-key', 'create', '--tenant', 'demo', '--carrier-id', 'a', '--name', 'n'],
      variables,
    );
    expect(await query(url, key.stdout.trim())).toMatchObject({ data: { tenders: { edges: [] } } });

    const mongod = Number(/"mongodPid":(\d+)/.exec(gateway.output())?.[1]);
    expect(isAlive(mongod)).toBe(true);
    gateway.child.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
    expect(isAlive(mongod)).toBe(false);
  });

  it('refuses to listen where others could reach it', async () => {
    const ended = await startGateway({ HOST: '0.0.0.0', WAYBILL_DATA: join(folder, 'data') }).ended;
    expectSentence(ended, /^waybill: HOST=0\.0\.0\.0 can be reached by others.*\n$/);
  });
});

describe('a gateway with a client whose query fails in several places at once', () => {
  it('goes on', async () => {
    const gateway = start(onSharedMongod());
    const url = await gateway.listening;
    const { stdout } = await waybill(['token', '--tenant', 'demo', '--role', 'dispatcher'], {
      WAYBILL_DATA: join(folder, 'data'),
    });
    const ask = async (body: object): Promise<Data> => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${stdout.trim()}` },
        body: JSON.stringify(body),
      });
      return response.json();
    };
    const client = {
      data: async (query: string, variables: object) => (await ask({ query, variables })).data,
    };
    await offered(client, 'carrier-1');
    await tour(client);
    // The first tender has a vehicle, which is loaded; the second has none, and fails before it is there.
    const query = `query ($after: String) {
      tenders(first: 2) { nodes { vehicle { id history(after: $after) { nodes { id } } } history(after: $after) { nodes { id } } } } }`;
    const { errors } = await ask({ query, variables: { after: 'no cursor' } });
    expect(JSON.stringify(errors)).toContain('"code":"INVALID_INPUT","field":"after"');
    expect(await ask({ query })).toMatchObject({ data: { tenders: { nodes: [{}, { vehicle: null }] } } });
  });
});

describe('a gateway that is told to stop', () => {
  it('listens no more, and ends with code 0', async () => {
    const gateway = start(onSharedMongod());
    const url = await gateway.listening;
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    gateway.child.kill('SIGINT');
    expect((await gateway.ended).code).toBe(0);
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
  });

  it('stops at once at a second signal', async () => {
    const gateway = start({ ...onSharedMongod(), WAYBILL_DRAIN_SECONDS: '600' });
    const url = new URL(await gateway.listening);
    // A request whose body never comes keeps the first signal waiting.
    const { request } = await import('node:http');
    const open = request({
      port: url.port,
      method: 'POST',
      path: '/graphql',
      headers: { 'content-length': 99 },
    });
    open.on('error', () => undefined);
    open.write('{');
    await eventually(() => expect(open.socket?.connecting).toBe(false));
    gateway.child.kill('SIGTERM');
    await eventually(() => expect(gateway.output()).toContain('stopping'));
    gateway.child.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(130);
  });

  it('gives up a start that takes long', async () => {
    // Nobody answers there, so that opening lasts as long as the driver's patience.
    const gateway = start({
      MONGODB_URI: 'mongodb://127.0.0.1:1/?replicaSet=no',
      WAYBILL_DRAIN_SECONDS: '0',
      WAYBILL_DATA: folder,
    });
    await eventually(() => expect(gateway.output()).toContain('starting'));
    gateway.child.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
  });
});

describe('a gateway that cannot start', () => {
  it('says in one sentence that its port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const PORT = String((other.address() as AddressInfo).port);
    const ended = await startGateway({ ...onSharedMongod(), PORT, LOG_LEVEL: 'silent' }).ended;
    other.close();
    expectSentence(ended, new RegExp(`^waybill: 127\\.0\\.0\\.1:${PORT} is taken by another process.*\\n$`));
  });

  it.each([
    [{ PORT: 'http' }, /^waybill: PORT must be a whole number from 0 to 65535, not "http"\.\n$/],
    [{ WAYBILL_JWT_SECRET: 'short' }, /^waybill: WAYBILL_JWT_SECRET must be at least 32 bytes long.*\n$/],
    [{ MONGODB_URI: 'nonsense' }, /^waybill: MONGODB_URI must begin with mongodb:\/\/.*\n$/],
  ])('says in one sentence what is wrong with %o', async (variables, sentence) => {
    expectSentence(await waybill([], { WAYBILL_DATA: folder, ...variables }), sentence);
  });
});

describe('the command line', () => {
  it('explains every command and every setting', async () => {
    const { code, stdout } = await waybill(['--help']);
    expect(code).toBe(0);
    for (const command of ['start', 'token', 'api-key', 'import-positions', 'simulate'])
      expect(stdout).toContain(command);
    for (const { name } of Object.values(SETTINGS)) expect(stdout).toContain(name);
  });

  it('knows its commands, and no others', async () => {
    const ended = await waybill(['strat']);
    expect(ended.stderr).toMatch(/unknown command 'strat'/);
    expect(ended.code).toBe(1);
  });

  it('is there as npx waybill in the repository', async () => {
    const cwd = resolve(import.meta.dirname, '../..');
    const { stdout } = await promisify(execFile)(
      'npx',
      ['waybill', 'token', '--tenant', 'demo', '--role', 'admin'],
      {
        cwd,
        env: { ...process.env, WAYBILL_DATA: folder, WAYBILL_JWT_SECRET: 's'.repeat(32) },
      },
    );
    expect(stdout.trim().split('\n').at(-1)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });
});
