import { type Decision, record, refuse } from '../eventstore/aggregate.ts';
import { refusal } from '../refusal.ts';
import type { AmendTender } from './command.ts';
import { MAX_CUSTODIES } from './custody.ts';
import type { TenderDetails, TenderFact } from './events.ts';
import { hasLapsed, type Offer } from './offer.ts';
import { changesWay, MAX_PLANS } from './plan.ts';
import type { Accepted, Born, Load, Moving } from './state.ts';

/** The least time that a carrier gets to answer an amended tender when nobody says how long. */
const LEAST_WINDOW_MS = 60_000;

/**
 * Changes a load. While no carrier has it that is all, but for counter proposals, which fall: they were made
 * for another load. Once a carrier has accepted, it is asked again, and its vehicle is free meanwhile.
 */
export function amendTender(state: Born, command: AmendTender): Decision<TenderFact> {
  switch (state.status) {
    case 'OPEN':
    case 'OFFERED':
    case 'EXHAUSTED': {
      if (command.expiresAt !== undefined) {
        const why = 'An amendment sets an expiry only where it asks the accepted carrier again.';
        return refuse(refusal('INVALID_INPUT', why, 'expiresAt'));
      }
      return amended(state.load, command);
    }
    case 'ACCEPTED':
    case 'ASSIGNED':
      return reopened(state, command);
    default:
      return refuse(refusal('INVALID_TRANSITION', `A tender that is ${state.status} cannot be amended.`));
  }
}

function amended(
  load: Load,
  { changes }: AmendTender,
  consequences: Pick<
    Extract<TenderFact, { type: 'TenderAmended' }>['payload'],
    'reopened' | 'releasedVehicleId'
  > = {},
): Decision<TenderFact> {
  const different = differences(load, changes);
  if (Object.keys(different).length === 0)
    return refuse(refusal('INVALID_INPUT', 'The amendment changes nothing.'));
  if (different.stops !== undefined && load.plans.length >= MAX_PLANS && changesWay(load, different.stops)) {
    const why = `The way of a tender can be changed at most ${MAX_PLANS - 1} times.`;
    return refuse(refusal('INVALID_TRANSITION', why, 'stops'));
  }
  return record({ type: 'TenderAmended', payload: { ...different, ...consequences } });
}

function reopened(state: Accepted | Moving, command: AmendTender): Decision<TenderFact> {
  const offer = state.load.offers.find(({ id }) => id === state.acceptedOfferId);
  if (offer === undefined)
    throw new Error(`The accepted offer ${state.acceptedOfferId} is not on the tender.`);
  if (state.load.custodies.length >= MAX_CUSTODIES) {
    const why = `A tender can go from hand to hand at most ${MAX_CUSTODIES} times.`;
    return refuse(refusal('INVALID_TRANSITION', why));
  }
  const expiresAt = command.expiresAt ?? sameWindow(offer, command.at);
  if (hasLapsed({ ...offer, expiresAt }, command.at)) {
    return refuse(refusal('INVALID_INPUT', 'The carrier must have time to answer again.', 'expiresAt'));
  }
  return amended(state.load, command, {
    reopened: { offerId: offer.id, carrierId: offer.carrierId, expiresAt },
    ...('vehicleId' in state ? { releasedVehicleId: state.vehicleId } : {}),
  });
}

function sameWindow({ sentAt, expiresAt }: Offer, at: Date): Date {
  return new Date(at.getTime() + Math.max(expiresAt.getTime() - sentAt.getTime(), LEAST_WINDOW_MS));
}

/** Those of the changes that change something. */
function differences(load: Load, changes: Partial<TenderDetails>): Partial<TenderDetails> {
  const stops = load.stops.map(
    ({ id: _id, sequence: _, arrivedAt: _arrived, departedAt: _departed, ...stop }) => stop,
  );
  const current: Readonly<Record<string, unknown>> = { ...load, stops };
  return Object.fromEntries(
    Object.entries(changes).filter(([field, value]) => value !== undefined && !same(value, current[field])),
  );
}

/** Equality of what payloads are made of: scalars, dates, lists and plain objects. */
function same(a: unknown, b: unknown): boolean {
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return (
    left.size === right.size &&
    [...left].every(([key, value]) => right.has(key) && same(value, right.get(key)))
  );
}
