import fc from 'fast-check';
import { UUID } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { Access } from '../../src/access/access.ts';
import { eventFilterOf, interestIn } from '../../src/audit/filter.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { InterestIndex } from '../../src/eventstore/feed/source/interest-index.ts';
import type { Interest } from '../../src/eventstore/interest.ts';
import { matchesEvent } from '../../src/eventstore/log/event-filter.ts';
import type { Row } from '../../src/eventstore/projection.ts';
import { selectTenders, type TenderFilter } from '../../src/tender/filter.ts';
import type { TenderRow } from '../../src/tender/projection.ts';
import { selectVehicles, type VehicleFilter } from '../../src/vehicle/filter.ts';
import type { VehicleRow } from '../../src/vehicle/projection.ts';

const IDS = [1, 2, 3].map((n) => `019503a0-0000-7000-8000-00000000000${n}`);
const anyId = fc.constantFrom(...IDS);
const anyIds = fc.option(fc.subarray(IDS), { nil: undefined });
const some = (...values: string[]) => fc.option(fc.subarray(values), { nil: undefined });
const none = fc.constant(null);

/** Whether a change is shown to a subscriber with this interest. */
function isShown<D extends object>(interest: Interest<D> | undefined, id: string, document: D): boolean {
  const index = new InterestIndex<D, string>({ versionOf: () => 1, remembered: 10 });
  index.join('it', interest);
  return index.concerned({ id, document, isNew: true }).length === 1;
}

/** Whatever matches is shown; how much else is, too, must not be all of it. */
function expectShown(cases: readonly (readonly [matches: boolean, shown: boolean])[]): void {
  for (const [matches, shown] of cases) expect(shown || !matches).toBe(true);
  expect(cases.some(([matches]) => matches)).toBe(true);
  expect(cases.some(([, shown]) => !shown)).toBe(true);
}

function sample<F, D>(filters: fc.Arbitrary<F>, documents: fc.Arbitrary<D>): [F, D][] {
  return fc.sample(fc.tuple(filters, documents), 5_000);
}

function rowOf<R extends Row>(fields: { readonly id: string }): R {
  return { _id: `acme/${fields.id}`, tenantId: 'acme', lastSequence: 1, ...fields } as R;
}

describe('what a filter declares as its interest', () => {
  it('of vehicles, lets through what matches, on both sides of the 180th meridian', () => {
    const longitude = fc.constantFrom(-180, -179, -170, -60, 0, 0.5, 100, 179.5, 180);
    const latitude = fc.constantFrom(-90, -10, 0, 10, 90);
    const within = fc
      .record({ west: longitude, east: longitude, south: latitude, north: latitude })
      .filter(({ south, north }) => south <= north);
    const filters = fc.record({
      ids: anyIds,
      fleetId: some('north', 'south'),
      state: some('available', 'on_trip') as fc.Arbitrary<VehicleFilter['state']>,
      within: fc.option(within, { nil: null }),
    });
    const rows = fc.record({
      id: anyId,
      fleetId: fc.oneof(none, fc.constantFrom('north', 'south', 'east')),
      state: fc.constantFrom('available', 'on_trip', 'removed'),
      position: fc.oneof(none, fc.record({ longitude, latitude })),
    });
    const cases = sample(filters, rows).map(([filter, fields]) => {
      const row = rowOf<VehicleRow>(fields);
      const { matches, interest } = selectVehicles('acme', filter);
      return [matches(row), isShown(interest, row.id, row)] as const;
    });
    expectShown(cases);
  });

  it('of tenders, lets through what matches, for dispatchers and for carriers', () => {
    const filters = fc.record({
      ids: anyIds,
      status: some('OPEN', 'OFFERED') as fc.Arbitrary<TenderFilter['status']>,
      carrierId: some('ACME', 'BOLT'),
      fleetId: some('north', 'south'),
      vehicleId: anyIds,
    });
    const rows = fc.record(
      {
        id: anyId,
        status: fc.constantFrom('OPEN', 'OFFERED', 'ACCEPTED'),
        carrierIds: fc.subarray(['ACME', 'BOLT', 'CARGO']),
        fleetId: fc.constantFrom('north', 'south', 'east'),
        vehicleId: anyId,
        acceptedCarrierId: fc.constantFrom('ACME', 'BOLT'),
      },
      { requiredKeys: ['id', 'status', 'carrierIds'] },
    );
    const callers = fc.constantFrom<Access>(
      { sub: 'dora', tenantId: 'acme', role: 'dispatcher' },
      { sub: 'tms', tenantId: 'acme', role: 'carrier', carrierId: 'ACME' },
      { sub: 'lost', tenantId: 'acme', role: 'carrier' },
    );
    const cases = sample(fc.tuple(callers, filters), rows).map(([[access, filter], fields]) => {
      const row = rowOf<TenderRow>(fields);
      const { matches, interest } = selectTenders(access, filter);
      return [matches(row), isShown(interest, row.id, row)] as const;
    });
    expectShown(cases);
  });

  it('of the log, lets through what matches', () => {
    const filters = fc.record({
      aggregateId: anyIds,
      aggregateType: some('Tender', 'Vehicle'),
      type: some('TenderCreated', 'TenderOffered'),
      actorId: some('dora', 'dan'),
      role: some('dispatcher', 'driver'),
      reasonCode: some('OTHER'),
    });
    const events = fc.record(
      {
        aggregateId: anyId.map((id) => new UUID(id)),
        aggregateType: fc.constantFrom('Tender', 'Route'),
        type: fc.constantFrom('TenderCreated', 'RoutePlanned'),
        actor: fc.record({
          id: fc.constantFrom('dora', 'eve'),
          role: fc.constantFrom('dispatcher', 'admin'),
        }),
        reasonCode: fc.constantFrom('OTHER', 'WEATHER'),
      },
      { requiredKeys: ['aggregateId', 'aggregateType', 'type', 'actor'] },
    );
    const cases = sample(filters, events).map(([input, fields]) => {
      const event = { _id: new UUID(), ...fields } as StoredEvent;
      const filter = eventFilterOf(input);
      return [matchesEvent(filter, event), isShown(interestIn(filter), event._id.toString(), event)] as const;
    });
    expectShown(cases);
  });
});
