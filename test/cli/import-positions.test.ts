import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importPositions, type PositionImportOptions } from '../../src/cli/transfer/position-import.ts';
import {
  exitCodeOfPositions,
  type PositionImportReport,
  printedPositionReport,
} from '../../src/cli/transfer/position-import-report.ts';
import { zoneOf } from '../../src/cli/transfer/positions/zone.ts';
import { graphqlClient } from '../../src/client/graphql-client.ts';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';

/** Real positions, where the folder of shared data is there. */
const BUSES = resolve(import.meta.dirname, '../../../shared/data/capmetro/2016-03-22.csv');

let folder = '';
let gateway: TestGateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-import-'));
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

async function importAs(
  tenant: string,
  path: string,
  over: Partial<PositionImportOptions> = {},
): Promise<PositionImportReport> {
  const client = graphqlClient({
    url: gateway.url,
    token: await gateway.token({ tenant }),
    patienceMs: 20_000,
  });
  const options = {
    columns: {},
    batchSize: 500,
    concurrency: 4,
    patienceMs: 20_000,
    ...over,
  };
  return importPositions(client, path, options);
}

async function csv(name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

const HEADER = 'vehicle_id,timestamp,speed,latitude,longitude';
const START = Date.parse('2026-01-05T08:00:00Z');

/** Vehicles that drive north, a fix every 30 s, rows grouped by trip so that time runs backwards between trips. */
function madeUpRows(): string[] {
  const rows: string[] = [];
  for (const trip of [2, 0, 1])
    for (let vehicle = 0; vehicle < 20; vehicle += 1)
      for (let step = 0; step < 50; step += 1) {
        const at = new Date(START + (trip * 50 + step) * 30_000).toISOString();
        rows.push(`BUS ${vehicle},${at},7,${30 + (trip * 50 + step) / 1000},${-97 - vehicle / 100}`);
      }
  return rows;
}

interface Newest {
  readonly occurredAt: string;
  readonly longitude: number;
  readonly latitude: number;
}

/** The newest position of each plate, as the gateway shows it. */
async function positionsOf(tenant: string): Promise<Map<string, Newest>> {
  const token = await gateway.token({ tenant });
  const shown = new Map<string, Newest>();
  for (let after: string | null = null; ; ) {
    const query = `query ($after: String) { vehicles(first: 200, after: $after) {
      edges { node { licensePlate position { occurredAt longitude latitude } } }
      pageInfo { hasNextPage endCursor } } }`;
    const { vehicles } = await gateway.data(query, { after }, token);
    for (const { node } of vehicles.edges) shown.set(node.licensePlate, node.position);
    if (!vehicles.pageInfo.hasNextPage) return shown;
    after = vehicles.pageInfo.endCursor;
  }
}

/** The newest row of each vehicle by time, read without any of the code under test. */
function newestOf(text: string): Map<string, Newest> {
  const newest = new Map<string, Newest>();
  const [header = '', ...rows] = text.trim().split('\n');
  const names = header.split(',');
  for (const row of rows) {
    const cells = row.split(',');
    const cell = (name: string) => cells[names.indexOf(name)] ?? '';
    const occurredAt = new Date(cell('timestamp')).toISOString();
    const before = newest.get(cell('vehicle_id'));
    if (before !== undefined && before.occurredAt >= occurredAt) continue;
    const [longitude, latitude] = [Number(cell('longitude')), Number(cell('latitude'))];
    newest.set(cell('vehicle_id'), { occurredAt, longitude, latitude });
  }
  return newest;
}

const counts = ({
  rows,
  recorded,
  repeated,
  refused,
  malformed,
  unsent,
  vehicles,
  registered,
}: PositionImportReport) => ({
  ...{ rows, recorded, repeated, unsent, vehicles, registered },
  refused: Object.fromEntries(refused),
  malformed: Object.fromEntries(malformed),
});
const CLEAN = { refused: {}, malformed: {}, unsent: 0 };

describe('a file of 3,000 fixes with 1,000 of them twice', () => {
  const rows = madeUpRows();
  // Doubles inside a batch, in neighbouring batches, and far away.
  const doubled = [...rows.slice(0, 2_500).flatMap((row, index) => (index % 5 === 0 ? [row, row] : [row]))];
  const all = [...doubled, ...rows.slice(2_500), ...rows.slice(1_000, 1_500)];

  it('is recorded once each, the others counted as repeated', async () => {
    const path = await csv('made-up.csv', [HEADER, ...all]);
    const report = await importAs('made-up', path, { batchSize: 100, concurrency: 8 });
    expect(counts(report)).toEqual({
      ...{ rows: 4_000, recorded: 3_000, repeated: 1_000, vehicles: 20, registered: 20 },
      ...CLEAN,
    });
    expect(exitCodeOfPositions(report)).toBe(0);
  });

  it('records nothing new when it is sent again', async () => {
    const report = await importAs('made-up', join(folder, 'made-up.csv'), { batchSize: 1_000 });
    expect(counts(report)).toEqual({
      ...{ rows: 4_000, recorded: 0, repeated: 4_000, vehicles: 20, registered: 0 },
      ...CLEAN,
    });
    expect(await gateway.store.events.countDocuments({ tenantId: 'made-up', type: 'LocationTracked' })).toBe(
      3_000,
    );
  });

  it('leaves each vehicle at its newest fix, though rows are not in the order of time', async () => {
    const newest = newestOf([HEADER, ...all].join('\n'));
    await eventually(async () => expect(await positionsOf('made-up')).toEqual(newest));
  });
});

describe('one request that holds the same 300 fixes of a vehicle twice', () => {
  it('counts the second of each as repeated, however far apart they stand', async () => {
    const trip = Array.from({ length: 300 }, (_, step) => {
      const at = new Date(START + step * 30_000).toISOString();
      return `TWIN 1,${at},7,${30 + step / 1000},-97`;
    });
    const path = await csv('twins.csv', [HEADER, ...trip, ...trip]);
    const report = await importAs('twins', path, { batchSize: 1_000 });
    expect(report).toMatchObject({ rows: 600, recorded: 300, repeated: 300 });
  });
});

describe('a file with rows that are wrong', () => {
  it('sends the others, and tells of each kind with its lines', async () => {
    const path = await csv('wrong.csv', [
      HEADER,
      'A 1,2026-01-05T08:00:00Z,1,30,-97',
      'A 1,2026-01-05T08:00:30Z,1,0,0',
      'A 1,2026-01-05T08:01:00Z,1,91,-97',
      'A 1,2026-01-05T08:01:30,1,30,-97',
      'A 1,2999-01-01T00:00:00Z,1,30,-97',
      'A 1,2026-01-05T08:02:00Z,1,95,-97',
    ]);
    const report = await importAs('wrong', path);
    expect(report).toMatchObject({ rows: 6, recorded: 1, repeated: 0, unsent: 0 });
    expect(Object.fromEntries(report.refused)).toEqual({
      NULL_ISLAND: { count: 1, lines: [3] },
      NOT_ON_EARTH: { count: 2, lines: [4, 7] },
      FROM_THE_FUTURE: { count: 1, lines: [6] },
    });
    expect([...report.malformed.values()]).toEqual([{ count: 1, lines: [5] }]);
    expect(exitCodeOfPositions(report)).toBe(2);
  });
});

describe('a file of 5,000 rows with one stray quote', () => {
  it('is sent but for that row, which is named', async () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => {
      const at = new Date(START + index * 1_000).toISOString();
      return `Q 1,${at},7,${30 + index / 10_000},-97`;
    });
    rows[98] = `"${rows[98]}`;
    const path = await csv('quote.csv', [HEADER, ...rows]);
    const report = await importAs('quote', path);
    expect(report).toMatchObject({ rows: 5_000, recorded: 4_999, repeated: 0, unsent: 0 });
    expect(Object.fromEntries(report.malformed)).toEqual({ 'not a row of CSV': { count: 1, lines: [100] } });
    expect(exitCodeOfPositions(report)).toBe(2);
  });
});

