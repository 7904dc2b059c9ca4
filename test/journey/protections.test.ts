import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { PROTECTIONS, type Protection } from '../../src/gateway/engine/protections.ts';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER } from '../vehicle/documents.ts';
import { offered } from './tour.ts';

const APP = 'https://app.example';
const BYTES = 8_192;

let gateway: TestGateway;
let tokens: Readonly<Record<'dispatcher' | 'stranger' | 'driver', string>>;
let tenderId: string;
beforeAll(async () => {
  gateway = await startGateway({
    allowedOrigins: [APP],
    limits: {
      maxBodyBytes: BYTES,
      maxMessageBytes: BYTES,
      maxRequestBytesInHand: BYTES,
      maxCommandsInHand: 1,
      rateCarrier: 100,
      maxDocumentTokens: 700,
    },
  });
  tokens = {
    dispatcher: await gateway.token(),
    stranger: await gateway.token({ tenant: 'other' }),
    driver: await gateway.token({ role: 'driver' }),
  };
  ({ tenderId } = await offered(gateway, 'carrier-1'));
});
afterAll(() => gateway.close());

interface Asked {
  readonly query?: unknown;
  readonly variables?: unknown;
  /** Null shows none. */
  readonly token?: string | null;
  readonly origin?: string;
}

/** What a caller gets to know: of an answer the status, of a socket the code it was closed with. */
interface Told {
  readonly status: number;
  readonly data?: Data;
  readonly errors?: Data;
  readonly allowed?: string | null;
}

type Path = (asked: Asked) => Promise<Told>;

