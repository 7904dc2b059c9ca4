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
  /** The newest fix by occurredAt; of those of one moment, the one with the smallest error. */
  readonly position: Position | null;
}

/** `fleet_status`: one row per vehicle, written by the projector, so that a burst of fixes becomes one write. */
export const fleetStatus: Projection<VehicleRow> = {
  name: 'fleet_status',
  version: 2,
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
      return isShown(event, row.position) ? { ...row, position: positionOf(event) } : row;
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

/**
 * A late fix goes to history and never moves the position back (design section 8). Which of two fixes of one moment is
 * shown must not depend on which came first: it is the one with the smaller error, and else any, but always the same.
 */
function isShown(fix: Parameters<typeof positionOf>[0], shown: Position | null): boolean {
  if (shown === null) return true;
  const later = fix.occurredAt.getTime() - shown.occurredAt.getTime();
  return later === 0 ? isBefore(positionOf(fix), shown) : later > 0;
}

const IN_ORDER = Object.keys({
  occurredAt: true,
  accuracyM: true,
  deviceId: true,
  longitude: true,
  latitude: true,
  speedMps: true,
  headingDeg: true,
  altitudeM: true,
  odometerM: true,
  batteryPercent: true,
  recordedAt: true,
} satisfies Record<keyof Position, true>) as (keyof Position)[];

/** By the first field in which they differ; what is not known comes last. */
function isBefore(a: Position, b: Position): boolean {
  for (const field of IN_ORDER) {
    const [one, other] = [a[field], b[field]];
    if (one === undefined || other === undefined) {
      if (one !== other) return other === undefined;
    } else if (one < other) return true;
    else if (one > other) return false;
  }
  return false;
}

/** The position that a recorded fix stands for. */
export function positionOf(event: {
  readonly payload: FixPayload;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
}): Position {
  return { ...event.payload, occurredAt: event.occurredAt, recordedAt: event.recordedAt };
}
