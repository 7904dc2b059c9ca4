import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openElements } from '../../../../src/cli/transfer/positions/json-elements.ts';
import { faultsIn, fixOf, leftOutOf, read } from './read.ts';

const AT = '2026-01-05T08:00:00.000Z';
const SECONDS = Date.parse(AT) / 1_000;

const entity = (id: string, over: object = {}): object => ({
  id: `e${id}`,
  vehicle: {
    trip: { tripId: 't1', routeId: '7' },
    vehicle: { id, label: `Bus ${id}` },
    position: { latitude: 45.5, longitude: -73.6, bearing: 90, speed: 8.5, odometer: 1_200, ...over },
    currentStatus: 'IN_TRANSIT_TO',
    timestamp: String(SECONDS),
  },
});
const feed = (...entities: object[]): string =>
  JSON.stringify(
    { header: { gtfsRealtimeVersion: '2.0', timestamp: String(SECONDS + 9) }, entity: entities },
    null,
    2,
  );

describe('a GTFS-realtime feed as JSON', () => {
  it('is read with its units; what is no vehicle is no row', async () => {
    const rows = await read(
      feed(entity('1'), { id: 'x', tripUpdate: { trip: {} } }, { id: 'y', alert: {} }, entity('2')),
    );
    expect(rows.map(fixOf)).toEqual(
      ['1', '2'].map((licensePlate) => ({
        ...{ licensePlate, occurredAt: AT, latitude: 45.5, longitude: -73.6 },
        ...{ headingDeg: 90, speedMps: 8.5, odometerM: 1_200 },
      })),
    );
  });

  it('may know no bearing, and be written with underscores', async () => {
    const vehicle = {
      vehicle: { license_plate: 'AB 1' },
      position: { latitude: 1, longitude: 2, bearing: -1, speed: null },
      timestamp: SECONDS,
    };
    const [row] = await read(JSON.stringify({ entity: [{ id: '1', vehicle }] }));
    expect(fixOf(row)).toEqual({ licensePlate: 'AB 1', occurredAt: AT, latitude: 1, longitude: 2 });
    expect(leftOutOf(row)).toEqual(['heading is unknown']);
  });

  it('loses a broken entity only, and names its line', async () => {
    const text = feed(...Array.from({ length: 9 }, (_, index) => entity(String(index))));
    const whole = await read(text);
    for (const [from, to] of [
      ['"Bus 4"', '"Bus 4'],
      ['"Bus 4"', 'Bus 4"'],
      ['"id": "4"', '"id": 4"'],
      ['"Bus 4"', '"Bus 4" }'],
    ] as const) {
      const rows = await read(text.replace(from, to));
      expect(rows.filter((row) => 'fix' in row).length, to).toBe(8);
      expect(faultsIn(rows), to).toEqual([[whole[4]?.line, expect.any(String)]]);
    }
  });
});

describe('GeoJSON', () => {
  const point = (properties: object, coordinates: readonly number[] = [11.5, 48.1, 520]): object => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates },
    properties,
  });

  it('has points, longitude first, with the rest as properties', async () => {
    const features = [
      point({ plate: 'A', time: AT, speed_kmh: 36, heading: -1 }),
      { type: 'Feature', geometry: { type: 'LineString', coordinates: [] }, properties: {} },
      point({ plate: 'B', time: 'noon' }),
    ];
    const rows = await read(JSON.stringify({ type: 'FeatureCollection', features }, null, 1));
    expect(fixOf(rows[0])).toEqual({
      ...{ licensePlate: 'A', occurredAt: AT, longitude: 11.5, latitude: 48.1 },
      ...{ altitudeM: 520, speedMps: 10 },
    });
    expect(rows.slice(1).map((row) => 'fault' in row && row.fault)).toEqual([
      'not a point',
      'time is not ISO 8601 with a zone, nor Unix time',
    ]);
  });

  it('may be a line each', async () => {
    const line = JSON.stringify(point({ plate: 'A', time: AT }));
    expect((await read(`${line}\n${line}\n`)).map(({ line: number }) => number)).toEqual([1, 2]);
  });
});

