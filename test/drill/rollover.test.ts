import { describe, expect, it } from 'vitest';
import { expectPassedInProcess } from './run.ts';

describe('a database that has forgotten its changes', () => {
  it('is no harm: subscribers are told a gap and a snapshot, and the projector catches up from the log', async () => {
    const said = await expectPassedInProcess(['rollover', '--streams', '20']);
    expect(said).toMatch(/until the database had forgotten what happened before/);
    expect(said).toContain('6 subscribers were told of a gap, and show what there is');
    expect(said).toContain('compared 120 rows with the fold of their streams');
  });
});
