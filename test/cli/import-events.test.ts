import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LATE_READING_MS } from '../../src/eventstore/time-order.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { TRACK_LOCATION } from '../journey/documents.ts';
import { done, tour } from '../journey/tour.ts';
import { expectSentence, waybill, waybillProcess } from './command.ts';
import { contentOf, countsOf, expectLevel, fileOf, fleetLines, linesOf, variablesOf } from './event-files.ts';

let folder = '';
let path = '';
let gateway: TestGateway;
const opened: TestDatabase[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-events-'));
  path = join(folder, 'log.ndjson.gz');
  gateway = await startGateway();
  const other = await gateway.token({ tenant: 'other' });
  for (const token of [undefined, other, undefined]) {
    const { vehicleId } = await tour(gateway, token);
    for (const latitude of [30.25, -0, 31])
      await done(gateway, TRACK_LOCATION, { vehicleId, longitude: -97.5, latitude }, token);
  }
  await waybill(['export-events', '--out', path], variablesOf(gateway.database));
});
afterAll(async () => {
  await gateway.close();
  for (const database of opened) await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await openDatabase();
  opened.push(database);
  return database;
}

const read = (database: TestDatabase, file: string, ...more: string[]) =>
  waybill(['import-events', file, ...more], variablesOf(database));

/** A file in the folder. */
async function put(name: string, content: string | Buffer): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

describe('An export imported into an empty database', () => {
  it('gives the same log, byte for byte, and rows that are its fold', async () => {
    const database = await emptyDatabase();
    const ended = await waybillProcess(['import-events', path], variablesOf(database));
    expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' });
    const source = await contentOf(gateway.database.db);
    expect(countsOf(ended)).toEqual({ recorded: source.size, repeated: 0, refused: 0 });
    expect(await contentOf(database.db)).toEqual(source);
    await expectLevel(database.db);
    expect(await database.db.collection('tenders_read').countDocuments()).toBe(3);
    expect(await database.db.collection('fleet_status').countDocuments()).toBe(3);

    const again = await read(database, path);
    expect(again.code).toBe(0);
    expect(countsOf(again)).toEqual({ recorded: 0, repeated: source.size, refused: 0 });
    const actions = await database.db.collection('admin_actions').find().toArray();
    expect(actions.map(({ what }) => what)).toEqual(
      Array(2).fill(['import-events', 'import-events ended']).flat(),
    );
    expect(actions[1]).toMatchObject({
      details: { file: path, recorded: source.size },
      who: { role: 'admin' },
    });
  });

  it('may have come through systems that end lines in their own way', async () => {
    const database = await emptyDatabase();
    const text = (await linesOf(path)).join('\r\n');
    const ended = await read(database, await put('crlf.ndjson', `\ufeff${text}`));
    expect(ended.code, ended.stderr).toBe(0);
    expect(await contentOf(database.db)).toEqual(await contentOf(gateway.database.db));
  });

  it('is looked at only with --dry-run', async () => {
    const database = await emptyDatabase();
    const ended = await read(database, path, '--dry-run');
    expect(ended.code).toBe(0);
    expect(countsOf(ended)).toMatchObject({ 'to record': (await contentOf(gateway.database.db)).size });
    expect(await contentOf(database.db)).toEqual(new Map());
    expect(await database.db.collection('admin_actions').countDocuments()).toBe(0);
  });

  it('may come in parts: what was recorded since the last one follows it', async () => {
    const database = await emptyDatabase();
    const lines = (await linesOf(path)).slice(1, -1);
    const times = lines.map((line) => JSON.parse(line).recordedAt).sort();
    const middle = times[Math.floor(times.length / 2)];
    const early = lines.filter((line) => JSON.parse(line).recordedAt < middle);
    expect((await read(database, await put('early.ndjson', fileOf(early)))).code).toBe(0);
    const late = lines.filter((line) => JSON.parse(line).recordedAt >= middle);
    expect((await read(database, await put('late.ndjson', fileOf(late)))).code).toBe(0);
    expect(await contentOf(database.db)).toEqual(await contentOf(gateway.database.db));
    await expectLevel(database.db);
  });

  it('is refused for another tenant, line by line', async () => {
    const database = await emptyDatabase();
    const ended = await read(database, path, '--tenant', 'other');
    expect(ended.code).toBe(2);
    expect(ended.stdout).toMatch(/OTHER_TENANT: \d+ \(line 2/);
    const tenants = await database.db.collection('events').distinct('tenantId');
    expect(tenants).toEqual(['other']);
    await expectLevel(database.db);
  });
});

describe('A file that is not as it was written', () => {
  const cases: [string, () => Promise<Buffer | string>, string, RegExp][] = [
    ['cut off while packed', async () => (await readFile(path)).subarray(0, -20), 'cut.ndjson.gz', /cut off/],
    ['no gzip', async () => 'no gzip', 'none.ndjson.gz', /cannot be unpacked/],
    ['cut off', async () => `${(await linesOf(path)).slice(0, -1).join('\n')}\n`, 'cut.ndjson', /cut off/],
    [
      'changed',
      async () => (await linesOf(path)).join('\n').replace('PICKUP', 'PUCKIP'),
      'changed.ndjson',
      /damaged/,
    ],
    [
      'without a line',
      async () => (await linesOf(path)).filter((_, index) => index !== 5).join('\n'),
      'less.ndjson',
      /damaged: it has \d+ of \d+ events/,
    ],
    ['of a later format', async () => '{"waybill":"events","format":2}\n', 'later.ndjson', /format 2/],
  ];
  it.each(cases)('is refused as a whole: %s', async (_, content, name, sentence) => {
    const database = await emptyDatabase();
    const ended = await read(database, await put(name, await content()));
    expectSentence(ended, sentence);
    expect(await contentOf(database.db)).toEqual(new Map());
  });

  it('is read as far as possible with --salvage', async () => {
    const database = await emptyDatabase();
    const lines = fleetLines(20, 100);
    const packed = gzipSync(fileOf(lines));
    const file = await put('salvage.ndjson.gz', packed.subarray(0, Math.floor(packed.length * 0.9)));
    const ended = await read(database, file, '--salvage');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('What could be read of it is recorded.');
    expect(countsOf(ended).recorded).toBeGreaterThan(1_000);
    await expectLevel(database.db);
  });

  it('does not exist, says a sentence', async () => {
    expectSentence(await read(await emptyDatabase(), join(folder, 'none.ndjson')), /There is no file/);
  });
});

describe('Lines that the log cannot take', () => {
  it('are refused by number, with all that follows them in their stream, and nothing else', async () => {
    const database = await emptyDatabase();
    const [a, b] = [fleetLines(1, 4), fleetLines(1, 4)];
    const broken = [...a.slice(0, 2), 'not JSON', ...a.slice(3), '', ...b, a[4] ?? ''];
    const ended = await read(database, await put('broken.ndjson', broken.join('\n')));
    expect(ended.code).toBe(2);
    expect(countsOf(ended)).toEqual({ recorded: 7, repeated: 0, refused: 4 });
    expect(ended.stdout).toContain('MALFORMED_LINE: 1 (line 3)');
    expect(ended.stdout).toContain('HOLE: 1 (line 4)');
    expect(ended.stdout).toMatch(/line 4: Event 4 of Vehicle \S+ would follow event 2\./);
    expect(ended.stdout).toContain('AFTER_REFUSED: 2 (line 5, 12)');
    await expectLevel(database.db);
  });

  it('have the id or the place of another event', async () => {
    const database = await emptyDatabase();
    const lines = fleetLines(2, 3);
    expect((await read(database, await put('first.ndjson', lines.join('\n')))).code).toBe(0);
    const before = await contentOf(database.db);
    const changed = lines.map((line, index) => {
      if (index === 1) return line.replace('30.5', '30.25');
      return index === 5
        ? line.replace(/"eventId":"[^"]+"/, '"eventId":"018f0000-0000-7000-8000-000000000001"')
        : line;
    });
    const ended = await read(database, await put('second.ndjson', changed.join('\n')));
    expect(ended.code).toBe(2);
    expect(countsOf(ended)).toEqual({ recorded: 0, repeated: 6, refused: 2 });
    expect(ended.stdout).toContain('EVENT_ID_REUSED: 1 (line 2)');
    expect(ended.stdout).toContain('SEQUENCE_TAKEN: 1 (line 6)');
    expect(await contentOf(database.db)).toEqual(before);
  });

  it('would go on upon a history that the log does not have', async () => {
    const database = await emptyDatabase();
    const [stream, other] = [fleetLines(1, 5), fleetLines(1, 5)];
    const id = (line: string | undefined) => JSON.parse(line ?? '').aggregateId;
    const ours = other.slice(0, 3).map((line) => line.replace(id(other[0]), id(stream[0])));
    await read(database, await put('ours.ndjson', ours.join('\n')));
    const ended = await read(database, await put('theirs.ndjson', stream.join('\n')));
    expect(countsOf(ended)).toEqual({ recorded: 0, repeated: 0, refused: 6 });
    expect(ended.stdout).toContain('SEQUENCE_TAKEN: 3 (line 1, 2, 3)');
    expect(ended.stdout).toContain('AFTER_REFUSED: 3 (line 4, 5, 6)');
  });
});

describe('Lines from another system', () => {
  it('are marked where they came late in their stream, as if they had been recorded here', async () => {
    const database = await emptyDatabase();
    const hour = (index: number) => (index < 10 ? '08' : '07');
    const lines = fleetLines(1, 20).map((line, index) =>
      line.replace(/("occurredAt":"2026-01-05T)08/, `$1${hour(index % 5 === 4 ? 10 : 0)}`),
    );
    const file = await put('late.ndjson', lines.join('\n'));
    await read(database, await put('first-part.ndjson', lines.slice(0, 7).join('\n')));
    const ended = await read(database, file);
    expect(countsOf(ended)).toEqual({ recorded: 14, repeated: 7, refused: 0 });
    const events = await database.db.collection('events').find().sort({ sequence: 1 }).toArray();
    const late = events.filter(({ metadata }) => metadata.lateWithinMs !== undefined);
    expect(late.map(({ sequence }) => sequence)).toEqual([5, 10, 15, 20]);
    expect(new Set(late.map(({ metadata }) => metadata.lateWithinMs))).toEqual(new Set([LATE_READING_MS]));
    expect(countsOf(await read(database, file))).toEqual({ recorded: 0, repeated: 21, refused: 0 });
  });
});
