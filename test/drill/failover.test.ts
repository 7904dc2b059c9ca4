import { describe, expect, it } from 'vitest';
import { expectPassedInProcess } from './run.ts';

describe('three mongods whose primary is killed', () => {
  it('lose no acknowledged event, and no subscriber misses one', async () => {
    const said = await expectPassedInProcess([
      'failover',
      '--kills',
      '1',
      '--subscribers',
      '6',
      '--no-figures',
    ]);
    expect(said).toMatch(/killed the primary, port \d+ \(1 of 1\)/);
    expect(said).toMatch(/each of 6 subscribers was told [\d,]+ events, or [\d,]+ changes of tenders/);
    expect(said).toMatch(/compared 32 rows with the fold of their streams/);
  });
});
