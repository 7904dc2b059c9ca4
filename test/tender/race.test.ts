import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/eventstore/command/intent.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { now, openWholeStore, play, refusals, tell, tenderRow, typesOf } from '../dispatch/stage.ts';
import { acme, bolt, DETAILS } from './cast.ts';

let database: TestDatabase;
let store: Store;
let other: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  other = await openWholeStore(database);
});
afterAll(() => database.close());

async function offeredToBoth(lifeMs = 3_600_000): Promise<string> {
  const id = newId();
  const expiresAt = new Date(Date.now() + lifeMs);
  await play(
    store,
    id,
    { type: 'CreateTender', details: DETAILS, ...now() },
    { type: 'OfferTender', offerId: newId(), carrierId: 'ACME', expiresAt, ...now() },
    { type: 'OfferTender', offerId: newId(), carrierId: 'BOLT', expiresAt, ...now() },
  );
  return id;
}

describe('64 acceptances of two carriers at once, in two processes', () => {
  it('have one winner; the others are refused', async () => {
    const id = await offeredToBoth();
    const accepts: Promise<Outcome>[] = [];
    for (let i = 0; i < 64; i += 1) {
      const by = i % 2 === 0 ? acme : bolt;
      accepts.push(tell(i % 4 < 2 ? store : other, id, { type: 'AcceptTender', ...now(by) }));
    }
    const outcomes = await Promise.all(accepts);
    expect(outcomes.filter(({ kind }) => kind === 'recorded')).toHaveLength(1);
    expect(new Set(refusals(outcomes))).toEqual(new Set(['OFFER_ENDED']));
    const types = await typesOf(store, id);
    expect(types.filter((type) => type === 'TenderAccepted')).toHaveLength(1);
    const row = await tenderRow(store, id);
    expect(row?.offers.map(({ status }) => status).sort()).toEqual(['ACCEPTED', 'SUPERSEDED']);
    expect(row?.lastSequence).toBe(types.length);
  });
});

describe('a late answer that is repeated with its key', () => {
  it('is refused the same way, and recorded once', async () => {
    const id = await offeredToBoth();
    await play(store, id, { type: 'AcceptTender', ...now(acme) });
    const late = () => tell(other, id, { type: 'AcceptTender', ...now(bolt) }, 'late');
    expect(refusals([await late(), await late(), await late()])).toEqual([
      'OFFER_ENDED',
      'OFFER_ENDED',
      'OFFER_ENDED',
    ]);
    const types = await typesOf(store, id);
    expect(types.filter((type) => type === 'TenderResponseRejectedLate')).toHaveLength(1);
  });
});
