import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { signToken } from '../../src/access/token.ts';
import { type GatewayProcess, startGateway } from '../cli/command.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually, untilTrue } from '../eventually.ts';
import { type Data, post } from '../gateway.ts';
import { LOAD, TENDER_CHANGES, tenderMutation } from './documents.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';
const CLIENTS = 150;

let database: TestDatabase;
let token: string;
let old: GatewayProcess;
let next: GatewayProcess;
const clients: Client[] = [];

beforeAll(async () => {
  database = await openDatabase();
  const claims = { sub: 'a-dispatcher', tenant: 'demo', role: 'dispatcher' } as const;
  token = await signToken({ kind: 'secret', secret: SECRET }, claims, 600);
  const variables = {
    MONGODB_URI: database.uri,
    WAYBILL_DATABASE: database.db.databaseName,
    WAYBILL_JWT_SECRET: SECRET,
    WAYBILL_DRAIN_SECONDS: '5',
  };
  [old, next] = [startGateway(variables), startGateway(variables)];
});
afterAll(async () => {
  for (const client of clients) await client.dispose();
  for (const { child, ended } of [old, next]) {
    child.kill('SIGTERM');
    await ended;
  }
  await database.close();
});

/** A screen that goes to the next gateway when its own sends it away. */
interface Screen {
  /** Ids of tenders that it shows. */
  readonly shown: Set<string>;
  /** Close codes, with the gateway that sent each. */
  readonly closes: { from: string; code: number }[];
  at(): string;
}

function screen(gateways: readonly string[]): Screen {
  let [index, at] = [0, ''];
  const shown = new Set<string>();
  const closes: Screen['closes'] = [];
  const client = createClient({
    url: () => {
      at = gateways[index] ?? '';
      return `${at.replace(/^http/, 'ws')}/graphql`;
    },
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 5,
    on: {
      closed: (event) => {
        closes.push({ from: at, code: (event as { code: number }).code });
        index = Math.min(index + 1, gateways.length - 1);
      },
    },
  });
  clients.push(client);
  const next = ({ data }: Data): void => {
    const { tenders = [], tender } = data.tenderChanges;
    for (const { id } of tender === undefined ? tenders : [tender]) shown.add(id);
  };
  client.subscribe({ query: TENDER_CHANGES }, { next, error: () => undefined, complete: () => undefined });
  return { shown, closes, at: () => at };
}

async function create(url: string): Promise<string> {
  const { data } = await post(`${url}/graphql`, tenderMutation('createTender'), { input: LOAD }, token);
  return data.result.tender.id;
}

describe('a gateway that is stopped while another one runs', () => {
  it('says that it is not ready, sends its sockets away one after the other, and nobody misses anything', async () => {
    const [leaving, staying] = [await old.listening, await next.listening];
    const first = await create(leaving);
    const screens = Array.from({ length: CLIENTS }, () => screen([leaving, staying]));
    await eventually(() => expect(screens.filter(({ shown }) => !shown.has(first))).toEqual([]));

    old.child.kill('SIGTERM');
    await untilTrue(() => screens.some(({ closes }) => closes.length > 0));
    expect(screens.filter(({ closes }) => closes.length === 0).length).toBeGreaterThan(0);
    const ready = await fetch(`${leaving}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([
      503,
      { reasons: ['The gateway is stopping.'] },
    ]);
    // Who is still there is served, over HTTP too; who comes anew is sent elsewhere.
    const meanwhile = await create(leaving);
    const late = screen([leaving, staying]);

    await eventually(() => {
      const lacking = [...screens, late].filter(({ shown }) => !shown.has(meanwhile));
      expect(lacking).toEqual([]);
      expect(screens.filter(({ at }) => at() !== staying)).toEqual([]);
    });
    for (const { closes } of screens) expect(closes).toEqual([{ from: leaving, code: 1012 }]);
    expect(late.closes).toEqual([{ from: leaving, code: 1012 }]);
    expect((await old.ended).code).toBe(0);
    const last = await create(staying);
    await eventually(() => {
      expect([...screens, late].filter(({ shown }) => !shown.has(last))).toEqual([]);
    });
  });
});
