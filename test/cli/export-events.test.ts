import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../gateway.ts';
import { tour } from '../journey/tour.ts';
import { expectSentence, waybill, waybillProcess } from './command.ts';
import { failCommands, fileOf, fleetLines, linesOf, variablesOf } from './event-files.ts';

let folder = '';
let gateway: TestGateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-export-'));
  gateway = await startGateway();
  await tour(gateway);
  await tour(gateway, await gateway.token({ tenant: 'other' }));
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

const write = (...args: string[]) => waybill(['export-events', ...args], variablesOf(gateway.database));

/** The events of a file or of standard output. */
const eventsIn = (lines: readonly string[]) => lines.slice(1, -1).map((line) => JSON.parse(line));

describe('waybill export-events', () => {
  it('writes each stream as a whole and in order, between a first and a last line', async () => {
    const path = join(folder, 'all.ndjson.gz');
    const ended = await write('--out', path);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const lines = await linesOf(path);
    const events = eventsIn(lines);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ waybill: 'events', format: 1 });
    const sha256 = createHash('sha256')
      .update(`${lines.slice(0, -1).join('\n')}\n`)
      .digest('hex');
    const streams = new Set(events.map(({ aggregateId }) => aggregateId));
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      waybill: 'end',
      events: events.length,
      streams: streams.size,
      sha256,
    });
    expect(ended.stdout).toContain(sha256);
    expect(events).toHaveLength(await gateway.store.events.countDocuments());
    let before = { aggregateId: '', sequence: 0 };
    const seen = new Set<string>();
    for (const { aggregateId, sequence } of events) {
      const goesOn = aggregateId === before.aggregateId;
      expect(sequence).toBe(goesOn ? before.sequence + 1 : 1);
      if (!goesOn) expect(seen).not.toContain(aggregateId);
      seen.add(aggregateId);
      before = { aggregateId, sequence };
    }
  });

  it('writes to standard output, and the report elsewhere', async () => {
    const args = ['export-events', '--tenant', 'demo', '--aggregate-type', 'Tender'];
    const ended = await waybillProcess(args, variablesOf(gateway.database));
    expect(ended.stderr).toMatch(/events of 1 streams exported/);
    const events = eventsIn(ended.stdout.trimEnd().split('\n'));
    expect(events.length).toBeGreaterThan(5);
    for (const event of events) expect(event).toMatchObject({ tenantId: 'demo', aggregateType: 'Tender' });
  });

  it('takes times of recording: from one on, and before another', async () => {
    const all = await gateway.store.events.find().sort({ recordedAt: 1 }).toArray();
    const middle = all[Math.floor(all.length / 2)]?.recordedAt.toISOString() ?? '';
    const early = await write('--recorded-to', middle);
    const late = await write('--recorded-from', middle);
    const [before, after] = [early, late].map(({ stdout }) => eventsIn(stdout.trimEnd().split('\n')));
    expect(before?.length).toBeGreaterThan(0);
    expect((before?.length ?? 0) + (after?.length ?? 0)).toBe(all.length);
    for (const { recordedAt } of before ?? []) expect(recordedAt < middle).toBe(true);
    for (const { recordedAt } of after ?? []) expect(recordedAt >= middle).toBe(true);
  });

  it('writes a first and a last line of a log that is empty', async () => {
    const ended = await write('--tenant', 'nobody');
    expect(ended.code).toBe(0);
    expect(ended.stdout.split('\n')).toHaveLength(3);
  });
});

describe('waybill export-events with something wrong', () => {
  it('leaves no half of a file, and the one that was there before as it was', async () => {
    const kept = join(folder, 'kept.ndjson');
    await writeFile(kept, 'kept');
    expectSentence(await write('--out', join(folder, 'none', 'x.ndjson')), /cannot be written/);
    expectSentence(await write('--out', join(kept, 'x')), /cannot be written/);
    await mkdir(join(folder, 'taken.ndjson'));
    expectSentence(await write('--out', join(folder, 'taken.ndjson')), /cannot be written/);
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
    expect(await readFile(kept, 'utf8')).toBe('kept');
  });

  it('says what to do where the database no longer keeps the moment of the start', async () => {
    const lines = join(folder, 'fleet.ndjson');
    await writeFile(lines, fileOf(fleetLines(2, 999)));
    await waybill(['import-events', lines], variablesOf(gateway.database));
    const appName = 'old-snapshot';
    await failCommands(
      gateway.database,
      appName,
      { times: 1 },
      { failCommands: ['getMore'], errorCode: 239 },
    );
    const path = join(folder, 'old.ndjson');
    const ended = await waybill(['export-events', '--out', path], variablesOf(gateway.database, appName));
    expectSentence(ended, /Export it in parts .*minSnapshotHistoryWindowInSeconds/);
    expect((await readdir(folder)).filter((name) => name.startsWith('old'))).toEqual([]);
  });

  it('says what a moment looks like', async () => {
    const ended = await write('--recorded-from', 'yesterday');
    expect(ended.stderr).toContain('2026-01-05T08:00:00Z');
    expect(ended.code).toBe(1);
  });
});
