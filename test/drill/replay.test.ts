import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type TestDatabase } from '../database.ts';
import { expectPassed } from './run.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await openDatabase();
});
afterEach(() => database.close());

describe('a read model that is rebuilt under readers and writers', () => {
  it.each([
    ['tenders_read', '2'],
    ['fleet_status', '0'],
  ])('replay: nobody notices a rebuild of %s that is killed %s times', async (projection, kills) => {
    const size = ['--events', '6000', '--streams', '120', '--readers', '12', '--writes-per-second', '40'];
    const said = await expectPassed(database, [
      'replay',
      '--projection',
      projection,
      '--kills',
      kills,
      ...size,
    ]);
    expect(said).toContain('made 6,000 events of 120 streams');
    if (kills !== '0') expect(said).toContain(`(${kills} of ${kills})`);
    expect(said).toMatch(/compared [\d,]+ rows with the fold of their streams/);
  });
});
