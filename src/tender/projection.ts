import type { StoredEvent } from '../eventstore/event.ts';
import type { Body, Projection, Row } from '../eventstore/projection.ts';
import type { SealedDriver, TenderDetails, TenderEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { acceptedOffer, isLive } from './offer.ts';
import { planOf } from './plan.ts';
import { type Born, type Load, type TenderState, type TenderStatus, unborn } from './state.ts';

/**
 * What most tenders have none of, or what follows from the rest: a row has it only where there is something to tell.
 * Everyone who reads a row pays for decoding all that is in it.
 */
type Seldom = 'plans' | 'formerStops' | 'custodies' | 'reports' | 'reportsNotShown';

/** A tender as dispatchers and carriers read it. Without `plans`, its stops are as they were entered. */
export interface TenderRow extends Row, Omit<Load, Seldom>, Partial<Pick<Load, Seldom>> {
  readonly status: TenderStatus;
  readonly acceptedOfferId?: string;
  /** The vehicle committed to it, a UUID in text form; gone when the commitment ends before delivery. */
  readonly vehicleId?: string;
  /** Who drives that vehicle, as far as it was told: sealed. */
  readonly driver?: SealedDriver;
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
  version: 3,
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
  const { status, acceptedOfferId, vehicleId, driver } = row;
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
        ...(driver === undefined ? {} : { driver }),
      };
  }
}

function known(value: string | undefined, row: TenderRow): string {
  if (value === undefined)
    throw new Error(`Row ${row._id} of tenders_read lacks what ${row.status} implies.`);
  return value;
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

// Field by field: every event of a rebuild comes by here, and lists of names cost three times as much.

function loadOf(row: TenderRow): Load {
  const { enteredAt, stops, offers, exceptions } = row;
  const load: Writable<Load> = {
    ...{ enteredAt, stops, offers, exceptions },
    plans: row.plans ?? [planOf(stops, enteredAt)],
    formerStops: row.formerStops ?? [],
    custodies: row.custodies ?? [],
    reports: row.reports ?? [],
    reportsNotShown: row.reportsNotShown ?? 0,
  };
  copyDetails(row, load);
  return load;
}

function bodyOf(state: Born): Body<TenderRow> {
  const { status, load } = state;
  const { enteredAt, stops, offers, exceptions } = load;
  const carrierIds = [...new Set(offers.map((offer) => offer.carrierId))];
  const body: Writable<Body<TenderRow>> = { enteredAt, stops, offers, exceptions, status, carrierIds };
  copyDetails(load, body);
  if (!isAsEntered(load)) body.plans = load.plans;
  if (load.formerStops.length > 0) body.formerStops = load.formerStops;
  if (load.custodies.length > 0) body.custodies = load.custodies;
  if (load.reports.length > 0) body.reports = load.reports;
  if (load.reportsNotShown > 0) body.reportsNotShown = load.reportsNotShown;
  if ('acceptedOfferId' in state) body.acceptedOfferId = state.acceptedOfferId;
  if ('vehicleId' in state) {
    body.vehicleId = state.vehicleId;
    if (state.driver !== undefined) body.driver = state.driver;
  }
  const winner = acceptedOffer(offers);
  if (winner !== undefined) body.acceptedCarrierId = winner.carrierId;
  const expiries = offers.filter(isLive).map((offer) => offer.expiresAt.getTime());
  if (expiries.length > 0) body.nextExpiryAt = new Date(Math.min(...expiries));
  return body;
}

/** True where the plan follows from the stops. */
function isAsEntered({ plans, enteredAt }: Load): boolean {
  return plans.length === 1 && plans[0]?.from.getTime() === enteredAt.getTime();
}

type Details = Omit<TenderDetails, 'stops'>;

function copyDetails(from: Details, to: Writable<Details>): void {
  if (from.reference !== undefined) to.reference = from.reference;
  if (from.fleetId !== undefined) to.fleetId = from.fleetId;
  if (from.equipment !== undefined) to.equipment = from.equipment;
  if (from.weightKg !== undefined) to.weightKg = from.weightKg;
  if (from.rate !== undefined) to.rate = from.rate;
}
