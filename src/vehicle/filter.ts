import { rowId } from '../eventstore/projection.ts';
import type { RowFilter } from '../eventstore/rows.ts';
import { toUuid } from '../global-id.ts';
import type { MdsState } from './events.ts';
import { type BoundingBox, boxFilter, contains } from './position.ts';
import type { VehicleRow } from './projection.ts';

type Given<T> = readonly T[] | null | undefined;

/** What a list or a subscription asks for; every given field must fit, with any of its values. */
export interface VehicleFilter {
  /** Global ids or bare UUIDs. */
  readonly ids?: Given<string>;
  readonly fleetId?: Given<string>;
  readonly state?: Given<MdsState>;
  readonly within?: BoundingBox | null | undefined;
}

/** One question twice: to the database, and to a row in memory. The two must agree. */
export interface VehicleSelection {
  readonly filter: RowFilter;
  matches(row: VehicleRow): boolean;
}

/** The vehicles that fit. The caller has made sure that the box is one (`faultOf`). */
export function selectVehicles(tenantId: string, filter: VehicleFilter | null | undefined): VehicleSelection {
  const { ids, fleetId, state, within } = filter ?? {};
  const conditions: VehicleSelection[] = [];
  if (ids) conditions.push(among('_id', rowIds(tenantId, ids), (row) => row._id));
  if (fleetId) conditions.push(among('fleetId', fleetId, (row) => row.fleetId));
  if (state) conditions.push(among('state', state, (row) => row.state));
  if (within) {
    conditions.push({
      filter: boxFilter(within),
      matches: ({ position }) => position !== null && contains(within, position),
    });
  }
  return {
    filter: conditions.length === 0 ? {} : { $and: conditions.map((condition) => condition.filter) },
    matches: (row) => conditions.every((condition) => condition.matches(row)),
  };
}

function among(
  field: string,
  wanted: readonly string[],
  value: (row: VehicleRow) => string | null,
): VehicleSelection {
  const set = new Set<string | null>(wanted);
  return {
    filter: { [field]: wanted.length === 1 ? wanted[0] : { $in: [...wanted] } },
    matches: (row) => set.has(value(row)),
  };
}

/** Ids of nothing of ours are the ids of nothing. */
function rowIds(tenantId: string, ids: readonly string[]): string[] {
  return ids
    .map((id) => toUuid('Vehicle', id))
    .filter((id) => id !== undefined)
    .map((id) => rowId(tenantId, id));
}