describe('a file that is sent again', () => {
  it('is refused what it was refused before, and for the same reasons', async () => {
    const path = await csv('again.csv', [
      HEADER,
      'R 1,2026-01-05T08:00:00Z,1,0,0',
      'R 1,2026-01-05T08:00:00Z,1,30,-97',
      'R 1,2026-01-05T08:00:00Z,1,91,-97',
    ]);
    const refused = {
      NULL_ISLAND: { count: 1, lines: [2] },
      NOT_ON_EARTH: { count: 1, lines: [4] },
    };
    const first = await importAs('again', path);
    expect(Object.fromEntries(first.refused)).toEqual(refused);
    const second = await importAs('again', path);
    expect(second).toMatchObject({ recorded: 0, repeated: 1 });
    expect(Object.fromEntries(second.refused)).toEqual(refused);
  });
});

describe('a file that is sent again with a column that was not read before', () => {
  const rows = Array.from({ length: 20 }, (_, index) => {
    const at = new Date(START + index * 1_000).toISOString();
    return `AM ${index % 2},${at},36,${30 + index / 100},-97`;
  });
  const speeds = async (): Promise<unknown[]> => {
    const query = `{ vehicles { edges { node { position { speedMps corrected } } } } }`;
    const { vehicles } = await gateway.data(query, {}, await gateway.token({ tenant: 'amend' }));
    return vehicles.edges.map(({ node }: Data) => node.position);
  };

  it('is refused, line by line, unless it is to amend', async () => {
    const path = await csv('amend.csv', [HEADER, ...rows]);
    await importAs('amend', path);
    const report = await importAs('amend', path, { speedUnit: 'kmh' });
    expect(report).toMatchObject({ recorded: 0, repeated: 0, amended: 0 });
    expect(report.refused.get('IDEMPOTENCY_KEY_REUSED')?.count).toBe(20);
  });

  it('amends what is recorded, and says how much', async () => {
    const path = join(folder, 'amend.csv');
    const amend = { speedUnit: 'kmh', amend: 'MISSING_READING', batchSize: 7 } as const;
    const report = await importAs('amend', path, amend);
    expect(report).toMatchObject({ rows: 20, recorded: 0, repeated: 0, amended: 20, unsent: 0 });
    expect(exitCodeOfPositions(report)).toBe(0);
    expect(printedPositionReport(report)).toContain('\n  amended     20\n');
    await eventually(async () =>
      expect(await speeds()).toEqual([10, 10].map((speedMps) => ({ speedMps, corrected: true }))),
    );
    // The same again, and the file as it was read at first, change nothing.
    expect(await importAs('amend', path, amend)).toMatchObject({ amended: 0, repeated: 20 });
    expect(await importAs('amend', path)).toMatchObject({ recorded: 0, repeated: 20 });
    const corrections = await gateway.store.events.countDocuments({ type: 'LocationCorrected' });
    expect(corrections).toBe(20);
  });

  it('amends nothing of which it says two things', async () => {
    const [row = ''] = rows;
    const path = await csv('two-things.csv', [HEADER, row, row.replace(',36,', ',72,'), row]);
    const report = await importAs('two-things', path, { speedUnit: 'kmh', amend: 'OTHER' });
    expect(report).toMatchObject({ recorded: 1, repeated: 1, amended: 0 });
    expect(Object.fromEntries(report.refused)).toEqual({ SAID_OTHERWISE_BEFORE: { count: 1, lines: [3] } });
  });
});

