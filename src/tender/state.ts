import type { Actor } from '../eventstore/event.ts';
import type { PlannedStop, TenderDetails, TenderEvent } from './events.ts';
import { acceptOffer, changeOffer, endLiveOffers, isLive, type Offer, resend } from './offer.ts';

/** Where a tender stands; derived from its events, stored nowhere but in rows that can be rebuilt. */
export const TENDER_STATUSES = [
  'OPEN',
  'OFFERED',
  'ACCEPTED',
  'ASSIGNED',
  'IN_TRANSIT',
  'COMPLETED',
  'EXHAUSTED',
  'CANCELLED',
] as const;
export type TenderStatus = (typeof TENDER_STATUSES)[number];

/** A stop and what became of it. */
export interface Stop extends PlannedStop {
  /** From 1. */
  readonly sequence: number;
  readonly arrivedAt?: Date;
  readonly departedAt?: Date;
}

/** Something that went wrong on the way. */
export interface TransitException {
  readonly reasonCode?: string;
  readonly stopSequence?: number;
  readonly note?: string;
  readonly occurredAt: Date;
  readonly actor: Actor;
}

/** What is to be moved, who was asked, what happened to it. */
export interface Load extends Omit<TenderDetails, 'stops'> {
  readonly stops: readonly Stop[];
  readonly offers: readonly Offer[];
  readonly exceptions: readonly TransitException[];
}

/** Before the first event. */
export interface Unborn {
  readonly status: 'NEW';
}
/** No carrier has it: never offered, offered now, offered in vain, or not to be moved any more. */
export interface Unaccepted {
  readonly status: 'OPEN' | 'OFFERED' | 'EXHAUSTED' | 'CANCELLED';
  readonly load: Load;
}
/** A carrier has it, no vehicle yet. */
export interface Accepted {
  readonly status: 'ACCEPTED';
  readonly load: Load;
  readonly acceptedOfferId: string;
}
/** A vehicle is committed to it. */
export interface Moving {
  readonly status: 'ASSIGNED' | 'IN_TRANSIT' | 'COMPLETED';
  readonly load: Load;
  readonly acceptedOfferId: string;
  readonly vehicleId: string;
}
export type Born = Unaccepted | Accepted | Moving;
export type TenderState = Unborn | Born;

export const unborn: TenderState = { status: 'NEW' };

/**
 * The state after an event. Total: an event that does not fit (time travel folds by occurredAt, where clocks may
 * put an answer before its offer) and a type it does not know leave the state as it is.
 */
export function evolve(state: TenderState, event: TenderEvent): TenderState {
  if (event.type === 'TenderCreated') return created(event.payload);
  if (state.status === 'NEW') return state;
  const { load } = state;
  const at = event.occurredAt;
  switch (event.type) {
    case 'TenderAmended':
      return amended(state, event);
    case 'TenderOffered':
      return offered(state, event);
    case 'TenderAccepted': {
      const { offerId, rate } = event.payload;
      return accepted(load, offerId, acceptOffer(load.offers, offerId, at, rate));
    }
    case 'CounterAnswered': {
      const { offerId, rate } = event.payload;
      if (event.payload.accepted) return accepted(load, offerId, acceptOffer(load.offers, offerId, at, rate));
      return changed(state, offerId, (offer) => resend(offer));
    }
    case 'TenderCountered': {
      const { offerId, rate, note } = event.payload;
      const asked = { counterRate: rate, answeredAt: at, ...(note === undefined ? {} : { note }) };
      return changed(state, offerId, (offer) => ({ ...offer, ...asked, status: 'COUNTERED' }));
    }
    case 'TenderDeclined':
      return ended(state, event, 'DECLINED');
    case 'TenderOfferWithdrawn':
      return ended(state, event, 'WITHDRAWN');
    case 'TenderOfferExpired':
      return ended(state, event, 'EXPIRED');
    case 'TenderResponseRejectedLate':
      return lateAnswer(state, event.payload.offerId);
    case 'TenderCancelled':
      return { status: 'CANCELLED', load: { ...load, offers: endLiveOffers(load.offers, 'WITHDRAWN', at) } };
    default:
      return 'acceptedOfferId' in state ? underway(state, event) : state;
  }
}

