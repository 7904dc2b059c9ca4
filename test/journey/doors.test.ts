import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { auditServer, serverAudits } from 'graphql-http';
import { CloseCode } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { startServer } from '../../src/gateway/server.ts';
import { eventStream } from '../event-stream.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { TENDER_CHANGES } from './documents.ts';
import { operation, rootFields } from './walk.ts';

/** The clock tolerance is for tokens that are shown; what runs ends on time. By then it runs, on a busy machine too. */
const LIFE_SECONDS = 8;

let gateway: TestGateway;
let development: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
  development = await startGateway({ development: true });
});
afterAll(() => Promise.all([gateway.close(), development.close()]));

/** Opens a raw socket, sends messages and tells how it was closed. */
function closeOf(url: string, messages: readonly object[], protocol = 'graphql-transport-ws') {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocol);
  const received: string[] = [];
  const [first, ...rest] = messages.map((message) => JSON.stringify(message));
  socket.on('message', (data) => {
    // The first answer is the acknowledgement.
    if (received.push(String(data)) === 1) for (const message of rest) socket.send(message);
  });
  socket.on('open', () => first && socket.send(first));
  return new Promise<{ code: number; reason: string; received: string[] }>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason), received }));
  });
}

describe('without a token', () => {
  it('__typename is all that is answered', async () => {
    expect(await gateway.graphql('{ __typename }', {}, null)).toMatchObject({
      status: 200,
      data: { __typename: 'Query' },
    });
  });

  it.each([
    '{ __schema { types { name } } }',
    '{ __type(name: "Query") { name } }',
    'query Q { ...F } fragment F on Query { __schema { queryType { name } } }',
  ])('the schema is no one’s but in development mode: %s', async (query) => {
    const answer = await gateway.graphql(query, {}, null);
    expect(answer.status).toBe(401);
    expect(answer.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    expect((await development.graphql(query, {}, null)).status).toBe(200);
  });

  it.each(['query', 'mutation'] as const)(
    'every %s is UNAUTHENTICATED, in development mode too',
    async (kind) => {
      for (const field of rootFields(kind)) {
        const { document, variables } = operation(kind, field, {});
        for (const each of [gateway, development]) {
          const answer = await each.graphql(document, variables, null);
          expect(answer.errors?.[0]?.extensions.code, field.name).toBe('UNAUTHENTICATED');
          expect(answer.status, field.name).toBe(401);
          expect(answer.data ?? null, field.name).toBeNull();
        }
      }
    },
  );

  it('a subscription over SSE is UNAUTHENTICATED', async () => {
    const response = await eventStream(gateway.url, TENDER_CHANGES);
    const text = await response.text();
    expect(text).toContain('UNAUTHENTICATED');
  });

  it('a socket is closed with 4401', async () => {
    expect(await closeOf(gateway.url, [{ type: 'connection_init' }])).toMatchObject({
      code: 4401,
      received: [],
    });
  });
});

describe('with a proof that is none', () => {
  it('nothing is answered over HTTP, not even __typename', async () => {
    for (const token of [
      'nonsense',
      `${await gateway.token()}x`,
      await gateway.token({ expiresInSeconds: -60 }),
    ]) {
      const answer = await gateway.graphql('{ __typename }', {}, token);
      expect(answer.status).toBe(401);
      expect(answer.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    }
  });

  it('a socket is closed with 4401 and a reason', async () => {
    const payload = { authorization: 'Bearer nonsense' };
    expect(await closeOf(gateway.url, [{ type: 'connection_init', payload }])).toMatchObject({
      code: 4401,
      received: [],
    });
  });

  it('a carrier that does not say which it is is nobody', async () => {
    const answer = await gateway.graphql(
      '{ tenders { nodes { id } } }',
      {},
      await gateway.token({ role: 'carrier' }),
    );
    expect(answer.status).toBe(401);
  });

  it.concurrent('a socket ends with its token', async () => {
    const token = await gateway.token({ expiresInSeconds: LIFE_SECONDS });
    const closed = await closeOf(gateway.url, [
      { type: 'connection_init', payload: { authorization: `Bearer ${token}` } },
      { type: 'subscribe', id: '1', payload: { query: TENDER_CHANGES } },
    ]);
    expect(closed).toMatchObject({ code: 4401, reason: 'The token has expired.' });
    expect(closed.received.join()).toContain('TendersSnapshot');
  });

  it.concurrent('an event stream ends with its token', async () => {
    const token = await gateway.token({ expiresInSeconds: LIFE_SECONDS });
    const response = await eventStream(gateway.url, TENDER_CHANGES, { token });
    const text = await response.text();
    expect(text).toContain('"message":"The token has expired.","extensions":{"code":"UNAUTHENTICATED"}');
    expect(text.trimEnd()).toMatch(/event: complete\ndata:$/);
    expect((await eventStream(gateway.url, TENDER_CHANGES, { token })).status).toBe(401);
  });

  it.concurrent('a socket that comes back at once with its token is not acknowledged', async () => {
    const token = await gateway.token({ expiresInSeconds: LIFE_SECONDS });
    const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } };
    expect((await closeOf(gateway.url, [init])).code).toBe(4401);
    expect(await closeOf(gateway.url, [init])).toMatchObject({ code: 4401, received: [] });
  });
});

