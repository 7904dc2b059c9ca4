import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPayload, openRegistry } from '../../src/eventstore/registry.ts';
import type { FixPayload } from '../../src/vehicle/events.ts';
import { vehicleEvents } from '../../src/vehicle/events.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { given, minute } from '../given.ts';
import { fixAt, registered, vehicleIn } from './cast.ts';

describe('a fix that is no place on Earth', () => {
  it.each([
    ['longitude', { longitude: 180.000001 }],
    ['longitude', { longitude: -181 }],
    ['longitude', { longitude: Number.NaN }],
    ['longitude', { longitude: Number.POSITIVE_INFINITY }],
    ['latitude', { latitude: 90.000001 }],
    ['latitude', { latitude: -91 }],
    ['latitude', { latitude: Number.NaN }],
    ['latitude', { latitude: Number.NEGATIVE_INFINITY }],
  ])('is refused, naming %s: %o', (field, place) => {
    registered().when(fixAt(1, place)).refuses('NOT_ON_EARTH', field);
  });

  it('is refused at exactly (0, 0), which is a device without a fix', () => {
    registered()
      .when(fixAt(1, { longitude: 0, latitude: 0 }))
      .refuses('NULL_ISLAND');
    registered()
      .when(fixAt(1, { longitude: -0, latitude: 0 }))
      .refuses('NULL_ISLAND');
  });

  it('is taken on the equator, on the prime meridian and at the edges', () => {
    for (const place of [
      { longitude: 0, latitude: 51.5 },
      { longitude: 9.4, latitude: 0 },
      { longitude: 180, latitude: 90 },
      { longitude: -180, latitude: -90 },
    ]) {
      registered().when(fixAt(1, place)).records({ type: 'LocationTracked', payload: place });
    }
  });
});

describe('the moment of a fix', () => {
  it('may be 60 s ahead of our clock and no more', () => {
    const ahead = (ms: number) => ({ ...fixAt(0), occurredAt: new Date(minute(60).getTime() + ms) });
    registered()
      .when(ahead(60_000))
      .records({ type: 'LocationTracked', payload: fixAt(0).fix });
    registered().when(ahead(60_001)).refuses('FROM_THE_FUTURE', 'occurredAt');
  });

  it('is not that of a clock that was never set', () => {
    for (const moment of ['1970-01-01T00:00:00Z', '1980-01-06T00:10:00Z', '2000-12-31T23:59:59Z'])
      registered()
        .when({ ...fixAt(0), occurredAt: new Date(moment) })
        .refuses('TOO_LONG_AGO', 'occurredAt');
    registered()
      .when({ ...fixAt(0), occurredAt: new Date('2001-01-01T00:00:00Z') })
      .records({ type: 'LocationTracked', payload: fixAt(0).fix });
  });

  it('decides which position is current, whatever the order of arrival', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }), (minutes) => {
        const story = registered(
          ...minutes.map((m, index) => fixAt(m, { longitude: index / 10, latitude: 1 })),
        );
        const newest = Math.max(...minutes);
        const position = story.row(fleetStatus)?.position;
        expect(position?.occurredAt).toEqual(minute(newest));
        // Of two fixes of one moment, always the same.
        expect(position?.longitude).toBe(minutes.indexOf(newest) / 10);
        const turned = registered(
          ...minutes.map((m, index) => fixAt(m, { longitude: index / 10, latitude: 1 })).toReversed(),
        );
        expect(turned.row(fleetStatus)?.position?.longitude).toBe(position?.longitude);
        expect(story.state.newestFixAt).toBe(minute(newest).getTime());
        expect(story.events).toHaveLength(minutes.length + 1);
      }),
    );
  });

  it('proves a fix without a key to be new only where it is newer than all before', () => {
    const { state } = registered(fixAt(10));
    expect(vehicle.provenNew?.(state, fixAt(11))).toBe(true);
    expect(vehicle.provenNew?.(state, fixAt(10))).toBe(false);
    expect(vehicle.provenNew?.(state, fixAt(9))).toBe(false);
    expect(vehicle.provenNew?.(state, fixAt(11, {}, true))).toBe(false);
    expect(vehicle.provenNew?.(registered().state, fixAt(1))).toBe(true);
  });
});

describe('whose fix it is', () => {
  it('is NOT_FOUND for a vehicle that nobody registered', () => {
    given(vehicle).when(fixAt(1)).refuses('NOT_FOUND');
  });

  it.each(['removed', 'missing', 'non_contactable', 'elsewhere'] as const)(
    'is taken from one that is %s',
    (state) => {
      vehicleIn(state)
        .when(fixAt(1))
        .records({ type: 'LocationTracked', payload: fixAt(1).fix });
      expect(vehicleIn(state).and(fixAt(1)).state.state).toBe(state);
    },
  );
});

describe('what a device read', () => {
  const registry = openRegistry(vehicleEvents);
  const check = (readings: Partial<FixPayload>) =>
    checkPayload(registry.latest('LocationTracked'), {
      type: 'LocationTracked',
      payload: { longitude: 13.4, latitude: 52.5, ...readings },
    });

  it('stands in the position of the row', () => {
    const readings = { speedMps: 8.5, headingDeg: 270, accuracyM: 3, batteryPercent: 80, deviceId: 'obu-1' };
    expect(registered(fixAt(1, readings)).row(fleetStatus)?.position).toEqual({
      longitude: 13.4,
      latitude: 52.5,
      ...readings,
      occurredAt: minute(1),
      recordedAt: minute(60),
    });
  });

  it.each([
    ['speedMps', -0.1],
    ['speedMps', Number.NaN],
    ['headingDeg', 360.1],
    ['headingDeg', -1],
    ['accuracyM', -1],
    ['altitudeM', -2_000],
    ['odometerM', -1],
    ['batteryPercent', 101],
  ])('is refused out of range, naming %s (%d)', (field, value) => {
    expect(check({ [field]: value })).toMatchObject({ refused: { code: 'INVALID_INPUT', field } });
  });

  it('is taken within range', () => {
    const readings = {
      speedMps: 0,
      headingDeg: 360,
      accuracyM: 0,
      altitudeM: -400,
      odometerM: 1e9,
      batteryPercent: 100,
    };
    expect(check(readings)).toEqual({ payload: { longitude: 13.4, latitude: 52.5, ...readings } });
  });
});
