import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER, TRACK } from '../vehicle/documents.ts';
import { offered } from './tour.ts';

const APP = 'https://app.example';

let gateway: TestGateway;
let tokens: Readonly<Record<'dispatcher' | 'driver' | 'carrier', string>>;
let tenderId: string;
beforeAll(async () => {
  gateway = await startGateway({ allowedOrigins: [APP], limits: { maxBodyBytes: 8_192 } });
  tokens = {
    dispatcher: await gateway.token(),
    driver: await gateway.token({ role: 'driver' }),
    carrier: await gateway.token({ role: 'carrier', carrierId: 'carrier-1' }),
  };
  ({ tenderId } = await offered(gateway, 'carrier-1'));
  await gateway.data(REGISTER, { input: { licensePlate: 'LANE-1' } });
});
afterAll(() => gateway.close());

/** With a query behind the path the same request is Yoga's. */
const PATHS = { fast: '', yoga: '?' } as const;

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string | undefined>;
  readonly body?: string | Buffer;
}

/** What a client can tell the paths apart by. */
interface Told {
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

const HEADERS = ['content-type', 'vary', 'allow', 'accept', 'retry-after', 'www-authenticate', 'set-cookie'];

function told(
  { statusCode, headers }: { statusCode?: number | undefined; headers: IncomingHttpHeaders },
  body: string,
): Told {
  const seen = Object.entries(headers).filter(
    ([name]) => HEADERS.includes(name) || name.startsWith('access-control'),
  );
  return {
    status: statusCode,
    headers: Object.fromEntries(seen),
    body: body.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=[".])/g, '<id>'),
  };
}

async function send(path: keyof typeof PATHS, { method = 'POST', headers = {}, body = '' }: Sent) {
  const { hostname, port, pathname } = new URL(gateway.url);
  const all = {
    'content-type': 'application/json',
    authorization: `Bearer ${tokens.dispatcher}`,
    ...headers,
  };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const length =
    method === 'GET' || 'transfer-encoding' in given ? {} : { 'content-length': Buffer.byteLength(body) };
  const { paths } = gateway.metrics;
  const { fast } = paths;
  return new Promise<Told & { readonly isFast: boolean }>((resolve, reject) => {
    const sent = request(
      { method, hostname, port, path: pathname + PATHS[path], headers: { ...length, ...given } },
      (response) => {
        const isFast = paths.fast > fast;
        text(response).then((answer) => resolve({ ...told(response, answer), isFast }), reject);
      },
    );
    sent.on('error', reject).end(method === 'GET' ? undefined : body);
  });
}

/** Sends the same down both paths. @returns whether the fast one answered itself */
async function expectSame(what: string, sent: Sent): Promise<boolean> {
  const { isFast: isFastThere, ...yoga } = await send('yoga', sent);
  const { isFast, ...fast } = await send('fast', sent);
  expect(fast, what).toEqual(yoga);
  return isFast && !isFastThere;
}

const ask = (query: unknown, rest: object = {}): string => JSON.stringify({ query, ...rest });
const TENDER = 'query One($id: ID!) { tender(id: $id) { id status offers { carrierId } } }';

describe('a request that is plain and well formed', () => {
  it.each<[string, () => string]>([
    ['the least there is', () => ask('{ __typename }')],
    ['variables', () => ask(TENDER, { variables: { id: tenderId } })],
    ['what is not there', () => ask(TENDER, { variables: { id: 'x' } })],
    ['a name', () => ask(`${TENDER} query Two { __typename }`, { operationName: 'Two' })],
    ['nulls', () => ask('{ __typename }', { variables: null, operationName: null, extensions: null })],
    ['extensions', () => ask('{ __typename }', { extensions: { persisted: 1 } })],
    ['a refusal', () => ask(REGISTER, { variables: { input: { licensePlate: 'LANE-1' } } })],
    ['an error of the client’s', () => ask('{ tenders(first: -1) { nodes { id } } }')],
    ['an error beside data', () => ask('{ a: __typename events(after: "x") { nodes { id } } }')],
    [
      'fragments and directives',
      () =>
        ask('query ($y: Boolean!) { ...F } fragment F on Query { a: __typename @include(if: $y) }', {
          variables: { y: false },
        }),
    ],
    ['the schema', () => ask('{ __schema { queryType { name } } }')],
    ['umlauts', () => ask('{ vehicles(filter: { fleetId: "Zürich 🚚" }) { nodes { id } } }')],
  ])('is answered by the fast path as by Yoga: %s', async (what, body) => {
    for (const accept of ['application/json', 'application/graphql-response+json'])
      expect(await expectSame(what, { headers: { accept }, body: body() })).toBe(true);
  });

  it('is answered so for every caller, known or not', async () => {
    const bodies = [
      ask('{ __typename }'),
      ask('{ fleets { total } }'),
      ask(TENDER, { variables: { id: tenderId } }),
    ];
    const callers = [
      undefined,
      'Bearer nonsense',
      'Basic bm9uZQ==',
      `Bearer ${tokens.driver}`,
      `Bearer ${tokens.carrier}`,
    ];
    for (const body of bodies)
      for (const authorization of callers)
        expect(await expectSame(`${authorization}`, { headers: { authorization }, body })).toBe(true);
  });

  it('is answered so however often it is asked', async () => {
    for (let time = 0; time < 25; time += 1) {
      expect(await expectSame('often', { body: ask(TENDER, { variables: { id: tenderId } }) })).toBe(true);
      await expectSame('often, with a mistake', { body: ask(TENDER, { variables: { id: {} } }) });
      await expectSame('often, with an error', { body: ask('{ tenders(first: -1) { nodes { id } } }') });
      const again = ask(REGISTER, { variables: { input: { licensePlate: 'LANE-1' } } });
      expect(await expectSame('a mutation, often', { body: again })).toBe(true);
      expect(await expectSame('by nobody', { headers: { authorization: undefined }, body: again })).toBe(
        true,
      );
      await expectSame('a mutation with a mistake', { body: ask(REGISTER, { variables: { input: {} } }) });
    }
  });

  it('is masked in the same way where it meets a bug', async () => {
    const rows = gateway.store.db.collection('tenders_read');
    await rows.updateOne({}, { $set: { status: 'SECRETLY_BROKEN' } });
    for (const query of [
      TENDER,
      `query One($id: ID!) { tender(id: $id) { id status } tenders { nodes { id } } }`,
    ])
      expect(await expectSame('a bug', { body: ask(query, { variables: { id: tenderId } }) })).toBe(true);
    await rows.updateOne({}, { $set: { status: 'OFFERED' } });
  });

  it('records a command once, whichever path it comes by', async () => {
    const input = { licensePlate: 'LANE-1', longitude: 1, latitude: 2, idempotencyKey: 'once' };
    const body = ask(TRACK, { variables: { input } });
    const first = await send('fast', { body });
    expect(first).toMatchObject({ isFast: true, status: 200 });
    expect(first.body).toContain('"repeated":false');
    expect(await expectSame('a command', { body })).toBe(true);
  });
});

describe('the type of an answer', () => {
  it.each([
    undefined,
    '',
    '*/*',
    'application/*',
    '*/json',
    '*/graphql-response+json, application/json',
    'application/json;q=0.1, application/graphql-response+json',
    'application/graphql-response+json, application/json;q=0.9',
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    'text/html, application/json',
    'text/html',
    'text/plain',
    'image/*',
    'text/event-stream',
    'multipart/mixed',
    'application/json; charset=utf-8',
    'application/json; charset=iso-8859-1',
    'APPLICATION/JSON',
    ',,',
    'application/json, */*',
  ])('is chosen in the same way for Accept: %s', async (accept) => {
    for (const body of [
      ask('{ __typename }'),
      ask('{ nonsense }'),
      ask('{ tenders(first: -1) { nodes { id } } }'),
    ])
      await expectSame(`${accept} ${body}`, { headers: { accept }, body });
  });
});

describe('a request that is odd', () => {
  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['no JSON', 'nonsense'],
    ['half of it', '{"query": "{ __typename }"'],
    ['a byte order mark', `\uFEFF${ask('{ __typename }')}`],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['null', 'null'],
    ['a text', '"{ __typename }"'],
    ['a number', '7'],
    ['a list', `[${ask('{ __typename }')}]`],
    ['an empty list', '[]'],
    ['no query', '{}'],
    ['an empty one', ask('')],
    ['one that is null', ask(null)],
    ['one that is no text', ask({ a: 1 })],
    ['a parameter that there is not', ask('{ __typename }', { nonsense: 1 })],
    ['one that is null', ask('{ __typename }', { nonsense: null })],
    ['__proto__', '{"query":"{ __typename }","__proto__":{"a":1}}'],
    ['variables in a list', ask('{ __typename }', { variables: [] })],
    ['variables in a text', ask('{ __typename }', { variables: '{}' })],
    ['extensions in a text', ask('{ __typename }', { extensions: 'x' })],
    ['a name that is none', ask('{ __typename }', { operationName: 7 })],
    ['a name that is not there', ask('query A { __typename }', { operationName: 'B' })],
    ['an empty name', ask('query A { __typename }', { operationName: '' })],
    ['two operations and no name', ask('query A { __typename } query B { __typename }')],
    ['no operation', ask('fragment F on Query { __typename }')],
    ['no document', ask('{')],
    ['one that is not valid', ask('{ nonsense }')],
    ['a variable that is missing', ask(TENDER)],
    ['one of another type', ask(TENDER, { variables: { id: { a: 1 } } })],
    [
      'an enum that there is not',
      ask('query ($s: [TenderStatus!]) { tenders(filter: { status: $s }) { nodes { id } } }', {
        variables: { s: ['X'] },
      }),
    ],
    [
      'two mistakes',
      ask('query ($a: Int!, $b: Int!) { tenders(first: $a, last: $b) { nodes { id } } }', {
        variables: { a: 'x' },
      }),
    ],
    ['a subscription', ask('subscription { tenderChanges { __typename } }')],
    [
      'one of two',
      ask('subscription S { tenderChanges { __typename } } query Q { __typename }', { operationName: 'Q' }),
    ],
  ])('is answered in the same way: %s', async (what, body) => {
    for (const accept of ['application/json', 'application/graphql-response+json'])
      await expectSame(what, { headers: { accept }, body });
  });

  it.each<[string, Sent]>([
    ['another type', { headers: { 'content-type': 'text/plain' } }],
    ['no type', { headers: { 'content-type': undefined } }],
    ['a type with a charset', { headers: { 'content-type': 'application/json; charset=utf-8' } }],
    ['with another', { headers: { 'content-type': 'application/json; charset=utf-16' } }],
    ['two types', { headers: { 'content-type': 'application/json, text/plain' } }],
    ['the older type', { headers: { 'content-type': 'application/graphql+json' } }],
    ['GraphQL itself', { headers: { 'content-type': 'application/graphql' }, body: '{ __typename }' }],
    [
      'a form',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'query={__typename}' },
    ],
    ['a packed body', { headers: { 'content-encoding': 'gzip' }, body: gzipSync(ask('{ __typename }')) }],
    ['pieces', { headers: { 'transfer-encoding': 'chunked' } }],
    ['too much of it', { body: ask(`{ __typename } #${'x'.repeat(9_000)}`) }],
    [
      'too many pieces',
      { headers: { 'transfer-encoding': 'chunked' }, body: ask(`{ __typename } #${'x'.repeat(9_000)}`) },
    ],
    ['PUT', { method: 'PUT' }],
    ['DELETE', { method: 'DELETE' }],
    ['an allowed origin', { headers: { origin: APP } }],
    ['another origin', { headers: { origin: 'https://other.example' } }],
    ['no origin', { headers: { origin: 'null' } }],
    ['a last event’s id', { headers: { 'last-event-id': 'x' } }],
  ])('is answered in the same way: %s', async (what, sent) => {
    await expectSame(what, { body: ask('{ __typename }'), ...sent });
  });

  it('is given up without a trace where its body never ends, and harms nobody', async () => {
    const { hostname, port } = new URL(gateway.url);
    const line = connect(Number(port), hostname);
    await new Promise((resolve) => line.once('connect', resolve));
    line.write(
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"query":',
    );
    await eventually(() => expect(gateway.metrics.inHand.request_bytes).toBe(1_000));
    line.destroy();
    await eventually(() => expect(gateway.metrics.inHand.request_bytes).toBe(0));
    expect(await send('fast', { body: ask('{ __typename }') })).toMatchObject({ status: 200 });
  });
});

describe('operations', () => {
  it('are counted alike on both paths', async () => {
    const counted = async (path: keyof typeof PATHS) => {
      gateway.metrics.operations.reset();
      for (const body of [
        ask('{ __typename }'),
        ask(TENDER, { variables: { id: tenderId } }),
        ask(REGISTER, { variables: { input: { licensePlate: 'LANE-1' } } }),
        ask('{ nonsense }'),
      ])
        await send(path, { body });
      await send(path, { headers: { authorization: undefined }, body: ask('{ fleets { total } }') });
      return (await gateway.metrics.operations.get()).values;
    };
    expect(await counted('fast')).toEqual(await counted('yoga'));
  });
});
