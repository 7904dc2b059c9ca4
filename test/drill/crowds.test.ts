import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type TestDatabase } from '../database.ts';
import { expectPassed } from './run.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await openDatabase();
});
afterEach(() => database.close());

describe('G-05 readers that stall, or read a byte a second, beside others', () => {
  it('are closed, and the others are told every change, in order', async () => {
    const args = ['stalled', '--no-figures', '--sockets', '5', '--seconds', '3'];
    const said = await expectPassed(database, args, { WAYBILL_HEARTBEAT_SECONDS: '1' });
    expect(said).toMatch(/each was closed \((4408|1006): [\d,]+/);
    expect(said).toMatch(/[\d,]+ changes were told to 5 readers each/);
  });
});

describe('a fleet that reports, with maps that look on', () => {
  it('is shown by each map as it is, whatever rate it reports at', async () => {
    const size = [
      'capacity',
      '--no-figures',
      '--vehicles',
      '200',
      '--every',
      '2',
      '--maps',
      '10',
      '--seconds',
      '3',
    ];
    const said = await expectPassed(database, [...size, '--steps', '1', '--step-seconds', '1']);
    expect(said).toMatch(/100 fixes a second for [\d,]+ s: [\d,]+ a second acknowledged/);
    expect(said).toContain('every map was looked at');
    expect(said).toMatch(/saturated (at|between [\d,]+ and) 125 fixes a second/);
  });
});