/** What can only happen once a carrier has the load. */
function underway(state: Accepted | Moving, event: TenderEvent): TenderState {
  const { load, acceptedOfferId } = state;
  const at = event.occurredAt;
  if (event.type === 'TenderAssigned') {
    const { vehicleId } = event.payload;
    if (state.status === 'IN_TRANSIT') return { ...state, vehicleId };
    // What another vehicle reported before the load moved says nothing about this one.
    return {
      status: 'ASSIGNED',
      load: { ...load, stops: load.stops.map(planned) },
      acceptedOfferId,
      vehicleId,
    };
  }
  if (event.type === 'ExceptionRaised') {
    const { reasonCode, actor } = event;
    const raised = { ...event.payload, occurredAt: at, actor, ...(reasonCode ? { reasonCode } : {}) };
    return { ...state, load: { ...load, exceptions: [...load.exceptions, raised] } };
  }
  if (state.status === 'ACCEPTED') return state;
  switch (event.type) {
    case 'StopArrived':
      return { ...state, load: reported(load, event.payload.stopSequence, { arrivedAt: at }) };
    case 'StopDeparted': {
      const status = state.status === 'ASSIGNED' ? 'IN_TRANSIT' : state.status;
      return { ...state, status, load: reported(load, event.payload.stopSequence, { departedAt: at }) };
    }
    case 'TenderCompleted':
      return { ...state, status: 'COMPLETED' };
    default:
      return state;
  }
}

function created({ stops, ...details }: TenderDetails): TenderState {
  return { status: 'OPEN', load: { ...details, stops: numbered(stops), offers: [], exceptions: [] } };
}

function amended(state: Born, event: Extract<TenderEvent, { type: 'TenderAmended' }>): TenderState {
  const { stops, reopened, releasedVehicleId: _released, ...details } = event.payload;
  const kept = stops === undefined ? state.load.stops : numbered(stops);
  const load = { ...state.load, ...details };
  if (reopened === undefined) {
    const offers = load.offers.map((offer) => (offer.status === 'COUNTERED' ? resend(offer) : offer));
    return { ...state, load: { ...load, stops: kept, offers } };
  }
  const { offerId, expiresAt } = reopened;
  const offers = changeOffer(load.offers, offerId, (offer) => resend(offer, event.recordedAt, expiresAt));
  return { status: 'OFFERED', load: { ...load, stops: kept.map(planned), offers } };
}

function offered(state: Born, event: Extract<TenderEvent, { type: 'TenderOffered' }>): TenderState {
  const { offerId, ...terms } = event.payload;
  const offer: Offer = {
    ...terms,
    id: offerId,
    status: 'SENT',
    sentAt: event.recordedAt,
    lateAnswers: 0,
  };
  return settled(state, [...state.load.offers, offer]);
}

function accepted(load: Load, acceptedOfferId: string, offers: readonly Offer[]): TenderState {
  return { status: 'ACCEPTED', load: { ...load, offers }, acceptedOfferId };
}

type OfferEnd = Extract<
  TenderEvent,
  { type: 'TenderDeclined' | 'TenderOfferWithdrawn' | 'TenderOfferExpired' }
>;

function ended(state: Born, event: OfferEnd, status: 'DECLINED' | 'WITHDRAWN' | 'EXPIRED'): TenderState {
  const { reasonCode } = event;
  // The timer comes after the fact: an offer ends at its expiry.
  const answeredAt = event.type === 'TenderOfferExpired' ? event.payload.expiresAt : event.occurredAt;
  const end = { status, answeredAt, ...(reasonCode ? { reasonCode } : {}) };
  return changed(state, event.payload.offerId, (offer) => ({ ...offer, ...end }));
}

function lateAnswer(state: Born, offerId: string): TenderState {
  const offers = changeOffer(state.load.offers, offerId, (offer) => ({
    ...offer,
    lateAnswers: offer.lateAnswers + 1,
  }));
  return { ...state, load: { ...state.load, offers } };
}

function changed(state: Born, offerId: string, change: (offer: Offer) => Offer): TenderState {
  return settled(state, changeOffer(state.load.offers, offerId, change));
}

/** While no carrier has the load, its status says whether anyone can still answer. */
function settled(state: Born, offers: readonly Offer[]): TenderState {
  const load = { ...state.load, offers };
  if ('acceptedOfferId' in state || state.status === 'CANCELLED') return { ...state, load };
  return { status: offers.some(isLive) ? 'OFFERED' : 'EXHAUSTED', load };
}

function numbered(stops: readonly PlannedStop[]): Stop[] {
  return stops.map((stop, index) => ({ ...stop, sequence: index + 1 }));
}

/** The stop as if nothing had been reported of it. */
function planned({ arrivedAt: _arrived, departedAt: _departed, ...stop }: Stop): Stop {
  return stop;
}

function reported(load: Load, sequence: number, report: Pick<Stop, 'arrivedAt' | 'departedAt'>): Load {
  const stops = load.stops.map((stop) => (stop.sequence === sequence ? { ...stop, ...report } : stop));
  return { ...load, stops };
}
