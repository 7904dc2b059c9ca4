import type { MdsState, VehicleEvent } from './events.ts';

/** What decisions about a vehicle need to know of its past. */
export interface VehicleState {
  readonly registered: boolean;
  readonly state: MdsState;
  /** The tender the vehicle is committed to. Kept apart from `state`: a committed vehicle may lose contact. */
  readonly tenderId: string | null;
  /** Whether it has departed with that tender. */
  readonly departed: boolean;
  /** occurredAt of the newest fix folded in, milliseconds since 1970; -Infinity before the first. */
  readonly newestFixAt: number;
}

export const initialVehicle: VehicleState = {
  registered: false,
  state: 'removed',
  tenderId: null,
  departed: false,
  newestFixAt: Number.NEGATIVE_INFINITY,
};

/** The state after `event`; events of types unknown here leave it as it is. */
export function evolveVehicle(state: VehicleState, event: VehicleEvent): VehicleState {
  switch (event.type) {
    case 'VehicleRegistered':
      return { ...state, registered: true, state: 'available' };
    case 'VehicleStateChanged':
      return { ...state, state: event.payload.to };
    case 'LocationTracked': {
      const at = event.occurredAt.getTime();
      return at > state.newestFixAt ? { ...state, newestFixAt: at } : state;
    }
    case 'VehicleReserved':
      return { ...state, state: 'reserved', tenderId: event.payload.tenderId, departed: false };
    case 'TripStarted':
      return { ...state, state: 'on_trip', tenderId: event.payload.tenderId, departed: true };
    case 'VehicleReleased':
    case 'TripEnded':
      return { ...state, state: freed(state.state), tenderId: null, departed: false };
    default:
      return state;
  }
}

/**
 * The MDS state of a vehicle whose tender is over: what it did for the tender ends, so it is available again; a
 * vehicle that is broken down, out of contact or away stays so.
 */
export function freed(state: MdsState): MdsState {
  return state === 'reserved' || state === 'on_trip' || state === 'stopped' ? 'available' : state;
}
