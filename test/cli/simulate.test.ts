import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphqlClient } from '../../src/client/graphql-client.ts';
import { seededRandom } from '../../src/client/seeded-random.ts';
import { simulate } from '../../src/simulation/simulation.ts';
import type { Summary } from '../../src/simulation/summary.ts';
import { distanceM, makeTown } from '../../src/simulation/town.ts';
import { openWhole, type Whole } from '../operations/whole.ts';

let whole: Whole;
beforeAll(async () => {
  whole = await openWhole();
});
afterAll(() => whole.close());

/** Runs a small, hurried town until `enough`, then stops it as Ctrl-C does. */
async function simulateUntil(tenant: string, enough: (summary: Summary) => boolean): Promise<Summary> {
  const stop = new AbortController();
  const token = await whole.token({ tenant });
  const client = graphqlClient({ url: whole.url, token, patienceMs: 10_000, signal: stop.signal });
  const afterwards = graphqlClient({ url: whole.url, token, patienceMs: 2_000 });
  return simulate(client, afterwards, {
    ...{ vehicles: 6, tenders: 3, rate: 4, pace: 200, seed: 'test', fleetId: 'made-up' },
    centre: [-97.743, 30.267],
    signal: stop.signal,
    onProgress: (summary) => {
      if (enough(summary)) stop.abort();
    },
  });
}

async function ask(tenant: string, query: string) {
  const response = await fetch(whole.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await whole.token({ tenant })}` },
    body: JSON.stringify({ query }),
  });
  return (await response.json()).data;
}

describe('a simulation that is stopped after its first delivery', () => {
  it('has moved vehicles and carried loads, and leaves nothing under way', async () => {
    const summary = await simulateUntil('town', ({ completed }) => completed > 0);
    expect(summary.completed).toBeGreaterThan(0);
    expect(summary.fixes).toBeGreaterThan(0);
    expect([...summary.refused.keys()]).toEqual([]);
    const { tenders, vehicles } = await ask(
      'town',
      '{ tenders(first: 200) { edges { node { status } } } vehicles { edges { node { id } } } }',
    );
    expect(vehicles.edges).toHaveLength(6);
    expect(tenders.edges).toHaveLength(summary.created);
    const underWay = tenders.edges.filter(
      ({ node }: { node: { status: string } }) => !['COMPLETED', 'CANCELLED'].includes(node.status),
    );
    expect(underWay).toEqual([]);
  });

  it('can be run again with the same vehicles', async () => {
    const summary = await simulateUntil('town', ({ completed }) => completed > 0);
    expect(summary.completed).toBeGreaterThan(0);
    expect((await ask('town', '{ vehicles { edges { node { id } } } }')).vehicles.edges).toHaveLength(6);
  });
});

describe('a simulation of a gateway that does not take its token', () => {
  it('ends with that, and does not hang', async () => {
    const client = graphqlClient({ url: whole.url, token: 'nonsense', patienceMs: 1_000 });
    const running = simulate(client, client, {
      ...{ vehicles: 2, tenders: 1, rate: 1, pace: 1, seed: 'x', fleetId: 'x' },
      centre: [0, 0],
      signal: new AbortController().signal,
    });
    await expect(running).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('a made-up town', () => {
  it('is the same for the same seed, and another for another', () => {
    const [one, same, other] = ['a', 'a', 'b'].map((seed) => makeTown(seed, [10, 50]));
    const random = () => seededRandom('r');
    expect(one?.somewhere(random())).toEqual(same?.somewhere(random()));
    expect(one?.somewhere(random())).not.toEqual(other?.somewhere(random()));
  });

  it('has ways along streets: from crossing to neighbouring crossing', () => {
    const town = makeTown('a', [10, 50]);
    const random = seededRandom('r');
    for (let trip = 0; trip < 50; trip += 1) {
      const [from, to] = [town.somewhere(random), town.somewhere(random)];
      const way = town.way(from, to, random);
      expect([way[0], way.at(-1)]).toEqual([from.position, to.position]);
      for (const [index, place] of way.slice(1).entries())
        expect(distanceM(way[index] ?? [0, 0], place)).toBeLessThan(300);
    }
  });
});
