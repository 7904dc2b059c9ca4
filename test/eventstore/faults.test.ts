import { MongoBulkWriteError } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDuplicateKey, isPassing } from '../../src/eventstore/faults.ts';
import { createClient } from '../../src/mongo/client.ts';
import { openDatabase, type TestDatabase } from '../database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await openDatabase();
});
afterEach(() => database.close());

const failureOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('An insertMany that fails', () => {
  it('may pass where nobody is there to answer, though the driver wraps that', async () => {
    // Nobody listens on the discard port; the driver would look for half a minute.
    const client = createClient('mongodb://127.0.0.1:9/?replicaSet=none&serverSelectionTimeoutMS=100');
    const error = await failureOf(
      client
        .db('none')
        .collection('none')
        .insertMany([{ a: 1 }]),
    );
    await client.close();
    expect(isPassing(error)).toBe(true);
  });

  it('may pass where its connection breaks, again and again', async () => {
    const appName = 'faults-test';
    const named = `${database.uri}${database.uri.includes('?') ? '&' : '?'}appName=${appName}&retryWrites=true`;
    const client = createClient(named);
    await client.connect();
    const data = { failCommands: ['insert'], closeConnection: true, appName };
    const failing = { configureFailPoint: 'failCommand', mode: { times: 2 }, data };
    await database.client.db('admin').command(failing);
    const rows = client.db(database.db.databaseName).collection('rows');
    const errors = await Promise.all(Array.from({ length: 8 }, () => failureOf(rows.insertMany([{ a: 1 }]))));
    await client.close();
    for (const error of errors.filter((each) => each !== undefined)) expect(isPassing(error)).toBe(true);
  });

  it('is final where the server refused a document', async () => {
    const rows = database.db.collection<{ _id: number }>('rows');
    await rows.insertOne({ _id: 1 });
    const error = await failureOf(rows.insertMany([{ _id: 1 }, { _id: 2 }], { ordered: false }));
    expect(error).toBeInstanceOf(MongoBulkWriteError);
    expect([isPassing(error), isDuplicateKey(error)]).toEqual([false, true]);
  });
});