describe('the elements of a document', () => {
  it('are found however it falls on chunks, whatever texts they hold', () => {
    const value = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), { maxLength: 6 });
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 40 }), fc.boolean(), (list, size, pretty) => {
        const text = JSON.stringify({ some: 'thing', entity: list }, null, pretty ? 2 : 0);
        const elements = openElements();
        const found = [];
        for (let at = 0; at < text.length; at += size) found.push(...elements.add(text.slice(at, at + size)));
        found.push(...elements.end());
        expect(found.map((each) => 'value' in each && each.value)).toEqual(JSON.parse(text).entity);
      }),
    );
  });

  it('end with the document, be it cut off', () => {
    const elements = openElements();
    expect(elements.add('[{"a":1},{"b":{"c"')).toEqual([{ line: 1, value: { a: 1 } }]);
    expect(elements.end()).toEqual([{ line: 1, fault: 'not JSON' }]);
  });
});

describe('GPX', () => {
  const gpx = (...points: string[]): string => `<?xml version="1.0"?>
<gpx version="1.1" creator="a > b" xmlns="http://www.topografix.com/GPX/1/1">
  <metadata><name>Not this</name></metadata>
  <trk><name>Van &amp; 7</name><type>driving</type><trkseg>
    ${points.join('\n    ')}
  </trkseg></trk>
</gpx>`;
  const point = `<trkpt lat="48.1" lon="11.5"><ele>520.5</ele><time>${AT}</time><name>a stop</name>
      <!-- <trkpt lat="0" lon="0"> --><extensions><gpxtpx:speed>8.5</gpxtpx:speed><gpxtpx:course>90</gpxtpx:course></extensions></trkpt>`;
  const fix = {
    occurredAt: AT,
    longitude: 11.5,
    latitude: 48.1,
    altitudeM: 520.5,
    speedMps: 8.5,
    headingDeg: 90,
  };

  it('has the points of tracks, of the vehicle that a track is named by, or that is given', async () => {
    expect((await read(gpx(point))).map(fixOf)).toEqual([{ ...fix, licensePlate: 'Van & 7' }]);
    expect((await read(gpx(point), { plate: 'M 7' })).map(fixOf)).toEqual([{ ...fix, licensePlate: 'M 7' }]);
    const named = gpx(point).replace('Van &amp; 7', '<![CDATA[Van <7>]]>').replaceAll('<7>', '7');
    expect((await read(named)).map(fixOf)).toEqual([{ ...fix, licensePlate: 'Van 7' }]);
  });

  it('loses a broken point only, and names its line', async () => {
    const broken = [
      `<trkpt lat="48.1 lon="11.5"><time>${AT}</time></trkpt>`,
      '<trkpt lat="48.1" lon="11.5"><time>x</time>',
      '<trkpt lat="48.1" lon="11.5"/>',
      '<trkpt lon="11.5"><time>x</time></trkpt>',
    ];
    const rows = await read(gpx(...broken.flatMap((each) => [point, each]), point), { plate: 'A' });
    expect(rows.filter((row) => 'fix' in row).length).toBe(5);
    expect(faultsIn(rows)).toEqual([
      [7, 'latitude is not a number'],
      [10, 'not a point of GPX'],
      [13, 'time is not ISO 8601 with a zone, nor Unix time'],
      [16, 'not a point of GPX'],
    ]);
  });
});

describe('a document of something else', () => {
  it('is not taken for one without positions', async () => {
    await expect(read('<!doctype html><html><body>Sign in</body></html>')).rejects.toThrow('is no GPX');
    await expect(read('{"error":\n"none"}')).rejects.toThrow('has no list of positions');
  });

  it('is a difference to one that is empty', async () => {
    expect(await read('{"header": {},\n"entity": []}')).toEqual([]);
    expect(await read('<gpx><trk></trk></gpx>')).toEqual([]);
  });
});
