import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventStream } from '../event-stream.ts';
import { eventually } from '../eventually.ts';
import { type Answer, type Data, startGateway, type TestGateway } from '../gateway.ts';
import { REGISTER, TRACK, TRACK_ALL } from '../vehicle/documents.ts';

const COMMANDS = 3;
const BYTES = 65_536;
const berlin = { longitude: 13.4, latitude: 52.5 };
const at = (second: number) => new Date(Date.UTC(2026, 0, 15, 14, 0, second)).toISOString();

let gateway: TestGateway;
let token: string;
let vehicleId: string;
beforeAll(async () => {
  gateway = await startGateway({
    limits: { maxCommandsInHand: COMMANDS, maxRequestBytesInHand: BYTES },
    allowedOrigins: ['https://app.example'],
  });
  token = await gateway.token();
  const { result } = await gateway.data(REGISTER, { input: { licensePlate: 'LOAD-1' } });
  vehicleId = result.vehicle.id;
});
afterAll(() => gateway.close());

/** Keeps every commit waiting until it is let go: what has been taken on stays in hand. */
function holdCommits() {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const { committer } = gateway.store;
  const [commit, commitAll] = [committer.commit.bind(committer), committer.commitAll.bind(committer)];
  vi.spyOn(committer, 'commit').mockImplementation((unit) => held.then(() => commit(unit)));
  vi.spyOn(committer, 'commitAll').mockImplementation((units) => held.then(() => commitAll(units)));
  return {
    letGo() {
      letGo();
      vi.restoreAllMocks();
    },
  };
}

const fix = (second: number) => ({ vehicleId, ...berlin, occurredAt: at(second) });
const inHand = () => gateway.metrics.inHand;
const met = async (limit: string) =>
  (await gateway.metrics.limits.get()).values.find(({ labels }) => labels.limit === limit)?.value;

function send(input: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ query: TRACK, variables: { input } }),
  });
}

async function overSocket(query: string, input: object): Promise<Data> {
  for await (const result of gateway.socket(token).iterate({ query, variables: { input } })) return result;
}

describe('D-21 a process that has as many commands in hand as it may', () => {
  let early: Promise<Answer>[];
  let held: ReturnType<typeof holdCommits>;
  beforeAll(async () => {
    held = holdCommits();
    early = Array.from({ length: COMMANDS }, (_, second) => gateway.graphql(TRACK, { input: fix(second) }));
    await eventually(() => expect(inHand().commands).toBe(COMMANDS));
  });

  it.each(['application/json', 'application/graphql-response+json'])(
    'refuses more over HTTP with 503, OVERLOADED and Retry-After, as %s',
    async (accept) => {
      for (const origin of [undefined, 'https://app.example']) {
        const answer = await send(fix(10), { accept, ...(origin === undefined ? {} : { origin }) });
        expect(answer.status).toBe(503);
        expect(answer.headers.get('retry-after')).toBe('1');
        expect(answer.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin ?? null);
        const { data, errors } = (await answer.json()) as Data;
        expect(data ?? null).toBeNull();
        expect(errors[0].extensions).toEqual({ code: 'OVERLOADED', retryAfterSeconds: 1 });
      }
    },
  );

  it('refuses a batch as a whole', async () => {
    const answer = await gateway.graphql(TRACK_ALL, { input: { fixes: [fix(11), fix(12)] } });
    expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'OVERLOADED' } }] });
  });

  it('refuses them over a socket in the result, single and batch', async () => {
    for (const [query, input] of [
      [TRACK, fix(13)],
      [TRACK_ALL, { fixes: [fix(14), fix(15)] }],
    ] as const) {
      const { errors } = await overSocket(query, input);
      expect(errors[0].extensions).toEqual({ code: 'OVERLOADED', retryAfterSeconds: 1 });
    }
  });

  it('goes on answering queries, counts what it has refused, and shows what it has in hand', async () => {
    expect((await gateway.graphql('{ fleets { total } }')).status).toBe(200);
    expect(await met('commands')).toBeGreaterThanOrEqual(7);
    expect(await gateway.metrics.registry.metrics()).toContain(`waybill_commands_in_hand ${COMMANDS}`);
  });

  it('has recorded nothing of what it refused, and all that it took on', async () => {
    held.letGo();
    for (const answer of await Promise.all(early))
      expect(answer.data.result).toMatchObject({ repeated: false });
    await eventually(() => expect(inHand()).toEqual({ commands: 0, request_bytes: 0 }));
    const events = gateway.store.events.countDocuments({ aggregateType: 'Vehicle', type: 'LocationTracked' });
    expect(await events).toBe(COMMANDS);
  });
});

describe('a process with nothing in hand', () => {
  it('takes on a batch that is larger than its limit', async () => {
    const fixes = Array.from({ length: COMMANDS * 2 }, (_, index) => fix(20 + index));
    expect(await gateway.data(TRACK_ALL, { input: { fixes } })).toEqual({
      result: { recorded: fixes.length, repeated: 0, refused: [], warnings: [] },
    });
  });

  it('takes commands over sockets as over HTTP', async () => {
    expect(await overSocket(TRACK, fix(40))).toMatchObject({ data: { result: { repeated: false } } });
    expect(await overSocket(TRACK, fix(40))).toMatchObject({ data: { result: { repeated: true } } });
    expect(await overSocket(TRACK_ALL, { fixes: [fix(40), fix(41)] })).toMatchObject({
      data: { result: { recorded: 1, repeated: 1 } },
    });
  });
});

describe('a process that has as many bytes of requests in hand as it may', () => {
  it('refuses more before it reads them, over HTTP and over sockets', async () => {
    const held = holdCommits();
    const large = gateway.graphql(TRACK, { input: fix(50), padding: 'x'.repeat(BYTES) });
    await eventually(() => expect(inHand().commands).toBe(1));
    for (const body of [JSON.stringify({ query: '{ __typename }' }), 'no JSON at all']) {
      const refused = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://app.example' },
        body,
      });
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example');
      expect(((await refused.json()) as Data).errors[0].extensions.code).toBe('OVERLOADED');
    }
    const { errors } = await overSocket('{ __typename }', {});
    expect(errors[0].extensions.code).toBe('OVERLOADED');
    expect(await met('request_bytes')).toBe(3);
    held.letGo();
    expect((await large).data.result).toMatchObject({ repeated: false });
    expect((await gateway.graphql('{ __typename }')).status).toBe(200);
  });

  it('counts no event stream for as long as it lasts', async () => {
    const reading = new AbortController();
    const query = 'subscription { vehicleChanges { __typename } }';
    const stream = await eventStream(gateway.url, query, { token, signal: reading.signal });
    await eventually(() => expect(inHand().request_bytes).toBe(0));
    expect(stream.status).toBe(200);
    reading.abort();
  });
});
