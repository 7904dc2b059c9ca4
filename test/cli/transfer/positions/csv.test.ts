import { describe, expect, it } from 'vitest';
import { faultOf, fixOf, read, readAll } from './read.ts';

describe('a CSV of positions whose columns have usual names', () => {
  it('is read without options, whatever the order, case and byte order mark', async () => {
    const rows = await read(
      '\uFEFFLat,LON,Vehicle_ID,extra,Timestamp\n30.22,-97.76,2052,x,2016-03-22T19:26:01-05:00\n',
    );
    expect(rows.map(fixOf)).toEqual([
      { licensePlate: '2052', occurredAt: '2016-03-23T00:26:01.000Z', longitude: -97.76, latitude: 30.22 },
    ]);
  });

  it('counts lines from 1 with the header, so that an editor finds them', async () => {
    const rows = await read('plate,time,lat,lon\nA,2026-01-01T00:00:00Z,1,1\n\n"B\nC",x,1,1\nD,x,1,1\n');
    expect(rows.map((row) => row.line)).toEqual([2, 4, 6]);
  });

  it('reads a speed only in a unit that somebody stated', async () => {
    const text = 'plate,time,lat,lon,speed\nA,2026-01-01T00:00:00Z,1,1,36\n';
    expect(fixOf((await read(text))[0])).not.toHaveProperty('speedMps');
    expect(fixOf((await read(text, { speedUnit: 'kmh' }))[0])).toMatchObject({ speedMps: 10 });
    const named = text.replace('speed', 'speed_knots');
    expect(fixOf((await read(named))[0])).toMatchObject({ speedMps: expect.closeTo(18.52, 6) });
  });
});

describe('a CSV of positions with columns of its own', () => {
  it('is read by the names given', async () => {
    const columns = { plate: 'bus', time: 'when', latitude: 'y', longitude: 'x', heading: 'dir' };
    const rows = await read('bus;when;y;x;dir\n7;1458692761;30;-97;90\n', { columns });
    expect(rows.map(fixOf)).toEqual([
      {
        licensePlate: '7',
        occurredAt: '2016-03-23T00:26:01.000Z',
        longitude: -97,
        latitude: 30,
        headingDeg: 90,
      },
    ]);
  });

  it('is refused with a sentence that lists the columns it has', async () => {
    await expect(read('bus,when,lat,lon\n')).rejects.toThrow(
      'The file has no column for the plate. It has: bus, when, lat, lon. Name the right one with --plate-column.',
    );
    await expect(read('plate,time,lat,lon\n', { columns: { time: 'at' } })).rejects.toThrow(
      'The file has no column "at"',
    );
  });
});

describe('rows that are no positions', () => {
  it.each([
    ['A,2026-01-01T00:00:00Z,north,1', 'latitude is not a number'],
    ['A,2026-01-01T00:00:00Z,1,', 'longitude is not a number'],
    ['A,2026-01-01T00:00:00Z,1,NaN', 'longitude is not a number'],
    [',2026-01-01T00:00:00Z,1,1', 'no vehicle'],
    ['A,2026-01-01T00:00:00,1,1', 'time is not ISO 8601 with a zone, nor Unix time'],
    ['A,2026-02-30T00:00:00Z,1,1', 'time is not ISO 8601 with a zone, nor Unix time'],
    ['A,yesterday,1,1', 'time is not ISO 8601 with a zone, nor Unix time'],
    ['A,9999-12-31T23:59:59-14:00,1,1', 'time is not ISO 8601 with a zone, nor Unix time'],
    ['A,2026-01-01T00:00:00Z,1', 'wrong number of columns'],
    ['A"b",2026-01-01T00:00:00Z,1,1', 'not a row of CSV'],
  ])('%s: %s', async (row, fault) => {
    const rows = await read(`plate,time,lat,lon\n${row}\nB,2026-01-01T00:00:00Z,1,1\n`);
    expect(rows.map(faultOf)).toEqual([fault, undefined]);
    expect(rows.map((entry) => entry.line)).toEqual([2, 3]);
  });
});

describe('a file that cannot be read', () => {
  it('is named in a sentence', async () => {
    await expect(readAll('/nowhere/none.csv')).rejects.toThrow(/^There is no file .*none\.csv\.$/);
    await expect(readAll('/')).rejects.toThrow('is a folder');
  });

  it('is refused where it is empty', async () => {
    await expect(read('')).rejects.toThrow('has no header row');
  });
});
