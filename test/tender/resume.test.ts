import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { collect, type Items } from '../items.ts';
import { created, type Desk, offeredTo, openDesk } from './desk.ts';

const CHANGES = `subscription ($filter: TenderFilter, $after: String) {
  tenderChanges(filter: $filter, after: $after) {
    __typename
    ... on Change { cursor }
    ... on TendersSnapshot { complete tenders { id } }
    ... on TenderUpdated { tender { id status offers { carrierId } } event { type } }
    ... on TenderLeft { id }
  }
}`;

let gateway: TestGateway;
let desk: Desk;
beforeAll(async () => {
  gateway = await startGateway();
  desk = await openDesk(gateway);
});
afterAll(() => gateway.close());

async function subscribe(who: object, variables: object): Promise<Items> {
  const socket = gateway.socket(await gateway.token(who));
  return collect(socket.iterate({ query: CHANGES, variables: { ...variables } }), 'tenderChanges');
}

/** Subscribes until the snapshot is complete, and goes away. @returns its cursor */
async function visit(who: object, variables: object): Promise<string> {
  const items = await subscribe(who, variables);
  const snapshot = await items.until((item) => item.complete);
  items.stop();
  return snapshot.cursor;
}

const cancel = (tenderId: string) => desk.give('cancelTender', { tenderId, reasonCode: 'OTHER' });

describe('a carrier that comes back with a cursor', () => {
  it('is told what it missed of its own tenders, what left, and nothing of others', async () => {
    const acme = { role: 'carrier', carrierId: 'ACME' };
    const filter = { status: ['OFFERED'] };
    const had = await offeredTo(desk, 'ACME', 'BOLT');
    const after = await visit(acme, { filter });
    await offeredTo(desk, 'BOLT');
    const passed = await offeredTo(desk, 'ACME');
    await Promise.all([cancel(had), cancel(passed), cancel(await offeredTo(desk, 'BOLT'))]);
    const last = await offeredTo(desk, 'ACME');
    const items = await subscribe(acme, { filter, after });
    await items.until((item) => item.tender?.id === last);
    items.stop();
    const told = items.all.map((item: Data) => [item.__typename, item.tender?.id ?? item.id]);
    expect(told.filter(([, id]) => id === had)).toEqual([['TenderLeft', had]]);
    expect(told.filter(([, id]) => id === passed)).toEqual([
      ['TenderUpdated', passed],
      ['TenderLeft', passed],
    ]);
    expect(new Set(told.map(([, id]) => id))).toEqual(new Set([had, passed, last]));
    for (const { tender } of items.all.filter((item) => item.tender))
      expect(tender.offers.map((offer: Data) => offer.carrierId)).toEqual(['ACME']);
  });
});

describe('a cursor of a foreign tenant', () => {
  it('is refused as one that is damaged is, and tells nothing', async () => {
    await created(desk);
    const cursor = await visit({}, {});
    for (const [who, after] of [
      [{ tenant: 'elsewhere' }, cursor],
      [{}, `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`],
    ] as const) {
      const items = await subscribe(who, { after });
      await expect.poll(() => JSON.stringify(String(items.end?.error))).toContain('INVALID_CURSOR');
      expect(items.all).toEqual([]);
    }
  });
});