describe('a file whose zone is another one than was said', () => {
  const rows = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const at = new Date(START + index * 60_000).toISOString().slice(0, 19);
      return `Z ${index % 2},${at},7,30,-97`;
    });
  // It is ten past ten in the zone of the file, and ten past eight in UTC.
  const now = () => START + 130 * 60_000 - 2 * 3_600_000;

  it('stops after the first batch, of which nothing is sent', async () => {
    const path = await csv('zone.csv', [HEADER, ...rows(130)]);
    const options = { zone: zoneOf('Z'), batchSize: 50, now };
    const report = await importAs('zone', path, options);
    expect(report).toMatchObject({ rows: 50, recorded: 0, unsent: 50, registered: 0 });
    expect(report.stopped).toMatch(
      /^29 of 50 fixes lie in the future, by up to 0\.7 hours: their zone is likely/,
    );
    expect(exitCodeOfPositions(report)).toBe(1);
    expect(await importAs('zone', path, { ...options, zone: zoneOf('+02:00') })).toMatchObject({
      rows: 130,
      recorded: 130,
    });
  });

  it('goes on where only some clocks are wrong', async () => {
    const path = await csv('clocks.csv', [HEADER, ...rows(60), 'Z 0,2026-01-05T12:00:00,7,30,-97']);
    const report = await importAs('clocks', path, { zone: zoneOf('+02:00'), now });
    expect(report).toMatchObject({ recorded: 61, unsent: 0 });
  });
});

describe('a column of speeds', () => {
  const row = 'S 1,2026-01-05T08:00:00Z,36,30,-97';

  it('is sent in metres a second where its unit is given', async () => {
    const path = await csv('speed.csv', [HEADER, row]);
    await importAs('speed', path, { speedUnit: 'kmh' });
    const [event] = await gateway.store.events.find({ tenantId: 'speed', type: 'LocationTracked' }).toArray();
    expect(event?.payload).toMatchObject({ speedMps: 10 });
  });

  it('is left out where its unit is a guess', async () => {
    const path = await csv('no-unit.csv', [HEADER, row]);
    await importAs('no-unit', path);
    const [event] = await gateway.store.events
      .find({ tenantId: 'no-unit', type: 'LocationTracked' })
      .toArray();
    expect(event?.payload).not.toHaveProperty('speedMps');
  });
});

describe.runIf(existsSync(BUSES))('a day of city buses, 2016-03-22', () => {
  const ROWS = { rows: 34_030, vehicles: 195, ...CLEAN };

  it('has 21,786 fixes and 12,244 repeats, and none is refused', { timeout: 180_000 }, async () => {
    const report = await importAs('buses', BUSES);
    expect(counts(report)).toEqual({ ...ROWS, recorded: 21_786, repeated: 12_244, registered: 195 });
  });

  it('leaves all 195 vehicles at their newest fix', async () => {
    const newest = newestOf(await readFile(BUSES, 'utf8'));
    expect(newest.size).toBe(195);
    await eventually(async () => expect(await positionsOf('buses')).toEqual(newest));
  });

  it('records nothing new when it is sent again', { timeout: 180_000 }, async () => {
    const report = await importAs('buses', BUSES);
    expect(counts(report)).toEqual({ ...ROWS, recorded: 0, repeated: 34_030, registered: 0 });
  });
});
