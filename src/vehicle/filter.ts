import type { Interest, PointFacet, ValueFacet } from '../eventstore/interest.ts';
import { allOf, among, type Condition, type Given, rowIds, uuids } from '../graphql/row-conditions.ts';
import type { MdsState } from './events.ts';
import { type BoundingBox, boxFilter, contains, partsOf } from './position.ts';
import type { VehicleRow } from './projection.ts';

/** What a list or a subscription asks for; every given field must fit, with any of its values. */
export interface VehicleFilter {
  /** Global ids or bare UUIDs. */
  readonly ids?: Given<string>;
  readonly fleetId?: Given<string>;
  readonly state?: Given<MdsState>;
  readonly within?: BoundingBox | null | undefined;
}

/** The vehicles of a list or a subscription. */
export interface VehicleSelection extends Condition<VehicleRow> {
  /** Which changes are looked at: all where undefined, else at least every one that could match. */
  readonly interest: Interest<VehicleRow> | undefined;
}

const byFleet: ValueFacet<VehicleRow> = { valuesOf: ({ fleetId }) => [fleetId] };
const byState: ValueFacet<VehicleRow> = { valuesOf: ({ state }) => [state] };
const byPoint: PointFacet<VehicleRow> = {
  pointOf: ({ position }) => position && { x: position.longitude, y: position.latitude },
};

/** A box that is wider or higher lets more through than a fleet does. */
const WIDE_DEG = 10;

/** The vehicles that fit. The caller has checked the box (`boxFault`). */
export function selectVehicles(tenantId: string, filter: VehicleFilter | null | undefined): VehicleSelection {
  const { ids, fleetId, state, within } = filter ?? {};
  const conditions: Condition<VehicleRow>[] = [];
  if (ids) conditions.push(among('_id', rowIds(tenantId, 'Vehicle', ids), (row) => row._id));
  if (fleetId) conditions.push(among('fleetId', fleetId, (row) => row.fleetId));
  if (state) conditions.push(among('state', state, (row) => row.state));
  if (within) {
    conditions.push({
      filter: boxFilter(within),
      matches: ({ position }) => position !== null && contains(within, position),
    });
  }
  return { ...allOf(conditions), interest: interestOf(filter ?? {}) };
}

/** The condition that lets the least through. */
function interestOf({ ids, fleetId, state, within }: VehicleFilter): Interest<VehicleRow> | undefined {
  if (ids) return { ids: uuids('Vehicle', ids) };
  const boxes = within ? partsOf(within) : [];
  const isWide = boxes.some((box) => Math.max(box.maxX - box.minX, box.maxY - box.minY) > WIDE_DEG);
  if (within && !(fleetId && isWide)) return { facet: byPoint, boxes };
  if (fleetId) return { facet: byFleet, values: fleetId };
  return state ? { facet: byState, values: state } : undefined;
}
