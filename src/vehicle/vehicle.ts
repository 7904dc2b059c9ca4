import type { Aggregate } from '../eventstore/aggregate.ts';
import { decideVehicle, faultOf, type VehicleCommand } from './decide.ts';
import type { VehicleEvent } from './events.ts';
import { fleetStatus } from './projection.ts';
import { evolveVehicle, initialVehicle, type VehicleState } from './state.ts';

/** The stream of a vehicle. */
export const vehicle: Aggregate<VehicleState, VehicleCommand, VehicleEvent> = {
  type: 'Vehicle',
  stateVersion: 1,
  initial: initialVehicle,
  evolve: evolveVehicle,
  decide: decideVehicle,
  faultOf,
  projections: [fleetStatus],
  provenNew,
};

/**
 * A fix that is newer than all before it cannot be recorded yet. With a key that does not follow: a key may come again
 * with another occurredAt.
 */
function provenNew(state: VehicleState, command: VehicleCommand): boolean {
  return (
    command.type === 'TrackLocation' && !command.keyed && command.occurredAt.getTime() > state.newestFixAt
  );
}
