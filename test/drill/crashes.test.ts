import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Variables, waybillProcess } from '../cli/command.ts';
import { openDatabase } from '../database.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-drill-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a drill on servers of its own, with few of everything, and judges what was told: figures of so few say nothing. */
async function passes(args: string[], more: Variables = {}): Promise<string> {
  // What the drill makes goes where the test can see that nothing is left of it.
  const { code, stdout, stderr } = await waybillProcess(['drill', ...args], {
    TMPDIR: folder,
    WAYBILL_DATA: folder,
    ...more,
  });
  expect(stdout + stderr).toMatch(/\nPASSED in [\d.]+ s\n$/);
  expect(code).toBe(0);
  expect((await readdir(folder)).filter((name) => name.startsWith('waybill-drill'))).toEqual([]);
  return stdout;
}

describe('three mongods whose primary is killed', () => {
  it('lose no acknowledged event, and no subscriber misses one', async () => {
    const said = await passes(['failover', '--kills', '1', '--subscribers', '6', '--no-figures']);
    expect(said).toMatch(/killed the primary, port \d+ \(1 of 1\)/);
    expect(said).toMatch(/each of 6 subscribers was told [\d,]+ events, or [\d,]+ changes of tenders/);
    expect(said).toMatch(/compared 32 rows with the fold of their streams/);
  });
});

describe('a database that has forgotten its changes', () => {
  it('is no harm: subscribers are told a gap and a snapshot, and the projector catches up from the log', async () => {
    const said = await passes(['rollover', '--streams', '20']);
    expect(said).toMatch(/until the database had forgotten what happened before/);
    expect(said).toContain('6 subscribers were told of a gap, and show what there is');
    expect(said).toContain('compared 120 rows with the fold of their streams');
  });
});

describe('gateways that are killed at random', () => {
  it.each([
    ['ws', '1'],
    ['sse', '2'],
  ])(
    'are come back to over %s, %s of them: each event is told once, in order',
    async (transport, gateways) => {
      const database = await openDatabase();
      const size = ['--subscribers', '20', '--kills', '2', '--per-second', '40'];
      const how = ['--transport', transport, '--gateways', gateways];
      const on = { MONGODB_URI: database.uri, WAYBILL_DATABASE: database.db.databaseName };
      const said = await passes(['reconnect', ...size, ...how], on);
      expect(said).toMatch(/each of 20 subscribers over \w+ came to have been told [\d,]+ events/);
      await database.close();
    },
  );
});
