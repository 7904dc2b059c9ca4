import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../gateway.ts';
import { codeOf, WAY_NAMES, WAYS } from './paths.ts';

let gateway: TestGateway;
let tokens: Readonly<Record<'dispatcher' | 'carrier' | 'driver', string>>;
beforeAll(async () => {
  gateway = await startGateway();
  tokens = {
    dispatcher: await gateway.token(),
    carrier: await gateway.token({ role: 'carrier', carrierId: 'carrier-1' }),
    driver: await gateway.token({ role: 'driver' }),
  };
});
afterAll(() => gateway.close());

/** Short enough for a URL. */
const DEAR = `{ ${Array.from({ length: 40 }, (_, at) => `a${at}: tenders(first: 200) { nodes { stops { kind } } }`).join(' ')} }`;
const CHEAP = '{ tenders(first: 10) { nodes { id } } }';

const metOf = async (limit: string): Promise<number> => {
  const { values } = await gateway.metrics.limits.get();
  return values.find(({ labels }) => labels.limit === limit)?.value ?? 0;
};

describe.each(WAY_NAMES)('a document that is too dear, by %s', (way) => {
  it('is refused before it runs, with what it costs, and counted', async () => {
    const before = await metOf('cost_carrier');
    const told = await WAYS[way](gateway.url, { query: DEAR, token: tokens.carrier });
    expect(codeOf(told)).toBe('MAX_COST_EXCEEDED');
    const { cost } = told.errors[0].extensions;
    expect(cost.limit).toBe(50_000);
    expect(cost.points).toBeGreaterThan(100_000);
    expect(told.data ?? null).toBeNull();
    expect(told.status).toBe({ fast: 400, yoga: 400, get: 400, stream: 400, socket: 101 }[way]);
    expect(await metOf('cost_carrier')).toBe(before + 1);
  });

  it('may be dearer for whoever shows a board than for a phone', async () => {
    const query = '{ tenders(first: 200) { nodes { id history(first: 3) { nodes { id } } } } }';
    expect(codeOf(await WAYS[way](gateway.url, { query, token: tokens.driver }))).toBe('MAX_COST_EXCEEDED');
    expect((await WAYS[way](gateway.url, { query, token: tokens.dispatcher })).errors).toBeUndefined();
  });

  it('is told from one that is not, whose answer says what it costs', async () => {
    const told = await WAYS[way](gateway.url, { query: CHEAP, token: tokens.carrier });
    expect(told).toMatchObject({ data: { tenders: { nodes: [] } } });
    expect(told.extensions.cost).toEqual({ points: expect.any(Number), limit: 50_000 });
  });
});

describe('a subscription', () => {
  it.each(['stream', 'socket'] as const)(
    'is told what it costs only where that is too much, by %s',
    async (way) => {
      const query =
        'subscription { tenderChanges { ... on Gap { cursor } ... on TendersSnapshot { cursor } } }';
      const told = await WAYS[way](gateway.url, { query, token: tokens.dispatcher });
      expect(told.data.tenderChanges).toBeDefined();
      expect(told.extensions).toBeUndefined();
      const many = Array.from({ length: 60 }, (_, at) => `a${at}: history(first: 200) { nodes { id } }`).join(
        ' ',
      );
      const dear = `subscription { tenderChanges { ... on TendersSnapshot { tenders { ${many} } } } }`;
      expect(codeOf(await WAYS[way](gateway.url, { query: dear, token: tokens.dispatcher }))).toBe(
        'MAX_COST_EXCEEDED',
      );
    },
  );
});
