import type { StoredEvent } from '../eventstore/event.ts';
import type { Body, Projection, Row } from '../eventstore/projection.ts';
import type { TenderEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { acceptedOffer, isLive } from './offer.ts';
import { type Born, type Load, type TenderState, type TenderStatus, unborn } from './state.ts';

/** A tender as dispatchers and carriers read it. */
export interface TenderRow extends Row, Load {
  readonly status: TenderStatus;
  readonly acceptedOfferId?: string;
  /** The vehicle committed to it, a UUID in text form; gone when the commitment ends before delivery. */
  readonly vehicleId?: string;
  /** Everyone it was ever offered to: who may see it. */
  readonly carrierIds: readonly string[];
  /** Whose offer was accepted, also after a cancellation. */
  readonly acceptedCarrierId?: string;
  /** When the first of its live offers expires; absent without one. */
  readonly nextExpiryAt?: Date;
}

/** The read model `tenders_read`: the tender's own state, flat, with what the lists are filtered by. */
export const tendersRead: Projection<TenderRow> = {
  name: 'tenders_read',
  version: 2,
  aggregateType: 'Tender',
  mode: 'inline',
  indexes: [
    {
      keys: { tenantId: 1, updatedAt: -1, _id: -1 },
      serves: 'tenders(): all of a tenant, last changed first',
    },
    { keys: { tenantId: 1, createdAt: -1, _id: -1 }, serves: 'tenders(): all of a tenant, newest first' },
    {
      keys: { tenantId: 1, status: 1, createdAt: -1, _id: -1 },
      serves: 'tenders(filter: { status }): the board, one column a status',
    },
    {
      keys: { tenantId: 1, carrierIds: 1, createdAt: -1, _id: -1 },
      serves: 'tenders(filter: { carrierId }), and all that a carrier may see',
    },
    {
      keys: { tenantId: 1, fleetId: 1, createdAt: -1, _id: -1 },
      serves: 'tenders(filter: { fleetId })',
    },
    {
      keys: { tenantId: 1, vehicleId: 1, createdAt: -1, _id: -1 },
      partialFilterExpression: { vehicleId: { $exists: true } },
      serves: 'tenders(filter: { vehicleId }): what a vehicle carries',
    },
    {
      keys: { nextExpiryAt: 1 },
      partialFilterExpression: { nextExpiryAt: { $exists: true } },
      serves: 'the expiry timer: offers of any tenant that are due',
    },
  ],
  evolve(row, event) {
    const state = evolve(row === null ? unborn : stateOf(row), asTenderEvent(event));
    return state.status === 'NEW' ? null : bodyOf(state);
  },
};

/** The projection is bound to one aggregate type; what `evolve` does not know, it leaves alone. */
function asTenderEvent(event: StoredEvent): TenderEvent {
  return event as TenderEvent;
}

/** The state that a row shows. */
export function stateOf(row: TenderRow): TenderState {
  const { status, acceptedOfferId, vehicleId } = row;
  const load = loadOf(row);
  switch (status) {
    case 'OPEN':
    case 'OFFERED':
    case 'EXHAUSTED':
    case 'CANCELLED':
      return { status, load };
    case 'ACCEPTED':
      return { status, load, acceptedOfferId: known(acceptedOfferId, row) };
    default:
      return {
        status,
        load,
        acceptedOfferId: known(acceptedOfferId, row),
        vehicleId: known(vehicleId, row),
      };
  }
}

function known(value: string | undefined, row: TenderRow): string {
  if (value === undefined)
    throw new Error(`Row ${row._id} of tenders_read lacks what ${row.status} implies.`);
  return value;
}

/** Field by field: every event of a rebuild comes by here, and lists of names cost three times as much. */
function loadOf(row: TenderRow): Load {
  const { enteredAt, stops, plans, formerStops, offers, custodies, reports, exceptions, reportsNotShown } =
    row;
  const load: { -readonly [Field in keyof Load]: Load[Field] } = {
    ...{ enteredAt, stops, plans, formerStops, offers, custodies, reports, exceptions, reportsNotShown },
  };
  if (row.reference !== undefined) load.reference = row.reference;
  if (row.fleetId !== undefined) load.fleetId = row.fleetId;
  if (row.equipment !== undefined) load.equipment = row.equipment;
  if (row.weightKg !== undefined) load.weightKg = row.weightKg;
  if (row.rate !== undefined) load.rate = row.rate;
  return load;
}

function bodyOf(state: Born): Body<TenderRow> {
  const { status, load } = state;
  const winner = acceptedOffer(load.offers);
  const expiries = load.offers.filter(isLive).map((offer) => offer.expiresAt.getTime());
  return {
    ...load,
    status,
    ...('acceptedOfferId' in state ? { acceptedOfferId: state.acceptedOfferId } : {}),
    ...('vehicleId' in state ? { vehicleId: state.vehicleId } : {}),
    carrierIds: [...new Set(load.offers.map((offer) => offer.carrierId))],
    ...(winner === undefined ? {} : { acceptedCarrierId: winner.carrierId }),
    ...(expiries.length === 0 ? {} : { nextExpiryAt: new Date(Math.min(...expiries)) }),
  };
}
