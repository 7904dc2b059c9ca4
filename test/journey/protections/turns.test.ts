import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../eventually.ts';
import { startGateway, type TestGateway } from '../../gateway.ts';
import { offered } from '../tour.ts';
import { WAY_NAMES, WAYS } from './paths.ts';

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.token();
  for (let count = 0; count < 15; count++) await offered(gateway, `carrier-${count}`);
});
afterAll(() => gateway.close());

const FIELDS = 'id status reference stops { kind name } offers { status carrierId }';
const DEAR = `{ ${['a', 'b', 'c'].map((name) => `${name}: tenders(first: 200) { totals: __typename nodes { ${FIELDS} } }`).join(' ')} }`;
const ONE = `{ a: tenders(first: 20) { totals: __typename nodes { ${FIELDS} } } }`;

describe.each(WAY_NAMES)('a dear query, by %s', (way) => {
  it('is answered as a cheap one is, in its turn', async () => {
    const cheap = await WAYS.fast(gateway.url, { query: ONE, token });
    const dear = await WAYS[way](gateway.url, { query: DEAR, token });
    expect(dear.errors).toBeUndefined();
    expect(dear.extensions.cost.points).toBeGreaterThan(5_000);
    expect(dear.data).toEqual({ a: cheap.data.a, b: cheap.data.a, c: cheap.data.a });
    expect(dear.data.a.nodes).toHaveLength(15);
  });

  it('is answered however many there are', async () => {
    const all = await Promise.all(
      Array.from({ length: 12 }, () => WAYS[way](gateway.url, { query: DEAR, token })),
    );
    for (const { errors } of all) expect(errors).toBeUndefined();
  });

  it('has its errors as a cheap one has', async () => {
    const query = `${DEAR.slice(0, -1)} broken: tenders(first: -1) { nodes { id } } }`;
    const told = await WAYS[way](gateway.url, { query, token });
    expect(told.errors?.[0]).toMatchObject({ path: ['broken'], extensions: { code: 'INVALID_INPUT' } });
  });
});

describe('a client that leaves', () => {
  it('lets the next one have the turn, and is no bug', async () => {
    const leaving = new AbortController();
    const asked = Array.from({ length: 20 }, () =>
      fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: DEAR }),
        signal: leaving.signal,
      }).catch(() => undefined),
    );
    await eventually(() => expect(gateway.metrics.inHand.request_bytes).toBeGreaterThan(500));
    leaving.abort();
    await Promise.all(asked);
    expect((await WAYS.fast(gateway.url, { query: DEAR, token })).errors).toBeUndefined();
    await eventually(() => expect(gateway.metrics.inHand.request_bytes).toBe(0));
    const { values } = await gateway.metrics.bugs.get();
    expect(values[0]?.value ?? 0).toBe(0);
  });
});
