import type { PlannedStop, TenderDetails, TenderEvent } from './events.ts';
import { acceptOffer, changeOffer, endLiveOffers, isLive, type Offer, resend } from './offer.ts';
import type { Accepted, Born, Load, Moving, Stop, TenderState } from './state.ts';

type EventOf<T extends TenderEvent['type']> = Extract<TenderEvent, { type: T }>;

/**
 * The state after an event. Total: an event that does not fit (time travel folds by occurredAt, where clocks may
 * put an answer before its offer) and a type it does not know leave the state as it is.
 */
export function evolve(state: TenderState, event: TenderEvent): TenderState {
  if (event.type === 'TenderCreated') return created(event.payload);
  if (state.status === 'NEW') return state;
  switch (event.type) {
    case 'TenderAmended':
      return amended(state, event);
    case 'TenderOffered':
      return offered(state, event);
    case 'TenderAccepted':
      return accepted(state, event);
    case 'TenderCountered':
      return countered(state, event);
    case 'CounterAnswered':
      return counterAnswered(state, event);
    case 'TenderDeclined':
      return ended(state, event, 'DECLINED');
    case 'TenderOfferWithdrawn':
      return ended(state, event, 'WITHDRAWN');
    case 'TenderOfferExpired':
      return ended(state, event, 'EXPIRED');
    case 'TenderResponseRejectedLate':
      return lateAnswer(state, event.payload.offerId);
    case 'TenderCancelled':
      return cancelled(state, event);
    default:
      return 'acceptedOfferId' in state ? underway(state, event) : state;
  }
}

/** What can only happen once a carrier has the load. */
function underway(state: Accepted | Moving, event: TenderEvent): TenderState {
  if (event.type === 'TenderAssigned') return assigned(state, event.payload.vehicleId);
  if (event.type === 'ExceptionRaised') return exceptionRaised(state, event);
  if (state.status === 'ACCEPTED') return state;
  const { load } = state;
  const at = event.occurredAt;
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

function assigned(state: Accepted | Moving, vehicleId: string): TenderState {
  if (state.status === 'IN_TRANSIT') return { ...state, vehicleId };
  const { load, acceptedOfferId } = state;
  // What another vehicle reported before the load moved says nothing about this one.
  const stops = load.stops.map(planned);
  return { status: 'ASSIGNED', load: { ...load, stops }, acceptedOfferId, vehicleId };
}

function exceptionRaised(state: Accepted | Moving, event: EventOf<'ExceptionRaised'>): TenderState {
  const { payload, occurredAt, actor, reasonCode } = event;
  const raised = { ...payload, occurredAt, actor, ...(reasonCode ? { reasonCode } : {}) };
  return { ...state, load: { ...state.load, exceptions: [...state.load.exceptions, raised] } };
}

function created({ stops, ...details }: TenderDetails): TenderState {
  return { status: 'OPEN', load: { ...details, stops: numbered(stops), offers: [], exceptions: [] } };
}

function amended(state: Born, event: EventOf<'TenderAmended'>): TenderState {
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

function offered(state: Born, event: EventOf<'TenderOffered'>): TenderState {
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

/** The carrier's acceptance, or the dispatcher's of a counter proposal: either settles the tender. */
function accepted(
  { load }: Born,
  { payload, occurredAt }: EventOf<'TenderAccepted' | 'CounterAnswered'>,
): TenderState {
  const offers = acceptOffer(load.offers, payload.offerId, occurredAt, payload.rate);
  return { status: 'ACCEPTED', load: { ...load, offers }, acceptedOfferId: payload.offerId };
}

function countered(state: Born, { payload, occurredAt }: EventOf<'TenderCountered'>): TenderState {
  const { offerId, rate, note } = payload;
  const asked = { counterRate: rate, answeredAt: occurredAt, ...(note === undefined ? {} : { note }) };
  return changed(state, offerId, (offer) => ({ ...offer, ...asked, status: 'COUNTERED' }));
}

function counterAnswered(state: Born, event: EventOf<'CounterAnswered'>): TenderState {
  if (event.payload.accepted) return accepted(state, event);
  return changed(state, event.payload.offerId, (offer) => resend(offer));
}

function cancelled({ load }: Born, { occurredAt }: EventOf<'TenderCancelled'>): TenderState {
  const offers = endLiveOffers(load.offers, 'WITHDRAWN', occurredAt);
  return { status: 'CANCELLED', load: { ...load, offers } };
}

type OfferEnd = EventOf<'TenderDeclined' | 'TenderOfferWithdrawn' | 'TenderOfferExpired'>;

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