const overHttp =
  (search: string): Path =>
  async ({ query = '{ __typename }', variables, token = tokens.dispatcher, origin }) => {
    const answer = await fetch(gateway.url + search, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(origin === undefined ? {} : { origin }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const allowed = answer.headers.get('access-control-allow-origin');
    return { status: answer.status, allowed, ...((await answer.json()) as object) };
  };

const overSocket: Path = ({ query = '{ __typename }', variables, token = tokens.dispatcher, origin }) =>
  new Promise((resolve) => {
    const url = gateway.url.replace(/^http/, 'ws');
    const headers = origin === undefined ? {} : { origin };
    const socket = new WebSocket(url, 'graphql-transport-ws', { headers });
    const send = (message: object) => socket.send(JSON.stringify(message));
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
    socket.once('open', () => send({ type: 'connection_init', payload: authorization }));
    socket.on('message', (text) => {
      const { type, payload } = JSON.parse(String(text));
      if (type === 'connection_ack') send({ type: 'subscribe', id: '1', payload: { query, variables } });
      if (type === 'next') resolve({ status: 101, ...payload });
      if (type === 'error') resolve({ status: 101, errors: payload });
      if (type === 'next' || type === 'error') socket.close();
    });
    socket.once('close', (status) => resolve({ status }));
    socket.once('error', (error) => resolve({ status: Number(/\d{3}/.exec(error.message)?.[0]) }));
  });

/** A page of another origin is never plain: the fast path has none of those, and leaves them to Yoga. */
const PATHS = { fast: overHttp(''), yoga: overHttp('?'), socket: overSocket } as const satisfies Record<
  string,
  Path
>;

type PathName = keyof typeof PATHS;

const codeOf = ({ errors }: Told): unknown => errors?.[0]?.extensions?.code;
const isSocket = (name: PathName): boolean => name === 'socket';

/** Asks while a command of nearly all bytes that there may be waits to be committed. */
async function whileBusy(padding: number, ask: () => Promise<void>): Promise<void> {
  const { committer } = gateway.store;
  const commit = committer.commit.bind(committer);
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  vi.spyOn(committer, 'commit').mockImplementation((unit) => held.then(() => commit(unit)));
  const input = { licensePlate: `P ${Math.random().toString(36).slice(2, 9)}` };
  const busy = gateway.data(REGISTER, { input, padding: 'x'.repeat(padding) });
  await eventually(() => expect(gateway.metrics.inHand.commands).toBe(1));
  try {
    await ask();
  } finally {
    letGo();
    vi.restoreAllMocks();
    await busy;
  }
  await eventually(() => expect(gateway.metrics.inHand).toEqual({ commands: 0, request_bytes: 0 }));
}

const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);

const TENDER = 'query ($id: ID!) { tender(id: $id) { id status } }';

const TRIALS: Readonly<Record<Protection, (path: Path, name: PathName) => Promise<void>>> = {
  async origin(path, name) {
    const other = await path({ origin: 'https://other.example' });
    if (isSocket(name)) expect(other.status).toBe(403);
    else expect(other.allowed).toBeNull();
    expect(await path({ origin: APP })).toMatchObject(
      isSocket(name) ? { status: 101 } : { status: 200, allowed: APP },
    );
  },
  async size(path, name) {
    const told = await path({ query: `{ __typename } #${'x'.repeat(BYTES)}` });
    expect(told.status).toBe(isSocket(name) ? 1009 : 413);
  },
  async bytesInHand(path) {
    await whileBusy(BYTES - 900, async () => {
      expect(codeOf(await path({ query: `{ __typename } #${'x'.repeat(900)}` }))).toBe('OVERLOADED');
    });
  },
  async wellFormed(path, name) {
    for (const asked of [{ query: 7 }, { variables: [] }, { variables: 'x' }]) {
      const { status, data } = await path(asked);
      expect([400, 4400]).toContain(status);
      expect(isSocket(name) ? status >= 4_000 : status < 500).toBe(true);
      expect(data).toBeUndefined();
    }
  },
  async valid(path) {
    for (const query of ['{', '{ nonsense }', '{ tender { id } }', '{ tendr { id } }']) {
      const { data, errors } = await path({ query });
      expect(JSON.stringify(errors)).not.toContain('Did you mean');
      expect(data).toBeUndefined();
      expect(errors.length).toBeGreaterThan(0);
    }
  },
  async text(path) {
    const attacks: Asked[] = [
      { query: `{ ${'a '.repeat(800)} }` },
      { query: `${'{ a'.repeat(600)}${'}'.repeat(600)}` },
      { query: `{ tender(id: ${'['.repeat(1_000)}${']'.repeat(1_000)}) { id } }` },
      { query: 'query ($id: ID!) { tender(id: $id) { id } }', variables: { id: nested(3_000) } },
    ];
    const bugs = await gateway.metrics.bugs.get();
    for (const attack of attacks) expect(codeOf(await path(attack))).toBe('INVALID_INPUT');
    expect((await gateway.metrics.bugs.get()).values[0]?.value).toBe(bugs.values[0]?.value);
  },
  async spread(path, name) {
    const links = Array.from(
      { length: 22 },
      (_, at) => `fragment F${at} on Query{...F${at + 1} ...F${at + 1}}`,
    );
    const query = `{...F0} ${links.join(' ')} fragment F22 on Query{__typename}`;
    expect(await path({ query })).toMatchObject({ data: { __typename: 'Query' } });
    const told = await path({ query, token: null });
    expect(told).toMatchObject(isSocket(name) ? { status: 4401 } : { data: { __typename: 'Query' } });
  },
  async names(path) {
    for (const [query, variables] of [
      ['{ __proto__: __typename }'],
      ['{ then: __typename }'],
      ['query ($__proto__: ID!) { tender(id: $__proto__) { id } }', JSON.parse('{ "__proto__": "x" }')],
      ['query ($on: Boolean = true) { __typename @include(if: $on) }', { on: null }],
    ]) {
      const told = await path({ query, variables });
      expect(told.status).toBeLessThan(500);
      expect(told.data).toBeUndefined();
      expect(told.errors).toHaveLength(1);
      expect(codeOf(told)).not.toBe('INTERNAL_SERVER_ERROR');
    }
  },
  async proof(path, name) {
    const told = await path({ token: 'nonsense' });
    expect(told.status).toBe(isSocket(name) ? 4401 : 401);
    expect(told.data).toBeUndefined();
  },
  async anonymous(path, name) {
    for (const query of [
      '{ __schema { queryType { name } } }',
      '{ fleets { total } }',
      '{ a: __typename ...F } fragment F on Query { fleets { total } }',
    ]) {
      const told = await path({ query, token: null });
      expect(told.status, query).toBe(isSocket(name) ? 4401 : 401);
      expect(told.data, query).toBeUndefined();
    }
  },
  async tenant(path) {
    expect(await path({ query: TENDER, variables: { id: tenderId } })).toMatchObject({
      data: { tender: { id: tenderId } },
    });
    expect(await path({ query: TENDER, variables: { id: tenderId }, token: tokens.stranger })).toMatchObject({
      data: { tender: null },
    });
  },
  async role(path) {
    const input = { licensePlate: 'NO ROLE' };
    const told = await path({ query: REGISTER, variables: { input }, token: tokens.driver });
    expect(told.data).toMatchObject({ result: { code: 'FORBIDDEN' } });
    expect(codeOf(await path({ query: '{ events { nodes { id } } }', token: tokens.driver }))).toBe(
      'FORBIDDEN',
    );
  },
  async cost(path) {
    const pages = Array.from({ length: 30 }, (_, at) => `a${at}: tenders(first: 200) { nodes { id } }`);
    const query = `{ ${pages.join(' ')} }`;
    expect(codeOf(await path({ query, token: tokens.driver }))).toBe('MAX_COST_EXCEEDED');
  },
  async rate(path, name) {
    const token = await gateway.token({ role: 'carrier', carrierId: 'carrier-9', sub: `greedy-${name}` });
    const query = '{ tenders(first: 200) { nodes { id } } }';
    expect(codeOf(await path({ query, token }))).toBeUndefined();
    expect(codeOf(await path({ query, token }))).toBe('RATE_LIMITED');
    expect(codeOf(await path({ query }))).toBeUndefined();
  },
  async turns(path) {
    const pages = Array.from(
      { length: 10 },
      (_, at) => `a${at}: tenders(first: 200) { nodes { id status } }`,
    );
    const many = Array.from({ length: 6 }, () => path({ query: `{ ${pages.join(' ')} }` }));
    for (const told of await Promise.all(many)) expect(told.data.a9.nodes).toHaveLength(1);
  },
  async commandsInHand(path) {
    await whileBusy(0, async () => {
      const input = { licensePlate: 'ONE MORE' };
      expect(codeOf(await path({ query: REGISTER, variables: { input } }))).toBe('OVERLOADED');
    });
    expect(await gateway.store.events.countDocuments({ 'payload.licensePlate': 'ONE MORE' })).toBe(0);
  },
  async masking(path) {
    const rows = gateway.store.db.collection('tenders_read');
    await rows.updateOne({ tenantId: 'demo' }, { $set: { status: 'SECRETLY_BROKEN' } });
    const told = await path({ query: TENDER, variables: { id: tenderId } });
    expect(codeOf(told)).toBe('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(told)).not.toContain('SECRETLY_BROKEN');
    await rows.updateOne({ tenantId: 'demo' }, { $set: { status: 'OFFERED' } });
  },
  async counting(path, name) {
    gateway.metrics.operations.reset();
    await path({});
    const { values } = await gateway.metrics.operations.get();
    const transport = isSocket(name) ? 'socket' : 'http';
    expect(values).toMatchObject([{ value: 1, labels: { operation: 'query', transport } }]);
  },
};

describe.each(Object.keys(PATHS) as PathName[])('what protects the gateway, on the path %s', (name) => {
  it.each(Object.keys(PROTECTIONS) as Protection[])('%s', (protection) =>
    TRIALS[protection](PATHS[name], name),
  );
});
