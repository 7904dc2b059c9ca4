import { type Decision, record, refuse } from '../eventstore/aggregate.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type { AnswerCommand, AnswerCounter, ExpireOffers, WithdrawOffer } from './command.ts';
import type { Answer, TenderFact } from './events.ts';
import { hasLapsed, isLive, isOpenAt, type Offer } from './offer.ts';
import type { Born } from './state.ts';

/** How many late answers are kept per offer; a client that repeats one for ever must not fill the log. */
export const MAX_LATE_ANSWERS = 16;

/** How many offers one ExpireOffers ends; the timer comes again for the rest. */
export const MAX_EXPIRED_AT_ONCE = 15;

const ANSWER_OF: Readonly<Record<AnswerCommand['type'], Answer>> = {
  AcceptTender: 'ACCEPT',
  DeclineTender: 'DECLINE',
  CounterTender: 'COUNTER',
};

/**
 * A carrier's answer, by itself or on its behalf. An answer to an offer that has ended is refused and recorded,
 * unless it is the winner repeating itself.
 */
export function answerOffer(state: Born, command: AnswerCommand): Decision<TenderFact> {
  const offer = meantOffer(state, command);
  if ('code' in offer) return refuse(offer);
  if (offer.status === 'ACCEPTED')
    return refuse(refusal('OFFER_ENDED', 'The offer was accepted before; that stands.'));
  const end = endOf(offer, command.at);
  if (end !== undefined) return lateAnswer(offer, command, end);
  const about = { offerId: offer.id, carrierId: offer.carrierId };
  switch (command.type) {
    case 'AcceptTender':
      return record({
        type: 'TenderAccepted',
        payload: { ...about, ...(offer.rate === undefined ? {} : { rate: offer.rate }) },
      });
    case 'DeclineTender':
      return record({ type: 'TenderDeclined', payload: about, reasonCode: command.reasonCode });
    case 'CounterTender': {
      const { rate, note } = command;
      return record({
        type: 'TenderCountered',
        payload: { ...about, rate, ...(note === undefined ? {} : { note }) },
      });
    }
  }
}

/** The dispatcher's answer to a carrier's counter proposal. */
export function answerCounter(state: Born, command: AnswerCounter): Decision<TenderFact> {
  const offer = meantOffer(state, command, (candidate) => candidate.status === 'COUNTERED');
  if ('code' in offer) return refuse(offer);
  const end = endOf(offer, command.at);
  if (end !== undefined) return refuse(end);
  if (offer.counterRate === undefined)
    return refuse(refusal('INVALID_TRANSITION', 'There is no counter proposal to answer.'));
  const about = { offerId: offer.id, carrierId: offer.carrierId };
  return record({
    type: 'CounterAnswered',
    payload: { ...about, accepted: command.accepted, rate: offer.counterRate },
  });
}

/** Takes a live offer back. */
export function withdrawOffer(state: Born, command: WithdrawOffer): Decision<TenderFact> {
  const offer = meantOffer(state, command);
  if ('code' in offer) return refuse(offer);
  const end = endOf(offer, command.at);
  if (end !== undefined) return refuse(end);
  const { reasonCode } = command;
  return record({
    type: 'TenderOfferWithdrawn',
    payload: { offerId: offer.id, carrierId: offer.carrierId },
    ...(reasonCode === undefined ? {} : { reasonCode }),
  });
}

/** Ends what has lapsed. Several timers may ask at once: who comes second finds nothing to do. */
export function expireOffers(state: Born, command: ExpireOffers): Decision<TenderFact> {
  const lapsed = state.load.offers.filter((offer) => isLive(offer) && hasLapsed(offer, command.at));
  if (lapsed.length === 0) return refuse(refusal('INVALID_TRANSITION', 'No live offer has lapsed.'));
  return record(...lapsed.slice(0, MAX_EXPIRED_AT_ONCE).map(expired));
}

/** The fact that an offer was not settled in time. */
export function expired({ id, carrierId, expiresAt }: Offer): TenderFact {
  return { type: 'TenderOfferExpired', payload: { offerId: id, carrierId, expiresAt } };
}

/** Why an offer cannot be answered any more at `at`; undefined while it can. */
function endOf(offer: Offer, at: Date): Refusal | undefined {
  if (isOpenAt(offer, at)) return undefined;
  if (offer.status === 'EXPIRED' || isLive(offer)) {
    return refusal('OFFER_EXPIRED', `The offer expired at ${offer.expiresAt.toISOString()}.`);
  }
  return refusal('OFFER_ENDED', `The offer has ended: it is ${offer.status}.`);
}

function lateAnswer(offer: Offer, command: AnswerCommand, end: Refusal): Decision<TenderFact> {
  if (offer.lateAnswers >= MAX_LATE_ANSWERS) return refuse(end);
  const { code, message } = end;
  if (code !== 'OFFER_EXPIRED' && code !== 'OFFER_ENDED') return refuse(end);
  const answer = ANSWER_OF[command.type];
  const payload = { offerId: offer.id, carrierId: offer.carrierId, answer, code, message };
  return { events: [{ type: 'TenderResponseRejectedLate', payload }], refusal: end };
}

type OfferCommand = AnswerCommand | AnswerCounter | WithdrawOffer;

/**
 * Which offer a command means: the one it names; else the one that can still be answered; else, where there is
 * no doubt, the one that could have been. A carrier sees its own offers only.
 */
function meantOffer(
  state: Born,
  { offerId, by, at }: OfferCommand,
  fits: (offer: Offer) => boolean = () => true,
): Offer | Refusal {
  const asCarrier = by.role === 'carrier';
  const visible = state.load.offers.filter((offer) => !asCarrier || offer.carrierId === by.carrierId);
  if (offerId !== undefined) {
    const named = visible.find((offer) => offer.id === offerId);
    return named ?? refusal('NOT_FOUND', 'There is no such offer on this tender.', 'offerId');
  }
  const open = visible.filter((offer) => isOpenAt(offer, at) && fits(offer));
  const [only] = open;
  if (only !== undefined && open.length === 1) return only;
  const last = visible.at(-1);
  if (last === undefined) return refusal('INVALID_TRANSITION', 'The tender was offered to no carrier yet.');
  // A carrier's offers follow one another, so that its last is the one it answers too late.
  if (open.length === 0 && (asCarrier || visible.length === 1)) return last;
  return refusal('OFFER_AMBIGUOUS', undefined, 'offerId');
}
