import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiKeyVerifier } from '../../src/access/api-key-verifier.ts';
import { openDatabase } from '../database.ts';
import { expectSentence, waybill } from './command.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

const apiKey = (...args: string[]) =>
  waybill(['api-key', ...args, '--tenant', 'demo'], {
    MONGODB_URI: database.uri,
    WAYBILL_DATABASE: database.db.databaseName,
  });

describe('waybill api-key', () => {
  it('makes a key, printed once and alone, lists it without it, and ends it', async () => {
    const made = await apiKey('create', '--carrier-id', 'acme', '--name', 'tms');
    expect(made.stdout).toMatch(/^wbk_[\w-]{43}\n$/);
    const key = made.stdout.trim();
    const verify = apiKeyVerifier(database.db);
    expect((await verify(key)).access).toMatchObject({
      tenantId: 'demo',
      role: 'carrier',
      carrierId: 'acme',
    });

    const listed = await apiKey('list');
    expect(listed.stdout).toMatch(/^key_[0-9a-f]{12}\ttms\tacme\tcreated .*in force\n$/);
    expect(listed.stdout).not.toContain(key);

    expectSentence(await apiKey('create', '--carrier-id', 'other', '--name', 'tms'), /named "tms" already/);

    expect((await apiKey('revoke', '--name', 'tms')).stdout).toContain('revoked');
    expect((await apiKeyVerifier(database.db)(key)).access).toBeNull();
    expectSentence(await apiKey('revoke', '--name', 'tms'), /no key named "tms" that is in force/);
  });
});
