import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { waybill } from '../cli/command.ts';
import { openDatabase, type TestDatabase } from '../database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await openDatabase();
});
afterEach(() => database.close());

/** Runs a drill with few of everything, and judges what was told: figures of so few say nothing. */
async function passes(name: string, args: readonly string[], more: Record<string, string> = {}) {
  const variables = {
    MONGODB_URI: inject('mongoUri'),
    WAYBILL_DATABASE: database.db.databaseName,
    ...more,
  };
  const { code, stdout, stderr } = await waybill(['drill', name, '--no-figures', ...args], variables);
  expect(stdout + stderr).toMatch(/\nPASSED in [\d.]+ s\n$/);
  expect(code).toBe(0);
  const { databases } = await database.client.db().admin().listDatabases();
  expect(databases.filter(({ name: each }) => each.startsWith(database.db.databaseName))).toEqual([]);
  return stdout;
}

describe('G-05 readers that stall, or read a byte a second, beside others', () => {
  it('are closed, and the others are told every change, in order', async () => {
    const args = ['--sockets', '5', '--seconds', '3'];
    const said = await passes('stalled', args, { WAYBILL_HEARTBEAT_SECONDS: '1' });
    expect(said).toMatch(/each was closed \((4408|1006): [\d,]+/);
    expect(said).toMatch(/[\d,]+ changes were told to 5 readers each/);
  });
});

describe('a fleet that reports, with maps that look on', () => {
  it('is shown by each map as it is, whatever rate it reports at', async () => {
    const size = ['--vehicles', '200', '--every', '2', '--maps', '10', '--seconds', '3'];
    const said = await passes('capacity', [...size, '--steps', '1', '--step-seconds', '1']);
    expect(said).toMatch(/100 fixes a second for [\d,]+ s: [\d,]+ a second acknowledged/);
    expect(said).toContain('every map was looked at');
    expect(said).toMatch(/saturated (at|between [\d,]+ and) 125 fixes a second/);
  });
});
