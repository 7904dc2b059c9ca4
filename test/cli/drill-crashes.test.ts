import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waybill } from './command.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-drill-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a drill on servers of its own, with few of everything, and judges what was told: figures of so few say nothing. */
async function passes(...args: string[]): Promise<string> {
  // What the drill makes goes where the test can see that nothing is left of it.
  const { code, stdout, stderr } = await waybill(['drill', ...args], {
    TMPDIR: folder,
    WAYBILL_DATA: folder,
  });
  expect(stdout + stderr).toMatch(/\nPASSED in [\d.]+ s\n$/);
  expect(code).toBe(0);
  return stdout;
}

describe('three mongods whose primary is killed', () => {
  it('lose no acknowledged event, and no subscriber misses one', async () => {
    const said = await passes('failover', '--kills', '2', '--subscribers', '6', '--no-figures');
    expect(said).toMatch(/killed the primary, port \d+ \(2 of 2\)/);
    expect(said).toMatch(/each of 6 subscribers was told \d+ events, or \d+ changes of tenders/);
    expect(said).toMatch(/compared 32 rows with the fold of their streams/);
  });
});
