import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { handleMany } from '../../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { rowsOf } from '../../../src/eventstore/projection/rows.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { bareCounter, count, countersRead, openCounterStore, sequencesOf, upTo } from '../counter.ts';
import { type LossyProxy, openLossyProxy } from './lossy-proxy.ts';

let database: TestDatabase;
let proxy: LossyProxy;
let client: MongoClient;
let store: Store;

beforeAll(async () => {
  database = await openDatabase();
  const uri = new URL(database.uri);
  proxy = await openLossyProxy(Number(uri.port));
  client = new MongoClient(`mongodb://127.0.0.1:${proxy.port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 5_000,
    writeConcern: { w: 'majority', journal: true },
  });
  await client.connect();
  store = await openCounterStore({ ...database, client, db: client.db(database.db.databaseName) });
});
afterAll(async () => {
  await client.close();
  await proxy.close();
  await database.close();
});

/** The driver itself repeats a lost command once: two losses get past it, and then the log is read. */
const LOSSES = [1, 2];

describe('the reply to an insert is lost after mongod carried it out', () => {
  it.each(LOSSES)('%i times in a row: the client sees success once, the log has it once', async (times) => {
    const id = newId();
    await handle(store, count(id, { aggregate: bareCounter }));
    const before = proxy.lost;
    proxy.loseReplies('insert', times);
    expect(await handle(store, count(id, { aggregate: bareCounter }))).toMatchObject({
      kind: 'recorded',
      repeated: false,
    });
    expect(proxy.lost).toBe(before + times);
    expect(await sequencesOf(store, id)).toEqual([1, 2]);
  });

  it('in the middle of many: everybody gets a true answer', async () => {
    const ids = upTo(40).map(() => newId());
    proxy.loseReplies('insert', 2);
    const outcomes = await handleMany(
      store,
      ids.map((id) => count(id, { aggregate: bareCounter })),
    );
    expect(outcomes.every((outcome) => outcome.kind === 'recorded' && !outcome.repeated)).toBe(true);
    for (const id of ids) expect(await sequencesOf(store, id)).toEqual([1]);
  });
});

describe('the reply to a commit is lost after mongod carried it out', () => {
  it.each(LOSSES)('%i times in a row: one success, one event, one row', async (times) => {
    const id = newId();
    const before = proxy.lost;
    proxy.loseReplies('commitTransaction', times);
    expect(await handle(store, count(id))).toMatchObject({ kind: 'recorded', repeated: false });
    expect(proxy.lost).toBe(before + times);
    expect(await sequencesOf(store, id)).toEqual([1]);
    expect(await rowsOf(store, 'acme', countersRead).byId(id)).toMatchObject({ total: 1, lastSequence: 1 });
  });
});

describe("mongod's failCommand failpoint", () => {
  const failpoint = (mode: object | string, data: object = {}) =>
    database.client.db('admin').command({ configureFailPoint: 'failCommand', mode, data });
  const armed = (command: string, times: number, how: object) =>
    failpoint({ times }, { failCommands: [command], appName: undefined, ...how });
  beforeEach(async () => {
    await failpoint('off');
  });
  afterAll(() => failpoint('off'));

  it.each([
    ['insert', { closeConnection: true }],
    ['insert', { errorCode: 91, errorLabels: ['RetryableWriteError'] }],
    ['insert', { writeConcernError: { code: 91, errmsg: 'shutting down' } }],
    ['commitTransaction', { closeConnection: true }],
    ['commitTransaction', { errorCode: 91, errorLabels: ['RetryableWriteError'] }],
    ['commitTransaction', { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } }],
    ['commitTransaction', { errorCode: 112, errorLabels: ['TransientTransactionError'] }],
  ])('on %s with %o, three times: recorded once', async (command, how) => {
    const id = newId();
    const aggregate = command === 'insert' ? { aggregate: bareCounter } : {};
    await armed(command, 3, how);
    const outcome = await handle(store, count(id, { key: 'k', ...aggregate }));
    expect(outcome).toMatchObject({ kind: 'recorded', repeated: false });
    await failpoint('off');
    expect(await handle(store, count(id, { key: 'k', ...aggregate }))).toMatchObject({ repeated: true });
    expect(await sequencesOf(store, id)).toEqual([1]);
  });
});
