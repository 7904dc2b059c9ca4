import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { faultsIn, fixOf, leftOutOf, read } from './read.ts';

const AT = '2026-01-05T08:00:00.000Z';
const muenchen = { licensePlate: 'MÜ-N 1', occurredAt: AT, latitude: 48.137, longitude: 11.575 };
const CSV = `plate,time,lat,lon\nMÜ-N 1,${AT},48.137,11.575\n`;

/** A text in big-endian UTF-16. */
function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

describe('a file of positions is read alike', () => {
  it.each([
    ['UTF-8', Buffer.from(CSV)],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${CSV}`)],
    ['Latin-1', Buffer.from(CSV, 'latin1')],
    ['UTF-16, little end first', Buffer.from(`\ufeff${CSV}`, 'utf16le')],
    ['UTF-16, big end first', utf16be(`\ufeff${CSV}`)],
    ['UTF-16 without a mark', Buffer.from(CSV, 'utf16le')],
    ['UTF-16 without a mark, big end first', utf16be(CSV)],
    ['gzip, whatever its name', gzipSync(CSV)],
    ['gzip of UTF-16', gzipSync(Buffer.from(`\ufeff${CSV}`, 'utf16le'))],
    ['tabs', Buffer.from(CSV.replaceAll(',', '\t'))],
    ['semicolons', Buffer.from(CSV.replaceAll(',', ';'))],
    ['bars', Buffer.from(CSV.replaceAll(',', '|'))],
    ['Windows line ends', Buffer.from(CSV.replaceAll('\n', '\r\n'))],
    [
      'semicolons and decimal commas',
      Buffer.from(CSV.replaceAll(',', ';').replace('48.137', '48,137').replace('11.575', '11,575')),
    ],
    ['commas, with quoted decimal commas', Buffer.from(CSV.replace('48.137,11.575', '"48,137","11,575"'))],
    ['what Excel writes', Buffer.from(`\ufeffsep=;\r\n${CSV.replaceAll(',', ';')}`)],
    ['lines of JSON', Buffer.from(JSON.stringify({ plate: 'MÜ-N 1', time: AT, lat: 48.137, lng: '11.575' }))],
    [
      'a list of JSON',
      Buffer.from(JSON.stringify([{ plate: 'MÜ-N 1', time: AT, lat: 48.137, lng: 11.575 }], null, 2)),
    ],
  ])('in %s', async (_what, bytes) => {
    expect((await read(bytes)).map(fixOf)).toEqual([muenchen]);
  });

  it('where single lines are Latin-1', async () => {
    const lines = Buffer.concat([Buffer.from(CSV), Buffer.from(`MÜ-N 2,${AT},48,11\n`, 'latin1')]);
    expect((await read(lines)).map((row) => 'fix' in row && row.fix.licensePlate)).toEqual([
      'MÜ-N 1',
      'MÜ-N 2',
    ]);
  });

  it('unless its compressed data is cut off', async () => {
    const packed = gzipSync(CSV);
    await expect(read(packed.subarray(0, packed.length - 12))).rejects.toThrow('The file is cut off');
  });
});

describe('decimal commas', () => {
  it('hold for all numbers of a row', async () => {
    const [row] = await read(`plate;time;lat;lon;heading;altitude_m\nA;${AT};48,1;11,5;90,5;1.520,5\n`);
    expect(fixOf(row)).toEqual({
      licensePlate: 'A',
      occurredAt: AT,
      latitude: 48.1,
      longitude: 11.5,
      headingDeg: 90.5,
    });
    expect(leftOutOf(row)).toEqual(['altitude is not a number']);
  });

  it('are none where coordinates have points: a comma there may part thousands', async () => {
    const [row] = await read(`plate;time;lat;lon;odometer_m\nA;${AT};48.1;11.5;12,345\n`);
    expect(leftOutOf(row)).toEqual(['odometer is not a number']);
  });
});

describe('a reading that a file does not know', () => {
  const header = 'plate,time,lat,lon,speed_kmh,heading,accuracy_m,battery_percent';

  it.each(['NaN', 'nan', 'N/A', 'null', '-', '--', '\\N', 'unknown', 'Infinity', '-1', '65535'])(
    'is left out, and the position stands: %s',
    async (unknown) => {
      const [row] = await read(`${header}\nA,${AT},1,2,36,${unknown},5,80\n`);
      expect(fixOf(row)).toEqual({
        ...{ licensePlate: 'A', occurredAt: AT, latitude: 1, longitude: 2 },
        ...{ speedMps: 10, accuracyM: 5, batteryPercent: 80 },
      });
      expect(leftOutOf(row)).toEqual(['heading is unknown']);
    },
  );

  it('is told by what is wrong with it; an empty one is simply not there', async () => {
    const [row] = await read(`${header}\nA,${AT},1,2,-1,east,,255\n`);
    expect(fixOf(row)).toEqual({ licensePlate: 'A', occurredAt: AT, latitude: 1, longitude: 2 });
    expect(leftOutOf(row)).toEqual(['speed is unknown', 'heading is not a number', 'battery is unknown']);
    expect(leftOutOf((await read(`${header}\nA,${AT},1,2,9999,361,1,1\n`))[0])).toEqual([
      'speed is out of range',
      'heading is out of range',
    ]);
  });
});

describe('columns that are not read', () => {
  it('are named', async () => {
    const unread: string[] = [];
    await read(`vehicle_id,timestamp,speed,route_id,latitude,longitude,\n`, {
      onUnread: (names) => unread.push(...names),
    });
    expect(unread).toEqual(['speed', 'route_id', '(no name)']);
  });

  it('are named in JSON, too', async () => {
    const unread: string[] = [];
    const line = JSON.stringify({ plate: 'A', time: AT, lat: 1, lon: 2, colour: 'red', speed: 3 });
    await read(`${line}\n${line}\n`, { onUnread: (names) => unread.push(...names) });
    expect([...new Set(unread)]).toEqual(['colour', 'speed']);
  });

  it('may be the plate, where the vehicle is given', async () => {
    const rows = await read(`time,lat,lon\n${AT},1,2\n`, { plate: 'A 7' });
    expect(fixOf(rows[0])).toMatchObject({ licensePlate: 'A 7' });
    await expect(read(`time,lat,lon\n${AT},1,2\n`)).rejects.toThrow('no column for the plate');
  });

  it('are named without what a terminal would obey', async () => {
    await expect(
      read(`plate\u001b[31m,time,lat,\u202elon\n`, { columns: { longitude: 'x' } }),
    ).rejects.toThrow('The file has no column "x". It has: plate\\x1b[31m, time, lat, \\u202elon.');
  });
});

describe('a line of JSON', () => {
  it('that is broken costs itself only', async () => {
    const good = JSON.stringify({ plate: 'A', time: AT, lat: 1, lon: 2 });
    const rows = await read([good, '{"plate":"A', good, '7', good].join('\n'), {}, 'fixes.jsonl');
    expect(faultsIn(rows)).toEqual([
      [2, 'not JSON'],
      [4, 'not an object'],
    ]);
    expect(rows.length).toBe(5);
  });

  it('may be a whole feed', async () => {
    const entity = {
      id: '1',
      vehicle: { vehicle: { id: 'A' }, position: { latitude: 1, longitude: 2 }, timestamp: 1767600000 },
    };
    const rows = await read(
      `${JSON.stringify({ entity: [entity, entity] })}\n${JSON.stringify({ entity: [] })}\n${JSON.stringify({ entity: [entity] })}\n`,
    );
    expect(rows.map(({ line }) => line)).toEqual([1, 1, 3]);
  });
});
