import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRowReads, type RowReads } from '../../../src/eventstore/projection/row-reads.ts';
import type { Row } from '../../../src/eventstore/projection.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';

const ROWS = 2_500;
const idOf = (n: number): string => `${n % 2 === 0 ? 'even' : 'odd'}/${n}`;

let database: TestDatabase;
let client: MongoClient;
let reads: RowReads;
let finds: number;
const count = ({ commandName }: { commandName: string }): void => {
  if (commandName === 'find') finds += 1;
};

beforeAll(async () => {
  database = await openDatabase();
  const rows = Array.from({ length: ROWS }, (_, n) => ({ _id: idOf(n), n }));
  await database.db.collection<{ _id: string; n: number }>('rows').insertMany(rows);
  client = await MongoClient.connect(database.uri, { monitorCommands: true });
  reads = openRowReads(client.db(database.db.databaseName));
});
afterAll(async () => {
  await client.close();
  await database.close();
});
beforeEach(() => {
  finds = 0;
  client.on('commandStarted', count);
});
afterEach(() => void client.off('commandStarted', count));

describe('rows that are asked for at the same time', () => {
  it('are read together, and each asker finds its own', async () => {
    const asked = Array.from({ length: 100 }, (_, n) => [idOf(n), idOf(n + 1), 'even/none']);
    const answers = await Promise.all(asked.map((ids) => reads.byIds('rows', ids)));
    for (const [index, found] of answers.entries())
      expect(asked[index]?.map((id) => found.get(id)?._id)).toEqual([
        ...(asked[index] ?? []).slice(0, 2),
        undefined,
      ]);
    expect(finds).toBe(1);
  });

  it('are read in batches where they are many, and whole where one asks for many', async () => {
    const all = Array.from({ length: ROWS }, (_, n) => idOf(n));
    const singles = all.map((id) => reads.byIds('rows', [id]));
    const found = await reads.byIds('rows', all);
    expect(found.size).toBe(ROWS);
    for (const [n, each] of (await Promise.all(singles)).entries()) expect(each.get(idOf(n))).toBeDefined();
    expect(finds).toBe(4);
  });

  it('fail together where the read fails, and the next is read again', async () => {
    const failing = openRowReads(database.db);
    const broken = Object.assign(Object.create(database.db), {
      collection: () => {
        throw new Error('away');
      },
    });
    const away = openRowReads(broken);
    const answers = await Promise.allSettled([away.byIds('rows', ['a']), away.byIds('rows', ['b'])]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(away.byIds('rows', ['c'])).rejects.toThrow('away');
    expect((await failing.byIds('rows', [idOf(1)])).size).toBe(1);
  });
});

describe('a row that was written before it is asked for', () => {
  it('is read as it was written, whatever is being read meanwhile', async () => {
    const rows = database.db.collection<{ _id: string; n: number }>('rows', {
      writeConcern: { w: 'majority' },
    });
    for (let n = 1; n <= 20; n++) {
      const meanwhile = Array.from({ length: 20 }, () => reads.byIds('rows', [idOf(0)]));
      await rows.updateOne({ _id: idOf(0) }, { $set: { n } });
      const row = (await reads.byIds('rows', [idOf(0)])).get(idOf(0)) as (Row & { n: number }) | undefined;
      expect(row?.n).toBe(n);
      await Promise.all(meanwhile);
    }
  });
});