describe('at the door', () => {
  it('a message that is none closes the socket', async () => {
    const closed = await closeOf(gateway.url, [{ type: 'nonsense' }]);
    expect(closed.code).toBe(CloseCode.BadRequest);
  });

  it('a message beyond the limit closes the socket', async () => {
    const payload = { padding: 'x'.repeat(3_000_000) };
    expect((await closeOf(gateway.url, [{ type: 'connection_init', payload }])).code).toBe(1009);
  });

  it('the legacy protocol is not spoken', async () => {
    await expect(closeOf(gateway.url, [], 'graphql-ws')).rejects.toThrow();
  });

  it('a socket elsewhere than at /graphql is not opened', async () => {
    await expect(closeOf(gateway.url.replace('/graphql', '/elsewhere'), [])).rejects.toThrow('404');
  });

  it('a body beyond the limit is 413, a batch and an unknown path are refused', async () => {
    const authorization = `Bearer ${await gateway.token()}`;
    const send = (body: string, path = '') =>
      fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body,
      });
    expect((await send(JSON.stringify({ query: `{ __typename } #${'x'.repeat(3_000_000)}` }))).status).toBe(
      413,
    );
    expect((await send(JSON.stringify([{ query: '{ __typename }' }]))).status).toBe(400);
    expect((await send('{}', '/elsewhere')).status).toBe(404);
  });

  it('what is malformed is the client’s mistake, and shows nothing of the inside', async () => {
    const { port } = new URL(gateway.url);
    const send = (path: string, host: string) =>
      new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
          text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
        });
        sent.on('error', reject).end();
      });
    expect(await send('/graphql?query={__typename}', '[nonsense')).toEqual({ status: 400, body: '' });
    const answer = await send('/graphql?query={__typename}&variables=nonsense', 'localhost');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).errors[0].extensions).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('more operations at once than allowed close the socket with 4429', async () => {
    const token = await gateway.token();
    const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } };
    const subscriptions = Array.from({ length: 60 }, (_, id) => ({
      type: 'subscribe',
      id: String(id),
      payload: { query: TENDER_CHANGES },
    }));
    expect((await closeOf(gateway.url, [init, ...subscriptions])).code).toBe(4429);
  });

  it('a port that is taken is said in a sentence', async () => {
    const { store, feed, personal, url } = gateway;
    const port = Number(new URL(url).port);
    const again = startServer({
      host: '127.0.0.1',
      port,
      development: false,
      services: { store, feed, personal, projections: async () => [] },
      authenticate: vi.fn(),
      log: store.log,
      metrics: (await import('../../src/metrics/metrics.ts')).openMetrics(),
    });
    await expect(again).rejects.toThrow(`127.0.0.1:${port} is taken by another process`);
  });
});

describe('GraphQL over HTTP, as its specification audits it', () => {
  it.each(['with a token', 'without, in development mode'])('every audit passes %s', async (how) => {
    const authorization = `Bearer ${await gateway.token()}`;
    const { url } = how === 'with a token' ? gateway : development;
    const results = await auditServer({
      url,
      fetchFn: (to: string, init: RequestInit = {}) =>
        fetch(to, how === 'with a token' ? { ...init, headers: { ...init.headers, authorization } } : init),
    });
    expect(results).toHaveLength(serverAudits({ url }).length);
    const failed = results.filter((result) => result.status !== 'ok');
    expect(failed.map(({ name, status }) => ({ name, status }))).toEqual([]);
  });
});

describe('GraphiQL', () => {
  const page = (url: string, headers: Record<string, string> = {}) =>
    fetch(url, { headers: { accept: 'text/html', ...headers } });

  it('is served in development mode from this process alone, with a token that works', async () => {
    const html = await (await page(development.url)).text();
    expect(html).toContain('YogaGraphiQL');
    expect(html).not.toMatch(/<script[^>]+src=|<link[^>]+href="http/);
    const token = /Bearer (ey[\w.-]+)/.exec(html)?.[1] ?? '';
    expect((await development.graphql('{ tenders { nodes { id } } }', {}, token)).status).toBe(200);
  });

  it('is not served otherwise', async () => {
    expect(await (await page(gateway.url)).text()).not.toContain('GraphiQL');
  });
});
