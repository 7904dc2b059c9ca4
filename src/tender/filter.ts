import type { Access } from '../access/access.ts';
import type { Interest, ValueFacet } from '../eventstore/interest.ts';
import {
  allOf,
  among,
  anyAmong,
  type Condition,
  type Given,
  rowIds,
  uuids,
} from '../graphql/row-conditions.ts';
import type { TenderRow } from './projection.ts';
import type { TenderStatus } from './state.ts';

/** What a list or a subscription asks for; every given field must fit, with any of its values. */
export interface TenderFilter {
  readonly ids?: Given<string>;
  readonly status?: Given<TenderStatus>;
  readonly carrierId?: Given<string>;
  readonly fleetId?: Given<string>;
  readonly vehicleId?: Given<string>;
}

/** The tenders of a list or a subscription. */
export interface TenderSelection extends Condition<TenderRow> {
  /** Which changes are looked at: all where undefined, else at least every one that could match. */
  readonly interest: Interest<TenderRow> | undefined;
}

const byVehicle: ValueFacet<TenderRow> = { valuesOf: ({ vehicleId }) => [vehicleId] };
const byCarrier: ValueFacet<TenderRow> = { valuesOf: ({ carrierIds }) => carrierIds };
const byFleet: ValueFacet<TenderRow> = { valuesOf: ({ fleetId }) => [fleetId] };
const byStatus: ValueFacet<TenderRow> = { valuesOf: ({ status }) => [status] };

/** The tenders that fit and that the caller may see: of a carrier, those it was asked to take. */
export function selectTenders(access: Access, filter: TenderFilter | null | undefined): TenderSelection {
  const { ids, status, carrierId, fleetId, vehicleId } = filter ?? {};
  const conditions: Condition<TenderRow>[] = [];
  if (access.role === 'carrier') {
    const own = access.carrierId ?? '';
    conditions.push(anyAmong('carrierIds', [own], (row) => row.carrierIds));
    // Which vehicle moves a load is known only to the carrier that has it.
    if (vehicleId) conditions.push(among('acceptedCarrierId', [own], (row) => row.acceptedCarrierId));
  }
  if (ids) conditions.push(among('_id', rowIds(access.tenantId, 'Tender', ids), (row) => row._id));
  if (status) conditions.push(among('status', status, (row) => row.status));
  if (carrierId) {
    // Who else was asked, a carrier must not learn from what matches either.
    const asked = access.role === 'carrier' ? carrierId.filter((id) => id === access.carrierId) : carrierId;
    conditions.push(anyAmong('carrierIds', asked, (row) => row.carrierIds));
  }
  if (fleetId) conditions.push(among('fleetId', fleetId, (row) => row.fleetId));
  if (vehicleId) conditions.push(among('vehicleId', uuids('Vehicle', vehicleId), (row) => row.vehicleId));
  return { ...allOf(conditions), interest: interestOf(access, filter ?? {}) };
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
