import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import type { VehicleCommand } from '../../src/vehicle/decide.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { itHolds } from '../fuzz.ts';
import { foldAll, given } from '../given.ts';
import { correctionOf, fixAt, registered } from './cast.ts';

describe('a correction of a fix', () => {
  it('records both what was recorded and what holds', () => {
    registered(fixAt(5, { speedMps: 36 }))
      .when(correctionOf(5, { speedMps: 36 }, { speedMps: 10 }))
      .records({
        type: 'LocationCorrected',
        payload: {
          fixId: '019503a0-0000-7000-8000-00000000f1f1',
          number: 1,
          recorded: { longitude: 13.4, latitude: 52.5, speedMps: 36 },
          corrected: { longitude: 13.4, latitude: 52.5, speedMps: 10 },
        },
        reasonCode: 'WRONG_UNIT',
      });
  });

  it('is refused what a fix is refused', () => {
    const story = registered(fixAt(5));
    story.when(correctionOf(5, {}, { longitude: 181 })).refuses('NOT_ON_EARTH', 'longitude');
    story.when(correctionOf(5, {}, { longitude: 0, latitude: 0 })).refuses('NULL_ISLAND');
    given(vehicle)
      .when(correctionOf(5, {}, {}))
      .refuses('NOT_FOUND');
  });

  it('shows in the position where its fix is the newest, and nowhere else', () => {
    const newest = registered(
      fixAt(5, { speedMps: 36 }),
      correctionOf(5, { speedMps: 36 }, { speedMps: 10 }),
    );
    expect(newest.row(fleetStatus)?.position).toMatchObject({ speedMps: 10, correction: { number: 1 } });
    const older = newest
      .and(fixAt(6, { speedMps: 1 }))
      .and(correctionOf(5, { speedMps: 36 }, { speedMps: 11 }, 2));
    expect(older.row(fleetStatus)?.position).toMatchObject({ speedMps: 1 });
    expect(older.row(fleetStatus)?.position).not.toHaveProperty('correction');
  });

  it('gives way to a later one of the same fix, be it back to what was recorded', () => {
    const recorded = { speedMps: 36, headingDeg: 90 };
    const story = registered(
      fixAt(5, recorded),
      correctionOf(5, recorded, { speedMps: 10 }),
      correctionOf(5, recorded, recorded, 2),
    );
    expect(story.row(fleetStatus)?.position).toMatchObject({ ...recorded, correction: { number: 2 } });
  });
});

describe('fixes and their corrections', () => {
  // Several devices, few moments and few readings, so that much is alike.
  const fixes = fc.array(
    fc.record({
      minute: fc.integer({ min: 1, max: 3 }),
      deviceId: fc.constantFrom('a', 'b'),
      accuracyM: fc.constantFrom(1, 2, 3),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const corrections = fc.array(
    fc.record({
      of: fc.nat(),
      number: fc.integer({ min: 1, max: 3 }),
      accuracyM: fc.constantFrom(1, 2, 4, 5),
    }),
    {
      maxLength: 6,
    },
  );

  itHolds('fold to the same row in any order', { numRuns: 100 }, () =>
    fc.property(fixes, corrections, fc.infiniteStream(fc.nat()), (told, corrected, dice) => {
      const commands: VehicleCommand[] = [
        ...told.map(({ minute, ...readings }) => fixAt(minute, readings)),
        ...corrected.flatMap(({ of, number, accuracyM }) => {
          const fix = told[of % told.length];
          if (fix === undefined) return [];
          const { minute, ...recorded } = fix;
          return [correctionOf(minute, recorded, { deviceId: recorded.deviceId, accuracyM }, number)];
        }),
      ];
      const [founding, ...events] = registered(...commands).events;
      if (founding === undefined) throw new Error('A story without a beginning.');
      const position = (order: readonly StoredEvent[]) => {
        // Their places in the stream stay: only the order of folding is another.
        const row = foldAllInOrder([founding, ...order]);
        return row?.position;
      };
      const shuffled = events
        .map((event) => ({ event, by: dice.next().value as number }))
        .sort((a, b) => a.by - b.by)
        .map(({ event }) => event);
      expect(position(shuffled)).toEqual(position(events));
    }),
  );
});

/** The row's body after these events, whatever their sequence. */
function foldAllInOrder(events: readonly StoredEvent[]) {
  let body: ReturnType<typeof fleetStatus.evolve> = null;
  for (const event of events) {
    const row = foldAll(fleetStatus, events.slice(0, 1));
    const before = body === null || row === null ? null : { ...row, ...body };
    body = fleetStatus.evolve(before, event);
  }
  return body;
}
