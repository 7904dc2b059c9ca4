import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import relayDocument from '../../schema/clients/__generated__/relayTendersSubscription.graphql.ts';
import * as apollo from '../../schema/clients/apollo.ts';
import * as graphqlSse from '../../schema/clients/graphql-sse.ts';
import * as graphqlWs from '../../schema/clients/graphql-ws.ts';
import * as relay from '../../schema/clients/relay.ts';
import { type Follow, TENDER_CHANGES, type TenderChange } from '../../schema/clients/tender-changes.ts';
import * as urql from '../../schema/clients/urql.ts';
import { signToken } from '../../src/access/token.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { choosePort } from '../../src/mongo/port.ts';
import { schema } from '../../src/schema.ts';
import { type GatewayProcess, startGateway } from '../cli/command.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { now, openWholeStore, play } from '../dispatch/stage.ts';
import { eventually } from '../eventually.ts';
import { DETAILS } from '../tender/cast.ts';
import { followWithPython, ONLY_WITH_PYTHON, PYTHON } from './python.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';
/** Changes before, while and after the gateway is away. */
const CHANGES = 15;

const EXAMPLES: Readonly<Record<string, (follow: Follow) => () => void>> = {
  'Apollo Client': apollo.followTenders,
  urql: urql.followTenders,
  'Relay runtime': relay.followTenders,
  'graphql-ws': graphqlWs.followTenders,
  'graphql-sse': graphqlSse.followTenders,
};
const PYTHON_GQL = 'Python gql';
const started = PYTHON === undefined ? EXAMPLES : { ...EXAMPLES, [PYTHON_GQL]: followWithPython };

/** What one of the examples was told. */
interface Told {
  readonly changes: TenderChange[];
  readonly ends: unknown[];
}

const told = new Map<string, Told>(Object.keys(started).map((name) => [name, { changes: [], ends: [] }]));
const stops: (() => void)[] = [];
let database: TestDatabase;
let store: Store;
let port: number;
let gateway: GatewayProcess;
const ids = [newId(), newId(), newId()];
let weightKg = 0;

function start(): Promise<string> {
  gateway = startGateway({
    PORT: String(port),
    MONGODB_URI: database.uri,
    WAYBILL_DATABASE: database.db.databaseName,
    WAYBILL_JWT_SECRET: SECRET,
    WAYBILL_DRAIN_SECONDS: '1',
    LOG_LEVEL: 'error',
  });
  return gateway.listening;
}

/** By another process than the gateway: it does not wait for it. */
async function change(): Promise<void> {
  for (let n = 0; n < CHANGES; n++) {
    weightKg += 1;
    const id = ids[weightKg % ids.length] ?? '';
    await play(store, id, { type: 'AmendTender', changes: { weightKg }, ...now() });
  }
}

/** Waits until every example was told so much. */
function everybodyIs(far: (changes: readonly TenderChange[]) => boolean): Promise<void> {
  return eventually(() => {
    const behind = [...told].filter(([, { changes }]) => !far(changes)).map(([name]) => name);
    expect(behind).toEqual([]);
  });
}

beforeAll(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  port = await choosePort();
  for (const id of ids) await play(store, id, { type: 'CreateTender', details: DETAILS, ...now() });
  const claims = { sub: 'a-screen', tenant: 'demo', role: 'dispatcher' } as const;
  const token = await signToken({ kind: 'secret', secret: SECRET }, claims, 3_600);
  const url = `${await start()}/graphql`;
  for (const [name, follow] of Object.entries(started)) {
    const { changes, ends } = told.get(name) ?? { changes: [], ends: [] };
    const take = {
      onChange: (one: TenderChange) => changes.push(one),
      onEnd: (error: unknown) => ends.push(error),
    };
    stops.push(follow({ url, token: () => token, ...take }));
  }
  await everybodyIs((changes) => changes.some(({ complete }) => complete));

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await change();
    gateway.child.kill(signal);
    await change();
    await gateway.ended;
    await change();
    await start();
    await change();
  }
  await everybodyIs((changes) => changes.filter(({ event }) => event !== undefined).length >= weightKg);
});
afterAll(async () => {
  for (const stop of stops) stop();
  gateway?.child.kill('SIGTERM');
  await gateway?.ended;
  await store?.snapshots.close();
  await database?.close();
});

function weightIn({ payload }: StoredEvent): number {
  return (payload as { weightKg: number }).weightKg;
}

/** The log after the tenders were created, as `sequence` of which tender, in order. */
async function recorded(): Promise<string[]> {
  const events = await store.events.find({ type: 'TenderAmended' }).toArray();
  return events.sort((a, b) => weightIn(a) - weightIn(b)).map((event) => `event_${event._id}`);
}

describe('a client whose gateway is stopped, killed and started again, while the log grows', () => {
  async function sawAll(name: string): Promise<void> {
    const { changes, ends } = told.get(name) ?? { changes: [], ends: [] };
    const others = changes.filter(({ event }) => event === undefined);
    expect(changes.flatMap(({ event }) => event?.id ?? [])).toEqual(await recorded());
    expect(others.filter(({ complete }) => complete)).toHaveLength(1);
    expect(others.filter(({ __typename }) => __typename === 'Gap')).toEqual([]);
    expect(ends).toEqual([]);
  }

  it.each(Object.keys(EXAMPLES))('%s: has seen every event once, in order', sawAll);

  it.skipIf(PYTHON === undefined)(
    `${PYTHON_GQL}: has seen every event once, in order${ONLY_WITH_PYTHON}`,
    () => sawAll(PYTHON_GQL),
  );
});

describe('a client that is refused', () => {
  it.each(Object.entries(EXAMPLES))('%s: is told, and does not try for ever', async (_, follow) => {
    const ends: unknown[] = [];
    const url = `http://127.0.0.1:${port}/graphql`;
    const stop = follow({
      url,
      token: () => 'nonsense',
      onChange: () => {},
      onEnd: (error) => ends.push(error),
    });
    await eventually(() => expect(ends.length).toBeGreaterThan(0));
    stop();
  });
});

describe('the documents of the examples', () => {
  const python = readFileSync(resolve(import.meta.dirname, '../../schema/clients/python_gql.py'), 'utf8');
  const [, inPython = ''] = /TENDER_CHANGES = """([^"]*)"""/.exec(python) ?? [];

  it.each([
    ['TypeScript', TENDER_CHANGES],
    ['Relay', relayDocument.params.text ?? ''],
    ['Python', inPython],
  ])('%s: the gateway answers it', (_, document) => {
    expect(document).toContain('subscription');
    expect(validate(schema, parse(document))).toEqual([]);
  });
});
