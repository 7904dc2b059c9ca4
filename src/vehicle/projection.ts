import type { StoredEvent } from '../eventstore/event.ts';
import type { Body, Projection, Row } from '../eventstore/projection.ts';
import type { FixPayload, MdsState, VehicleEvent } from './events.ts';
import { freed } from './state.ts';

/** A fix as it holds, with its two times: by the device's clock and by the server's. */
export interface Position extends FixPayload {
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  /** Where it was recorded otherwise at first. */
  readonly correction?: Correction;
}

/** What holds instead of a recorded fix. */
interface Correction {
  /** Among the corrections of the fix: the last one holds. */
  readonly number: number;
  /** What was recorded. Which fix of one moment is shown goes by this: it cannot change any more. */
  readonly recorded: FixPayload;
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
      return isLate(event, row) ? row : shown(row, positionOf(event));
    case 'LocationCorrected':
      return isLate(event, row) ? row : shown(row, correctedPosition(event));
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

/** Looked at first: a late fix is not decoded for nothing. */
function isLate({ occurredAt }: VehicleEvent, { position }: VehicleRow): boolean {
  return position !== null && occurredAt.getTime() < position.occurredAt.getTime();
}

function shown(row: VehicleRow, position: Position): VehicleRow {
  return row.position === null || isShown(position, row.position) ? { ...row, position } : row;
}

/**
 * A late fix goes to history and never moves the position back (design section 8). Which of two fixes of one moment is
 * shown must not depend on which came first: it is the one with the smaller error, and else any, but always the same. A
 * correction takes the place of its own fix.
 */
function isShown(position: Position, before: Position): boolean {
  const later = position.occurredAt.getTime() - before.occurredAt.getTime();
  if (later !== 0) return later > 0;
  const order = compareFixes(recordedFix(position), recordedFix(before));
  if (order !== 0) return order < 0;
  const further = (position.correction?.number ?? 0) - (before.correction?.number ?? 0);
  if (further !== 0) return further > 0;
  const held = compareFixes(position, before);
  return held === 0 ? position.recordedAt < before.recordedAt : held < 0;
}

function recordedFix(position: Position): FixPayload {
  return position.correction?.recorded ?? position;
}

const IN_ORDER = Object.keys({
  accuracyM: true,
  deviceId: true,
  longitude: true,
  latitude: true,
  speedMps: true,
  headingDeg: true,
  altitudeM: true,
  odometerM: true,
  batteryPercent: true,
} satisfies Record<keyof FixPayload, true>) as (keyof FixPayload)[];

/** By the first field in which they differ; what is not known comes last. */
function compareFixes(a: FixPayload, b: FixPayload): number {
  for (const field of IN_ORDER) {
    const [one, other] = [a[field], b[field]];
    if (one === other) continue;
    if (one === undefined || other === undefined) return other === undefined ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return 0;
}

/** The position that a recorded fix stands for. */
export function positionOf(event: {
  readonly payload: FixPayload;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
}): Position {
  return { ...event.payload, occurredAt: event.occurredAt, recordedAt: event.recordedAt };
}

/** The position that a corrected fix stands for, from the correction on. */
export function correctedPosition(event: Extract<VehicleEvent, { type: 'LocationCorrected' }>): Position {
  const { occurredAt, recordedAt, payload } = event;
  const { number, recorded, corrected } = payload;
  return { ...corrected, occurredAt, recordedAt, correction: { number, recorded } };
}
