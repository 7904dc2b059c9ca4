import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { revokedSubjectsOf } from '../../src/access/subjects.ts';
import { openDatabase } from '../database.ts';
import { waybill } from './command.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

const subject = (...args: string[]) =>
  waybill(['subject', ...args, '--tenant', 'demo'], {
    MONGODB_URI: database.uri,
    WAYBILL_DATABASE: database.db.databaseName,
  });

describe('waybill subject', () => {
  it('revokes a subject, lists it, and notes who did it', async () => {
    expect((await subject('list')).stdout).toBe('');
    expect((await subject('revoke', '--sub', '$ann')).stdout).toMatch(/^\$ann\trevoked 20\S+Z by \S+\n$/);
    expect((await subject('list')).stdout).toMatch(/^\$ann\trevoked /);
    const actions = await database.db.collection('admin_actions').find().toArray();
    expect(actions).toMatchObject([{ what: 'subject revoked', tenantId: 'demo', after: { sub: '$ann' } }]);
  });

  it('moves the moment on where it is revoked again', async () => {
    await subject('revoke', '--sub', 'bob');
    const first = await revokedSubjectsOf(database.db).findOne({ sub: 'bob' });
    await subject('revoke', '--sub', 'bob');
    const again = await revokedSubjectsOf(database.db).findOne({ sub: 'bob' });
    expect(again?.revokedAt.getTime()).toBeGreaterThan(first?.revokedAt.getTime() ?? Number.NaN);
    expect(await revokedSubjectsOf(database.db).countDocuments({ sub: 'bob' })).toBe(1);
  });
});
