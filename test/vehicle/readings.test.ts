import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPayload, openRegistry } from '../../src/eventstore/registry.ts';
import { vehicleEvents } from '../../src/vehicle/events.ts';
import { warningsOf } from '../../src/vehicle/fixes.ts';
import { READING_RANGES, READINGS, type Reading, readingFault } from '../../src/vehicle/readings.ts';

const definition = openRegistry(vehicleEvents).latest('LocationTracked');

describe('a reading', () => {
  it.each<[Reading, number, string | undefined]>([
    ['headingDeg', -1, 'READING_UNKNOWN'],
    ['headingDeg', 511, 'READING_UNKNOWN'],
    ['headingDeg', 65_535, 'READING_UNKNOWN'],
    ['headingDeg', Number.NaN, 'READING_UNKNOWN'],
    ['headingDeg', 361, 'READING_OUT_OF_RANGE'],
    ['headingDeg', -90, 'READING_OUT_OF_RANGE'],
    ['headingDeg', 360, undefined],
    ['headingDeg', 255, undefined],
    ['speedMps', -1, 'READING_UNKNOWN'],
    ['speedMps', Number.POSITIVE_INFINITY, 'READING_OUT_OF_RANGE'],
    ['accuracyM', -1, 'READING_UNKNOWN'],
    ['altitudeM', -1, undefined],
    ['odometerM', -1, 'READING_UNKNOWN'],
    ['batteryPercent', 255, 'READING_UNKNOWN'],
    ['batteryPercent', 101, 'READING_OUT_OF_RANGE'],
  ])('%s of %d: %s', (field, value, code) => {
    expect(readingFault(field, value)).toBe(code);
    expect(warningsOf({ [field]: value })).toEqual(code === undefined ? [] : [{ field, code, value }]);
  });

  it('that is null or absent is no reading, and nothing is told of it', () => {
    expect(warningsOf({ speedMps: null, headingDeg: undefined })).toEqual([]);
  });

  it('is left out exactly where the event could not hold it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...READINGS), fc.double(), (field, value) => {
        const payload = { longitude: 13.4, latitude: 52.5, [field]: value };
        const checked = checkPayload(definition, { type: 'LocationTracked', payload });
        expect(readingFault(field, value) === undefined).toBe('payload' in checked);
      }),
    );
    for (const field of READINGS)
      for (const end of READING_RANGES[field]) expect(readingFault(field, end)).toBeUndefined();
  });
});
