import type { StoredEvent } from '../eventstore/event.ts';
import type { Body, Projection, Row } from '../eventstore/projection.ts';
import type { FixPayload, MdsState, VehicleEvent } from './events.ts';
import { freed } from './state.ts';

/** A fix with its two times: by the device's clock and by the server's. */
export interface Position extends FixPayload {
  readonly occurredAt: Date;
  readonly recordedAt: Date;
}

/** A vehicle as dispatchers and maps see it. */
export interface VehicleRow extends Row {
  readonly licensePlate: string;
  readonly fleetId: string | null;
  readonly state: MdsState;
  /** The tender it is committed to. */
  readonly tenderId: string | null;
  /** The newest fix by occurredAt; of two fixes of one moment, the first recorded. */
  readonly position: Position | null;
}

/** `fleet_status`: one row per vehicle, written by the projector, so that a burst of fixes becomes one write. */
export const fleetStatus: Projection<VehicleRow> = {
  name: 'fleet_status',
  version: 1,
  aggregateType: 'Vehicle',
  mode: 'async',
  indexes: [
    {
      keys: { tenantId: 1, fleetId: 1, state: 1 },
      serves: 'the counts of `fleets` (covered), and `vehicles` by fleet and state',
    },
    {
      keys: { tenantId: 1, 'position.longitude': 1, 'position.latitude': 1 },
      serves:
        'the vehicles in a box. Both bounds are met in the index, so no document outside the box is read. Plain ' +
        'numbers rather than 2dsphere: its polygons have geodesic edges, a map has parallels',
    },
  ],
  evolve: evolveRow,
};

function evolveRow(row: VehicleRow | null, stored: StoredEvent): Body<VehicleRow> | null {
  const event = stored as VehicleEvent;
  if (event.type === 'VehicleRegistered') {
    const { licensePlate, fleetId = null } = event.payload;
    return { licensePlate, fleetId, state: 'available', tenderId: null, position: null };
  }
  if (row === null) return null;
  switch (event.type) {
    case 'LocationTracked':
      return isNewer(event.occurredAt, row.position) ? { ...row, position: positionOf(event) } : row;
    case 'VehicleStateChanged':
      return { ...row, state: event.payload.to };
    case 'VehicleReserved':
      return { ...row, state: 'reserved', tenderId: event.payload.tenderId };
    case 'TripStarted':
      return { ...row, state: 'on_trip', tenderId: event.payload.tenderId };
    case 'VehicleReleased':
    case 'TripEnded':
      return { ...row, state: freed(row.state), tenderId: null };
    default:
      return row;
  }
}

/** A late fix goes to history and never moves the position back (design section 8). */
function isNewer(occurredAt: Date, position: Position | null): boolean {
  return position === null || occurredAt.getTime() > position.occurredAt.getTime();
}

/** The position that a recorded fix stands for. */
export function positionOf(event: {
  readonly payload: FixPayload;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
}): Position {
  return { ...event.payload, occurredAt: event.occurredAt, recordedAt: event.recordedAt };
}
