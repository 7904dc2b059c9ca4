import type { Access } from '../access/access.ts';
import type { Interest, ValueFacet } from '../eventstore/interest.ts';
import type { RowFilter } from '../eventstore/projection/rows.ts';
import { rowId } from '../eventstore/projection.ts';
import { toUuid } from '../graphql/global-id.ts';
import type { TenderRow } from './projection.ts';
import type { TenderStatus } from './state.ts';

type Given<T> = readonly T[] | null | undefined;

/** What a list or a subscription asks for; every given field must fit, with any of its values. */
export interface TenderFilter {
  readonly ids?: Given<string>;
  readonly status?: Given<TenderStatus>;
  readonly carrierId?: Given<string>;
  readonly fleetId?: Given<string>;
  readonly vehicleId?: Given<string>;
}

interface Condition {
  readonly filter: RowFilter;
  matches(row: TenderRow): boolean;
}

/** One question twice: to the database, and to a row in memory. The two must agree. */
export interface TenderSelection extends Condition {
  /** What a change must touch to be looked at; undefined: nothing. It lets through whatever matches. */
  readonly interest: Interest<TenderRow> | undefined;
}

const byVehicle: ValueFacet<TenderRow> = { valuesOf: ({ vehicleId }) => [vehicleId] };
const byCarrier: ValueFacet<TenderRow> = { valuesOf: ({ carrierIds }) => carrierIds };
const byFleet: ValueFacet<TenderRow> = { valuesOf: ({ fleetId }) => [fleetId] };
const byStatus: ValueFacet<TenderRow> = { valuesOf: ({ status }) => [status] };

/** The tenders that fit and that the caller may see: of a carrier, those it was asked to take. */
export function selectTenders(access: Access, filter: TenderFilter | null | undefined): TenderSelection {
  const { ids, status, carrierId, fleetId, vehicleId } = filter ?? {};
  const conditions: Condition[] = [];
  if (access.role === 'carrier') {
    const own = access.carrierId ?? '';
    conditions.push(among('carrierIds', [own], (row) => row.carrierIds));
    // Whose vehicle it is, only who has the load may know.
    if (vehicleId) conditions.push(among('acceptedCarrierId', [own], (row) => [row.acceptedCarrierId]));
  }
  if (ids) {
    const wanted = uuids('Tender', ids).map((id) => rowId(access.tenantId, id));
    conditions.push(among('_id', wanted, (row) => [row._id]));
  }
  if (status) conditions.push(among('status', status, (row) => [row.status]));
  if (carrierId) conditions.push(among('carrierIds', carrierId, (row) => row.carrierIds));
  if (fleetId) conditions.push(among('fleetId', fleetId, (row) => [row.fleetId]));
  if (vehicleId) conditions.push(among('vehicleId', uuids('Vehicle', vehicleId), (row) => [row.vehicleId]));
  return {
    filter: conditions.length === 0 ? {} : { $and: conditions.map((condition) => condition.filter) },
    matches: (row) => conditions.every((condition) => condition.matches(row)),
    interest: interestOf(access, filter ?? {}),
  };
}

/** The condition that lets the least through. */
function interestOf(access: Access, filter: TenderFilter): Interest<TenderRow> | undefined {
  const { ids, status, carrierId, fleetId, vehicleId } = filter;
  if (ids) return { ids: uuids('Tender', ids) };
  if (vehicleId) return { facet: byVehicle, values: uuids('Vehicle', vehicleId) };
  if (access.role === 'carrier') return { facet: byCarrier, values: [access.carrierId ?? ''] };
  if (carrierId) return { facet: byCarrier, values: carrierId };
  if (fleetId) return { facet: byFleet, values: fleetId };
  return status ? { facet: byStatus, values: status } : undefined;
}

function among(
  field: string,
  wanted: readonly string[],
  values: (row: TenderRow) => readonly (string | undefined)[],
): Condition {
  const set = new Set<string | undefined>(wanted);
  return {
    filter: { [field]: wanted.length === 1 ? wanted[0] : { $in: [...wanted] } },
    matches: (row) => values(row).some((value) => set.has(value)),
  };
}

/** Ids of nothing of ours are the ids of nothing. */
function uuids(type: 'Tender' | 'Vehicle', texts: readonly string[]): string[] {
  return texts.map((text) => toUuid(type, text)).filter((id) => id !== undefined);
}
