import { UUID } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Access } from '../../src/access/access.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { rowId } from '../../src/eventstore/projection.ts';
import { selectTenders, type TenderFilter } from '../../src/tender/filter.ts';
import { type TenderRow, tendersRead } from '../../src/tender/projection.ts';
import { TENDER_STATUSES } from '../../src/tender/state.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { openWholeStore } from '../dispatch/stage.ts';
import { minute } from '../given.ts';
import { TRUCK, tenderIn } from './cast.ts';

let database: TestDatabase;
let store: Store;

const LIMIT = 20;
const dispatcher: Access = { tenantId: 'big', sub: 'dora', role: 'dispatcher' };

beforeAll(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  const model = tenderIn('OFFERED').row(tendersRead);
  const rows = Array.from({ length: 4_000 }, (_, index) => {
    const id = newId();
    const tenantId = index % 2 === 0 ? 'big' : 'other';
    const n = Math.floor(index / 2);
    return {
      ...(model as TenderRow),
      _id: rowId(tenantId, id),
      id,
      tenantId,
      status: TENDER_STATUSES[n % 8],
      carrierIds: [`C${n % 50}`],
      fleetId: `F${n % 50}`,
      vehicleId: n % 40 === 0 ? TRUCK : new UUID().toString(),
      updatedAt: minute(n),
      createdAt: minute(n),
      nextExpiryAt: minute(n),
    };
  });
  await store.db.collection<(typeof rows)[number]>('tenders_read').insertMany(rows);
});
afterAll(() => database.close());

interface Stats {
  executionStats: { totalDocsExamined: number; totalKeysExamined: number; nReturned: number };
}

async function examined(filter: object, sort: Record<string, 1 | -1>): Promise<Stats['executionStats']> {
  const found = store.db.collection('tenders_read').find(filter).sort(sort).limit(LIMIT);
  return ((await found.explain('executionStats')) as unknown as Stats).executionStats;
}

describe('D-08 a page of tenders', () => {
  it.each<[string, TenderFilter]>([
    ['of all', {}],
    ['by status', { status: ['OFFERED'] }],
    ['by several states', { status: ['OPEN', 'OFFERED', 'ACCEPTED'] }],
    ['by carrier', { carrierId: ['C7'] }],
    ['by fleet', { fleetId: ['F7'] }],
    ['by vehicle', { vehicleId: [TRUCK] }],
  ])('%s examines what it returns', async (_, filter) => {
    const query = { $and: [{ tenantId: 'big' }, selectTenders(dispatcher, filter).filter] };
    const stats = await examined(query, { createdAt: -1, _id: -1 });
    expect(stats.nReturned).toBe(LIMIT);
    expect(stats.totalDocsExamined).toBe(LIMIT);
    expect(stats.totalKeysExamined).toBeLessThan(3 * LIMIT);
  });

  it('last changed first examines what it returns', async () => {
    const stats = await examined({ tenantId: 'big' }, { updatedAt: -1, _id: -1 });
    expect(stats.totalDocsExamined).toBe(LIMIT);
  });
});

describe('the expiry timer', () => {
  it('examines what is due', async () => {
    const stats = await examined({ nextExpiryAt: { $lte: minute(4) } }, { nextExpiryAt: 1 });
    expect(stats).toMatchObject({ nReturned: 10, totalDocsExamined: 10 });
  });
});
