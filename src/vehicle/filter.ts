import type { Interest, PointFacet, ValueFacet } from '../eventstore/interest.ts';
import type { RowFilter } from '../eventstore/projection/rows.ts';
import { rowId } from '../eventstore/projection.ts';
import { toUuid } from '../graphql/global-id.ts';
import type { MdsState } from './events.ts';
import { type BoundingBox, boxFilter, contains, partsOf } from './position.ts';
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

interface Condition {
  readonly filter: RowFilter;
  matches(row: VehicleRow): boolean;
}

/** One question twice: to the database, and to a row in memory. The two must agree. */
export interface VehicleSelection extends Condition {
  /** What a change must touch to be looked at; undefined: nothing. It lets through whatever matches. */
  readonly interest: Interest<VehicleRow> | undefined;
}

const byFleet: ValueFacet<VehicleRow> = { valuesOf: ({ fleetId }) => [fleetId] };
const byState: ValueFacet<VehicleRow> = { valuesOf: ({ state }) => [state] };
const byPoint: PointFacet<VehicleRow> = {
  pointOf: ({ position }) => position && { x: position.longitude, y: position.latitude },
};

/** A box that is wider or higher lets more through than a fleet does. */
const WIDE_DEG = 10;

/** The vehicles that fit. The caller has made sure that the box is one (`faultOf`). */
export function selectVehicles(tenantId: string, filter: VehicleFilter | null | undefined): VehicleSelection {
  const { ids, fleetId, state, within } = filter ?? {};
  const conditions: Condition[] = [];
  if (ids)
    conditions.push(
      among(
        '_id',
        uuids(ids).map((id) => rowId(tenantId, id)),
        (row) => row._id,
      ),
    );
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
    interest: interestOf(filter ?? {}),
  };
}

/** The condition that lets the least through. */
function interestOf({ ids, fleetId, state, within }: VehicleFilter): Interest<VehicleRow> | undefined {
  if (ids) return { ids: uuids(ids) };
  const boxes = within ? partsOf(within) : [];
  const isWide = boxes.some((box) => Math.max(box.maxX - box.minX, box.maxY - box.minY) > WIDE_DEG);
  if (within && !(fleetId && isWide)) return { facet: byPoint, boxes };
  if (fleetId) return { facet: byFleet, values: fleetId };
  return state ? { facet: byState, values: state } : undefined;
}

function among(
  field: string,
  wanted: readonly string[],
  value: (row: VehicleRow) => string | null,
): Condition {
  const set = new Set<string | null>(wanted);
  return {
    filter: { [field]: wanted.length === 1 ? wanted[0] : { $in: [...wanted] } },
    matches: (row) => set.has(value(row)),
  };
}

/** Ids of nothing of ours are the ids of nothing. */
function uuids(ids: readonly string[]): string[] {
  return ids.map((id) => toUuid('Vehicle', id)).filter((id) => id !== undefined);
}
