import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { redact } from '../../src/mongo/check.ts';
import { openMongo } from '../../src/mongo/mongo.ts';
import { StartupError } from '../../src/mongo/startup-error.ts';
import { startMongod, type TestMongod } from '../database.ts';
import { silent } from './embedded-folder.ts';
import { oldServer } from './old-server.ts';

/** What the operator reads. */
async function sentence(uri: string): Promise<string> {
  const failed = await openMongo({ uri, dataDir: 'unused', databaseName: 'unused' }, silent).then(
    async (mongo) => {
      await mongo.close();
      return undefined;
    },
    (error: unknown) => error,
  );
  expect(failed).toBeInstanceOf(StartupError);
  return failed instanceof Error ? failed.message : '';
}

describe('MONGODB_URI of a replica set', () => {
  it('is connected to, with majority writes and reads that its query part cannot weaken', async () => {
    const uri = `${inject('mongoUri')}&w=1&maxPoolSize=7`;
    const mongo = await openMongo({ uri, dataDir: 'unused', databaseName: 'some' }, silent);
    expect(mongo).toMatchObject({ embedded: false, db: { databaseName: 'some' } });
    expect(mongo.client.options).toMatchObject({
      maxPoolSize: 7,
      writeConcern: { w: 'majority', journal: true },
      readConcern: { level: 'majority' },
      serverSelectionTimeoutMS: 15_000,
    });
    await mongo.close();
    await mongo.close();
  });
});

describe('MONGODB_URI of a standalone mongod', () => {
  let standalone: TestMongod;
  beforeAll(async () => {
    standalone = await startMongod({ replicaSet: false });
  });
  afterAll(() => standalone.stop());

  it('is refused, with what to do', async () => {
    expect(await sentence(standalone.uri)).toMatch(/is a standalone mongod.*--replSet.*rs\.initiate/);
  });

  it('is refused without showing the password, if that is wrong', async () => {
    const said = await sentence(standalone.uri.replace('//', '//me:hunter2@'));
    expect(said).toMatch(/refused the user name or password/);
    expect(said).not.toContain('hunter2');
  });
});

describe('MONGODB_URI that is of no use', () => {
  it('is refused if the server is older than 6.0', async () => {
    const server = await oldServer('5.0.31', 13);
    expect(await sentence(server.uri)).toContain('is MongoDB 5.0.31; Waybill needs 6.0 or newer');
    server.close();
  });

  it('is refused if the server is too old even for the driver', async () => {
    const server = await oldServer('3.6.23', 6);
    expect(await sentence(server.uri)).toContain('is too old; Waybill needs MongoDB 6.0 or newer');
    server.close();
  });

  it('is refused if it ties Waybill to one of several members', async () => {
    const server = await oldServer('6.0.5', 17, ['a:27017', 'b:27017', 'c:27017']);
    expect(await sentence(server.uri)).toMatch(
      /^MONGODB_URI has the option directConnection: .*one of the 3 members/,
    );
    server.close();
  });

  it('is refused if nobody answers', async () => {
    const said = await sentence('mongodb://me:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=300');
    expect(said).toMatch(/mongodb:\/\/\*\*\*@127\.0\.0\.1:1.* cannot be reached: .*ECONNREFUSED/);
  });

  it('is refused if it is no connection string', async () => {
    expect(await sentence('localhost:27017')).toContain('MONGODB_URI is no valid connection string');
  });
});

describe('a text with connection strings', () => {
  it('loses all credentials', () => {
    expect(redact('a mongodb+srv://u:p@h/x b mongodb://u@h')).toBe(
      'a mongodb+srv://***@h/x b mongodb://***@h',
    );
  });
});
