import fc from 'fast-check';
import { validate, version } from 'uuid';
import { describe, expect, it } from 'vitest';
import { type BoundingBox, boxFault, contains, fixEventId } from '../../src/vehicle/position.ts';

const VEHICLE = '019503a0-0000-7000-8000-000000000001';
const NINE = new Date('2026-03-01T09:00:00.123Z');

describe('the id of a fix without a key', () => {
  it('is a UUIDv8 that begins with the moment, so that ids sort by it', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        (moment) => {
          const id = fixEventId('demo', VEHICLE, 'obu-1', moment);
          expect(validate(id.toString())).toBe(true);
          expect(version(id.toString())).toBe(8);
          expect(Number.parseInt(id.toHexString(false).slice(0, 12), 16)).toBe(moment.getTime());
        },
      ),
    );
  });

  it('is the same each time', () => {
    expect(fixEventId('demo', VEHICLE, 'obu-1', NINE)).toEqual(
      fixEventId('demo', VEHICLE, 'obu-1', new Date(NINE)),
    );
    expect(fixEventId('demo', VEHICLE, null, NINE)).toEqual(fixEventId('demo', VEHICLE, undefined, NINE));
    // Fixed for ever: another id would let a re-sent fix in a second time.
    expect(fixEventId('demo', VEHICLE, 'obu-1', NINE).toString()).toMatchInlineSnapshot(
      `"019ca8a0-3efb-8145-95fe-2d44645fbada"`,
    );
  });

  it('tells tenants, vehicles, devices and moments apart', () => {
    const ids = [
      fixEventId('demo', VEHICLE, 'obu-1', NINE),
      fixEventId('other', VEHICLE, 'obu-1', NINE),
      fixEventId('demo', VEHICLE.replace('1', '2'), 'obu-1', NINE),
      fixEventId('demo', VEHICLE, 'obu-2', NINE),
      fixEventId('demo', VEHICLE, null, NINE),
      fixEventId('demo', VEHICLE, 'obu-1', new Date(NINE.getTime() + 1)),
    ];
    expect(new Set(ids.map(String)).size).toBe(ids.length);
  });

  it('exists for clocks that are years off', () => {
    for (const moment of ['1969-12-31T23:59:59Z', '1901-01-01T00:00:00Z', '+012000-01-01T00:00:00Z']) {
      expect(validate(fixEventId('demo', VEHICLE, 'obu-1', new Date(moment)).toString())).toBe(true);
    }
  });
});

const fiji: BoundingBox = { west: 176, south: -20, east: -178, north: -15 };

describe('a box', () => {
  it('includes its edges', () => {
    const box = { west: 13, south: 52, east: 14, north: 53 };
    expect(contains(box, { longitude: 13, latitude: 52 })).toBe(true);
    expect(contains(box, { longitude: 14, latitude: 53 })).toBe(true);
    expect(contains(box, { longitude: 14.000001, latitude: 53 })).toBe(false);
    expect(contains(box, { longitude: 13.5, latitude: 51.999999 })).toBe(false);
  });

  it('crosses the 180th meridian where west is greater than east', () => {
    expect(contains(fiji, { longitude: 178, latitude: -17 })).toBe(true);
    expect(contains(fiji, { longitude: -179, latitude: -17 })).toBe(true);
    expect(contains(fiji, { longitude: 180, latitude: -17 })).toBe(true);
    expect(contains(fiji, { longitude: -180, latitude: -17 })).toBe(true);
    expect(contains(fiji, { longitude: -177, latitude: -17 })).toBe(false);
    expect(contains(fiji, { longitude: 0, latitude: -17 })).toBe(false);
  });

  it('takes -180 and 180 for one meridian', () => {
    const chukotka = { west: -180, south: 60, east: -170, north: 70 };
    expect(contains(chukotka, { longitude: 180, latitude: 65 })).toBe(true);
    expect(contains({ ...chukotka, west: 170, east: 180 }, { longitude: -180, latitude: 65 })).toBe(true);
    expect(contains({ ...chukotka, west: 170, east: 179 }, { longitude: -180, latitude: 65 })).toBe(false);
  });

  it.each([
    ['west', { west: -180.1 }],
    ['east', { east: Number.NaN }],
    ['south', { south: -91 }],
    ['north', { north: Number.POSITIVE_INFINITY }],
    ['south', { south: 10, north: 9 }],
  ])('is faulty in %s: %o', (field, change) => {
    expect(boxFault({ ...fiji, ...change })).toMatchObject({ field });
  });

  it('is not faulty for crossing the meridian or for holding the world', () => {
    expect(boxFault(fiji)).toBeNull();
    expect(boxFault({ west: -180, south: -90, east: 180, north: 90 })).toBeNull();
  });
});
