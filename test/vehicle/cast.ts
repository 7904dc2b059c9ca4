import type { Caller } from '../../src/eventstore/aggregate.ts';
import type {
  ChangeVehicleState,
  CorrectLocation,
  RegisterVehicle,
  TrackLocation,
  TripCommand,
  VehicleCommand,
} from '../../src/vehicle/decide.ts';
import type { FixPayload, MdsState, StateReason } from '../../src/vehicle/events.ts';
import type { VehicleState } from '../../src/vehicle/state.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { given, minute, type Story } from '../given.ts';

export const TENDER = '019503a0-0000-7000-8000-00000000aaaa';
export const OTHER_TENDER = '019503a0-0000-7000-8000-00000000bbbb';

const driver: Caller = { id: 'dora', role: 'driver' };

/** The part that every command carries, taken at this minute of the story. */
export function at(minutes: number): { at: Date; occurredAt: Date; by: Caller } {
  return { at: minute(minutes), occurredAt: minute(minutes), by: driver };
}

export const register: RegisterVehicle = {
  type: 'RegisterVehicle',
  licensePlate: 'ABC-123',
  fleetId: 'north',
  ...at(0),
};

export function change(to: MdsState, reasonCode?: StateReason): ChangeVehicleState {
  return { type: 'ChangeVehicleState', to, ...(reasonCode === undefined ? {} : { reasonCode }), ...at(5) };
}

export function trip(type: TripCommand['type'], tenderId = TENDER): TripCommand {
  return { type, tenderId, ...at(5) };
}

/** A fix taken at this minute by the device's clock, and sent at minute 60. */
export function fixAt(occurred: number, fix: Partial<FixPayload> = {}, keyed = false): TrackLocation {
  return {
    type: 'TrackLocation',
    fix: { longitude: 13.4, latitude: 52.5, ...fix },
    keyed,
    at: minute(60),
    occurredAt: minute(occurred),
    by: driver,
  };
}

/** What the fix of this minute should have said; `recorded` and `fixId` name it. Told at minute 60 and after. */
export function correctionOf(
  occurred: number,
  recorded: Partial<FixPayload>,
  corrected: Partial<FixPayload>,
  number = 1,
  fixId = '019503a0-0000-7000-8000-00000000f1f1',
): CorrectLocation {
  const { at, by, occurredAt, fix } = fixAt(occurred, recorded);
  const place = { longitude: 13.4, latitude: 52.5 };
  return {
    ...{ type: 'CorrectLocation', fixId, number, recorded: fix, fix: { ...place, ...corrected } },
    ...{ reasonCode: 'WRONG_UNIT', at, by, occurredAt },
  };
}

/** A registered vehicle. */
export function registered(...commands: VehicleCommand[]): Story<VehicleState, VehicleCommand> {
  return given<VehicleState, VehicleCommand>(vehicle, register, ...commands);
}

// The shortest way to each state by MDS' own table.
const WAYS: Readonly<Record<MdsState, readonly MdsState[]>> = {
  available: [],
  removed: ['removed'],
  non_operational: ['non_operational'],
  reserved: ['reserved'],
  on_trip: ['on_trip'],
  stopped: ['on_trip', 'stopped'],
  non_contactable: ['non_contactable'],
  missing: ['non_contactable', 'missing'],
  elsewhere: ['elsewhere'],
};

/** A vehicle in this state, committed to no tender. */
export function vehicleIn(state: MdsState): Story<VehicleState, VehicleCommand> {
  return registered(...WAYS[state].map((to) => change(to)));
}
