import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../gateway.ts';
import { codeOf, WAY_NAMES, WAYS } from './paths.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ limits: { rateCarrier: 100 } });
});
afterAll(() => gateway.close());

const PAGE = '{ tenders(first: 200) { nodes { id } } }';
const SUBSCRIPTION = 'subscription { tenderChanges { ... on TendersSnapshot { cursor } } }';

const carrier = (sub: string): Promise<string> =>
  gateway.token({ role: 'carrier', carrierId: 'carrier-1', sub });

describe.each(WAY_NAMES)('a carrier that has used up its rate, by %s', (way) => {
  it('is told when to come again, and others are not held up', async () => {
    const token = await carrier(`greedy-${way}`);
    expect((await WAYS[way](gateway.url, { query: PAGE, token })).errors).toBeUndefined();
    const told = await WAYS[way](gateway.url, { query: PAGE, token });
    expect(codeOf(told)).toBe('RATE_LIMITED');
    expect(told.errors[0].extensions.retryAfterSeconds).toBeGreaterThan(10);
    expect(told.data ?? null).toBeNull();
    expect(told.status).toBe(way === 'socket' ? 101 : 429);
    if (way !== 'socket') expect(Number(told.retryAfter)).toBeGreaterThan(10);
    const other = await carrier(`other-${way}`);
    expect((await WAYS[way](gateway.url, { query: PAGE, token: other })).errors).toBeUndefined();
  });

  it('has one rate, however it comes', async () => {
    const token = await carrier(`everywhere-${way}`);
    await WAYS[way](gateway.url, { query: PAGE, token });
    for (const other of WAY_NAMES)
      expect(codeOf(await WAYS[other](gateway.url, { query: PAGE, token }))).toBe('RATE_LIMITED');
  });
});

describe.each(['stream', 'socket'] as const)('a subscription beyond the rate, by %s', (way) => {
  it('does not begin', async () => {
    const token = await carrier(`listener-${way}`);
    await WAYS.fast(gateway.url, { query: PAGE, token });
    const told = await WAYS[way](gateway.url, { query: SUBSCRIPTION, token });
    expect(codeOf(told)).toBe('RATE_LIMITED');
  });
});
