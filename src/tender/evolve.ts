import { effectiveAt } from '../eventstore/time-order.ts';
import { type Custody, handedOver, takenAway } from './custody.ts';
import type { TenderEvent } from './events.ts';
import { judged } from './judge.ts';
import { acceptOffer, changeOffer, endLiveOffers, isLive, type Offer, resend } from './offer.ts';
import { changedWay, firstWay } from './plan.ts';
import { type Told, withReport } from './report.ts';
import type { Accepted, Born, Load, Moving, TenderState } from './state.ts';

type EventOf<T extends TenderEvent['type']> = Extract<TenderEvent, { type: T }>;

/**
 * The state after an event. Total: a decision that does not fit (a log may be damaged) and a type it does not know leave
 * the state as it is. A report of something that happened is taken in every state, and what it comes to
 * is judged anew with each report and each decision about who has the load, and which way it goes (`judge.ts`).
 */
export function evolve(state: TenderState, event: TenderEvent): TenderState {
  if (event.type === 'TenderCreated') return created(event);
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
    case 'StopArrived':
    case 'StopDeparted':
      return stopReported(state, event);
    case 'ExceptionRaised':
      return exceptionRaised(state, event);
    case 'TenderAssigned':
      return 'acceptedOfferId' in state ? assigned(state, event) : state;
    case 'TenderCompleted':
      return 'vehicleId' in state ? { ...state, status: 'COMPLETED' } : state;
    default:
      return state;
  }
}

/**
 * The state with its reports judged anew. Whether the load is on its way is what they say, and nothing decided: until it
 * is delivered.
 */
function rejudged(state: Born, changed: Load): Born {
  const { load, isMoving } = judged(changed);
  if (!('vehicleId' in state) || state.status === 'COMPLETED') return { ...state, load };
  return { ...state, load, status: isMoving ? 'IN_TRANSIT' : 'ASSIGNED' };
}

function stopReported(state: Born, event: EventOf<'StopArrived' | 'StopDeparted'>): Born {
  const { load } = state;
  const kind = event.type === 'StopArrived' ? 'ARRIVAL' : 'DEPARTURE';
  const reports = withReport(load.reports, { kind, ...told(event), counts: false, marks: [] });
  return rejudged(state, counted({ ...load, reports }, load));
}

function exceptionRaised(state: Born, event: EventOf<'ExceptionRaised'>): Born {
  const { load } = state;
  const { note } = event.payload;
  const { reasonCode } = event;
  const about = { ...(reasonCode ? { reasonCode } : {}), ...(note === undefined ? {} : { note }) };
  const exceptions = withReport(load.exceptions, { ...about, ...told(event), marks: [] });
  return rejudged(state, counted({ ...load, exceptions }, load));
}

type ReportEvent = EventOf<'StopArrived' | 'StopDeparted' | 'ExceptionRaised'>;

function told(event: ReportEvent): Told {
  const { stopSequence, stopId } = event.payload;
  return {
    eventId: event._id.toString(),
    occurredAt: event.occurredAt,
    recordedAt: event.recordedAt,
    actor: event.actor,
    ...(stopSequence === undefined ? {} : { stopSequence }),
    ...(stopId === undefined ? {} : { meantStopId: stopId }),
  };
}

/** The load after one report more, with the count of those that are not kept. */
function counted(load: Load, before: Load): Load {
  const isKept =
    load.reports.length + load.exceptions.length > before.reports.length + before.exceptions.length;
  return isKept ? load : { ...load, reportsNotShown: load.reportsNotShown + 1 };
}

function assigned(state: Accepted | Moving, event: EventOf<'TenderAssigned'>): TenderState {
  const { acceptedOfferId } = state;
  const { vehicleId, driver } = event.payload;
  const carrierId = state.load.custodies.at(-1)?.carrierId;
  if (carrierId === undefined) return state;
  const load = inCustody(state.load, { carrierId, vehicleId }, event);
  return rejudged(
    { status: 'ASSIGNED', load, acceptedOfferId, vehicleId, ...(driver === undefined ? {} : { driver }) },
    load,
  );
}

function inCustody(load: Load, to: Pick<Custody, 'carrierId' | 'vehicleId'>, event: TenderEvent): Load {
  return { ...load, custodies: handedOver(load.custodies, to, effectiveAt(event)) };
}

function created(event: EventOf<'TenderCreated'>): TenderState {
  const { stops, ...details } = event.payload;
  const load: Load = {
    ...details,
    ...firstWay(stops, effectiveAt(event)),
    enteredAt: event.occurredAt,
    offers: [],
    custodies: [],
    reports: [],
    exceptions: [],
    reportsNotShown: 0,
  };
  return { status: 'OPEN', load };
}

function amended(state: Born, event: EventOf<'TenderAmended'>): TenderState {
  const { stops, reopened, releasedVehicleId: _released, ...details } = event.payload;
  const at = effectiveAt(event);
  const way = stops === undefined ? {} : changedWay(state.load, stops, at);
  const load = { ...state.load, ...details, ...way };
  if (reopened === undefined) {
    const offers = load.offers.map((offer) => (offer.status === 'COUNTERED' ? resend(offer) : offer));
    return rejudged(state, { ...load, offers });
  }
  const { offerId, expiresAt } = reopened;
  const offers = changeOffer(load.offers, offerId, (offer) => resend(offer, event.recordedAt, expiresAt));
  const custodies = takenAway(load.custodies, at);
  return rejudged({ status: 'OFFERED', load }, { ...load, offers, custodies });
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
function accepted(state: Born, event: EventOf<'TenderAccepted' | 'CounterAnswered'>): TenderState {
  const { offerId, carrierId, rate } = event.payload;
  const offers = acceptOffer(state.load.offers, offerId, event.occurredAt, rate);
  const load = inCustody({ ...state.load, offers }, { carrierId }, event);
  return rejudged({ status: 'ACCEPTED', load, acceptedOfferId: offerId }, load);
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

function cancelled({ load }: Born, event: EventOf<'TenderCancelled'>): TenderState {
  const offers = endLiveOffers(load.offers, 'WITHDRAWN', event.occurredAt);
  const custodies = takenAway(load.custodies, effectiveAt(event));
  return rejudged({ status: 'CANCELLED', load }, { ...load, offers, custodies });
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
