import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/metrics/limits.ts';
import { eventually } from '../../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../../gateway.ts';
import { openRawSocket } from './raw-socket.ts';

const LIMITS = {
  maxSocketsPerTenant: 5,
  maxSocketsPerCaller: 3,
  maxHeldBytesPerSocket: 65_536,
  maxHeldBytesPerCaller: 150_000,
  maxHeldBytesPerTenant: 190_000,
};
const WATCH = 'subscription ($filter: TenderFilter) { tenderChanges(filter: $filter) { __typename } }';
const ASK = 'query ($filter: TenderFilter) { tenders(filter: $filter) { nodes { id } } }';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ limits: LIMITS });
});
afterAll(() => gateway.close());

async function met(limit: Limit): Promise<number> {
  const { values } = await gateway.metrics.limits.get();
  return values.find(({ labels }) => labels.limit === limit)?.value ?? Number.NaN;
}

const carriers = (count: number) => ({
  carrierId: Array.from({ length: count }, (_, index) => `carrier-${index}`),
});

async function openStream(token: string, filter: object = {}, path = '') {
  const cut = new AbortController();
  const response = await fetch(gateway.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query: WATCH, variables: { filter } }),
    signal: cut.signal,
  });
  return { response, cut: () => cut.abort() };
}

const openSocket = (token: string) => openRawSocket(gateway.url, { authorization: `Bearer ${token}` });
const subscribe = (id: string, filter: object, query = WATCH) => ({
  type: 'subscribe',
  id,
  payload: { query, variables: { filter } },
});
const codeOf = ({ errors }: Data): unknown => errors?.[0]?.extensions?.code;

describe('connections of a caller', () => {
  it('are counted together, be they sockets or event streams', async () => {
    const token = await gateway.token({ tenant: 'crowd' });
    const streams = [await openStream(token), await openStream(token)];
    for (const { response } of streams) expect(response.status).toBe(200);
    const socket = await openSocket(token);
    await socket.told('connection_ack');

    const before = await met('sockets_per_caller');
    for (const path of ['', '?']) {
      const { response } = await openStream(token, {}, path);
      expect(response.status).toBe(429);
      expect(await response.text()).toContain('TOO_MUCH_OPEN');
    }
    const refused = await openSocket(token);
    await eventually(() => expect(refused.closedWith()?.code).toBe(4429));
    expect(await met('sockets_per_caller')).toBe(before + 3);

    streams[0]?.cut();
    await eventually(async () => {
      const again = await openStream(token);
      again.cut();
      expect(again.response.status).toBe(200);
    });
    streams[1]?.cut();
    for (const each of [socket, refused]) each.cut();
  });

  it('count for their tenant, too, and for no other', async () => {
    const [ann, bob] = await Promise.all(['ann', 'bob'].map((sub) => gateway.token({ tenant: 'full', sub })));
    const open = [];
    for (const token of [ann, ann, ann, bob, bob]) open.push(await openStream(token ?? ''));
    for (const { response } of open) expect(response.status).toBe(200);
    expect((await openStream(bob ?? '')).response.status).toBe(429);
    expect(await met('sockets_per_tenant')).toBe(1);
    const elsewhere = await openStream(await gateway.token({ tenant: 'roomy', sub: 'bob' }));
    expect(elsewhere.response.status).toBe(200);
    for (const { cut } of [...open, elsewhere]) cut();
  });
});

describe('what subscriptions hold', () => {
  it('is bounded for a socket, which goes on, and is given back', async () => {
    const socket = await openSocket(await gateway.token({ tenant: 'holders' }));
    await socket.told('connection_ack');
    socket.send(subscribe('first', carriers(300)));
    await socket.told('next', 'first');
    socket.send(subscribe('second', carriers(300)));
    expect(codeOf((await socket.told('next', 'second')).payload)).toBe('TOO_MUCH_OPEN');
    expect(await met('held_bytes_per_socket')).toBe(1);
    socket.send({ type: 'complete', id: 'first' });
    await eventually(async () => {
      const id = `again-${Math.random()}`;
      socket.send(subscribe(id, carriers(300)));
      expect(codeOf((await socket.told('next', id)).payload)).toBeUndefined();
    });
    socket.cut();
  });

  it('is bounded for an event stream', async () => {
    const { response } = await openStream(await gateway.token({ tenant: 'holders' }), carriers(600));
    expect(response.status).toBe(429);
    expect(await response.text()).toContain('TOO_MUCH_OPEN');
  });

  it('is bounded for a caller and a tenant, whatever connections it is on', async () => {
    const open = [];
    const tokens = await Promise.all(
      ['a', 'a', 'a', 'b', 'b'].map((sub) => gateway.token({ tenant: 'hoarders', sub })),
    );
    for (const token of tokens) open.push(await openStream(token, carriers(430)));
    const statuses = open.map(({ response }) => response.status);
    expect(statuses).toEqual([200, 200, 429, 200, 429]);
    expect(await met('held_bytes_per_caller')).toBe(1);
    expect(await met('held_bytes_per_tenant')).toBe(1);
    for (const { cut } of open) cut();
  });

  it('is not what the protocol carries besides: ids of operations are short', async () => {
    const socket = await openSocket(await gateway.token({ tenant: 'talkers' }));
    await socket.told('connection_ack');
    socket.send(subscribe('x'.repeat(300), {}));
    await eventually(() => expect(socket.closedWith()?.code).toBe(4400));
    socket.cut();
  });
});

describe('a list in a filter', () => {
  const tooLong = { status: Array.from({ length: 1_001 }, () => 'OPEN') };

  it('has at most a thousand values over HTTP', async () => {
    for (const path of ['', '?']) {
      const answer = await fetch(gateway.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await gateway.token()}` },
        body: JSON.stringify({ query: ASK, variables: { filter: tooLong } }),
      });
      const { errors } = (await answer.json()) as Data;
      expect(errors[0].extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'filter.status' });
    }
  });

  it('has at most as many on sockets', async () => {
    const roomy = await startGateway();
    const socket = await openRawSocket(roomy.url, { authorization: `Bearer ${await roomy.token()}` });
    await socket.told('connection_ack');
    socket.send(subscribe('ask', tooLong, ASK));
    expect(codeOf((await socket.told('next', 'ask')).payload)).toBe('INVALID_INPUT');
    socket.send(subscribe('watch', tooLong));
    expect(codeOf((await socket.told('next', 'watch')).payload)).toBe('INVALID_INPUT');
    socket.cut();
    await roomy.close();
  });

  it('and the texts of all arguments have an end together', async () => {
    const filter = { carrierId: Array.from({ length: 900 }, () => 'x'.repeat(200)) };
    expect((await gateway.graphql(ASK, { filter })).errors?.[0]?.extensions.code).toBe('INVALID_INPUT');
  });
});
