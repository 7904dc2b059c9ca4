import { describe, expect, it } from 'vitest';
import { VEHICLE_STATES } from '../../src/vehicle/events.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { reasonsFor, TRANSITIONS } from '../../src/vehicle/transitions.ts';
import { change, register, registered, vehicleIn } from './cast.ts';

// Every pair that MDS 2.0.2 allows, by hand, so that a slip in the table does not pass with the table as its witness.
const ALLOWED: Readonly<Record<string, string>> = {
  removed: 'available non_operational non_contactable',
  available: 'removed non_operational reserved on_trip non_contactable elsewhere',
  non_operational: 'removed available non_contactable elsewhere',
  reserved: 'available on_trip stopped non_contactable elsewhere',
  on_trip: 'available stopped non_contactable elsewhere',
  stopped: 'available on_trip non_contactable',
  non_contactable: 'removed available non_operational reserved on_trip stopped missing elsewhere',
  missing: 'removed available non_operational reserved on_trip stopped non_contactable elsewhere',
  elsewhere: 'removed available non_operational reserved on_trip non_contactable',
};

describe.each(VEHICLE_STATES)('a vehicle that is %s', (from) => {
  const allowed = new Set(ALLOWED[from]?.split(' '));

  it.each(VEHICLE_STATES.filter((to) => allowed.has(to)))('can become %s', (to) => {
    const story = vehicleIn(from);
    story.when(change(to)).records({ type: 'VehicleStateChanged', payload: { from, to } });
    expect(story.and(change(to)).state.state).toBe(to);
    expect(story.and(change(to)).row(fleetStatus)?.state).toBe(to);
  });

  it.each(VEHICLE_STATES.filter((to) => !allowed.has(to)))('cannot become %s', (to) => {
    vehicleIn(from).when(change(to)).refuses('INVALID_TRANSITION');
  });
});

describe('the reason of a change', () => {
  it('is recorded where it leads from the one state to the other', () => {
    for (const from of VEHICLE_STATES) {
      for (const to of Object.keys(TRANSITIONS[from]) as (typeof VEHICLE_STATES)[number][]) {
        for (const reasonCode of reasonsFor(from, to)) {
          vehicleIn(from)
            .when(change(to, reasonCode))
            .records({ type: 'VehicleStateChanged', payload: { from, to }, reasonCode });
        }
      }
    }
  });

  it('is refused where it does not', () => {
    registered().when(change('non_operational', 'trip_start')).refuses('INVALID_TRANSITION', 'reasonCode');
  });
});

describe('registering', () => {
  it('makes a vehicle available', () => {
    const row = registered().row(fleetStatus);
    expect(row).toMatchObject({
      licensePlate: 'ABC-123',
      fleetId: 'north',
      state: 'available',
      tenderId: null,
      position: null,
      lastSequence: 1,
    });
  });

  it('is refused for an id that is taken', () => {
    registered().when(register).refuses('ALREADY_EXISTS');
  });
});
