import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launch } from '../../src/mongo/launch.ts';
import { choosePort, LOOPBACK } from '../../src/mongo/port.ts';
import { findBinary } from '../../src/mongo/program/binary.ts';
import { pathsIn, readState } from '../../src/mongo/state.ts';
import { type Folder, makeFolder, silent } from './embedded-folder.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(() => folder.remove());

const KEY = 'mongod.key';
const modeOf = (...path: string[]) => statSync(join(folder.path, ...path)).mode & 0o777;

/** Works as another user of this machine could: by the port, knowing no secret. */
async function asStranger<T>(work: (client: MongoClient) => Promise<T>): Promise<T> {
  const { port } = readState(folder.path) ?? { port: 0 };
  const client = new MongoClient(`mongodb://${LOOPBACK}:${port}/?directConnection=true`);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

describe('the own mongod', () => {
  it('lets nobody read, write or administrate who does not know its key', async () => {
    const mongo = await folder.open();
    await mongo.db.collection('api_keys').insertOne({ n: 1 });
    const { databaseName } = mongo.db;
    const refused = { code: 13 };
    await asStranger(async (client) => {
      const db = client.db(databaseName);
      await expect(db.collection('api_keys').findOne({})).rejects.toMatchObject(refused);
      await expect(db.collection('events').insertOne({ n: 1 })).rejects.toMatchObject(refused);
      await expect(db.listCollections().toArray()).rejects.toMatchObject(refused);
      const user = { createUser: 'me', pwd: 'me', roles: ['root'] };
      await expect(client.db('admin').command(user)).rejects.toMatchObject(refused);
    });
  });

  it('has its key in a file that its owner alone reads, and nowhere else', async () => {
    const mongo = await folder.open();
    const { password } = new URL(mongo.uri.replace('mongodb:', 'http:'));
    expect(password).toHaveLength(43);
    expect(modeOf(KEY)).toBe(0o600);
    expect(modeOf()).toBe(0o700);
    expect(readFileSync(pathsIn(folder.path).state, 'utf8')).not.toContain(password);
    await mongo.close();
    expect(readFileSync(pathsIn(folder.path).log, 'utf8')).not.toContain(password);
  });

  it('takes a key back from others who may read it', async () => {
    await (await folder.open()).close();
    chmodSync(join(folder.path, KEY), 0o644);
    await folder.open();
    expect(modeOf(KEY)).toBe(0o600);
  });
});

describe('data of an own mongod', () => {
  it('from before it asked for a key is taken over, and asks for one', async () => {
    const { path } = await findBinary({ mongodPath: process.env.WAYBILL_MONGOD }, silent);
    const { database, log } = pathsIn(folder.path);
    const port = await choosePort();
    const open = await launch({ binary: path, folder: database, logFile: log, port, replicaSet: 'waybill' });
    const client = new MongoClient(open.uri);
    await client
      .db('held')
      .collection('kept')
      .insertOne({ n: 1 }, { writeConcern: { w: 'majority' } });
    await client.close();
    await open.stop();

    const mongo = await folder.open();
    expect(await mongo.db.collection('kept').countDocuments()).toBe(1);
    const read = asStranger((stranger) => stranger.db('held').collection('kept').findOne({}));
    await expect(read).rejects.toMatchObject({ code: 13 });
  });

  it('whose key was lost gets another', async () => {
    const first = await folder.open();
    await first.db.collection('kept').insertOne({ n: 1 });
    await first.close();
    rmSync(join(folder.path, KEY));
    const second = await folder.open();
    expect(second.uri).not.toBe(first.uri);
    expect(await second.db.collection('kept').countDocuments()).toBe(1);
  });

  it('is read by Waybill as a user of its own, not as one that is meant for mongods', async () => {
    const mongo = await folder.open();
    const { authInfo } = await mongo.db.command({ connectionStatus: 1 });
    expect(authInfo.authenticatedUsers).toEqual([{ user: 'waybill', db: 'admin' }]);
  });
});
