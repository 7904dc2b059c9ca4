import { describe, expect, it } from 'vitest';
import { openDatabase } from '../database.ts';

describe('the database that a test opens', () => {
  it('has transactions and change streams, and is empty', async () => {
    const { client, db, close } = await openDatabase();
    expect(await db.listCollections().toArray()).toEqual([]);
    await db.createCollection('things');
    const changes = db.collection('things').watch();
    await changes.tryNext();
    await client.withSession((session) =>
      session.withTransaction(() => db.collection('things').insertOne({ n: 1 }, { session })),
    );
    expect(await changes.next()).toMatchObject({ operationType: 'insert', fullDocument: { n: 1 } });
    await changes.close();
    await close();
  });
});
