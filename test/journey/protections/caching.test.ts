import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventStream } from '../../event-stream.ts';
import { startGateway, type TestGateway } from '../../gateway.ts';

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({ development: true });
  token = await gateway.token();
});
afterAll(() => gateway.close());

const ask = (query: string, search: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(gateway.url + search, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ query }),
  });

describe('answers on their way through caches and proxies', () => {
  it.each(['{ fleets { total } }', '{ nonsense }', '{ tenders(first: -1) { nodes { id } } }'])(
    'are kept by nobody: %s',
    async (query) => {
      const search = `?query=${encodeURIComponent(query)}`;
      const answers = await Promise.all([
        ask(query, ''),
        ask(query, '?'),
        ask(query, '', { authorization: 'Bearer nonsense' }),
        fetch(gateway.url + search, { headers: { authorization: `Bearer ${token}` } }),
      ]);
      for (const answer of answers) {
        expect(answer.headers.get('cache-control')).toBe('private, no-store');
        await answer.text();
      }
    },
  );

  it('are neither held back nor changed where they are event streams', async () => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const query = 'subscription { vehicleChanges { __typename } }';
    const search = `?query=${encodeURIComponent(query)}`;
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    const streams = await Promise.all([
      eventStream(gateway.url, query, { token, signal }),
      fetch(gateway.url + search, { headers, signal }),
    ]);
    for (const stream of streams) {
      expect(stream.headers.get('cache-control')).toBe('private, no-store, no-transform');
      expect(stream.headers.get('x-accel-buffering')).toBe('no');
    }
    leaving.abort();
  });
});
