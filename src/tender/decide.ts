import { clockFault, type Decision, record, refuse } from '../eventstore/aggregate.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { amendTender } from './amend.ts';
import { answerCounter, answerOffer, expired, expireOffers, withdrawOffer } from './answer.ts';
import type { CancelTender, OfferTender, TenderCommand } from './command.ts';
import { hadLoadLast, hadLoadSince } from './custody.ts';
import type { TenderFact } from './events.ts';
import { acceptedOffer, hasLapsed, isLive } from './offer.ts';
import type { Born, TenderState } from './state.ts';
import { assignTender, completeTender, raiseException, reportStop } from './transit.ts';

/** How many offers a tender can have in its life: its row must not grow without bound. */
export const MAX_OFFERS = 500;

/**
 * What a command comes to: facts, or a refusal, or both for a late answer. Refuses FORBIDDEN by role before it
 * tells whether the tender exists.
 */
export function decide(state: TenderState, command: TenderCommand): Decision<TenderFact> {
  const forbidden = forbids(state, command);
  if (forbidden !== undefined) return refuse(forbidden);
  const fault = faultOf(command);
  if (fault !== undefined) return refuse(fault);
  if (command.type === 'CreateTender') {
    if (state.status !== 'NEW') return refuse(refusal('ALREADY_EXISTS'));
    return record({ type: 'TenderCreated', payload: command.details });
  }
  return state.status === 'NEW' ? refuse(refusal('NOT_FOUND')) : decideBorn(state, command);
}

/** What is wrong with a command by itself, whatever tender it is given to. */
export function faultOf(command: TenderCommand): Refusal | undefined {
  return clockFault(command);
}

type OfBorn = Exclude<TenderCommand, { type: 'CreateTender' }>;

function decideBorn(state: Born, command: OfBorn): Decision<TenderFact> {
  switch (command.type) {
    case 'AmendTender':
      return amendTender(state, command);
    case 'OfferTender':
      return offerTender(state, command);
    case 'AcceptTender':
    case 'DeclineTender':
    case 'CounterTender':
      return answerOffer(state, command);
    case 'AnswerCounter':
      return answerCounter(state, command);
    case 'WithdrawOffer':
      return withdrawOffer(state, command);
    case 'ExpireOffers':
      return expireOffers(state, command);
    case 'AssignTender':
      return assignTender(state, command);
    case 'ReportArrival':
    case 'ReportDeparture':
      return reportStop(state, command);
    case 'RaiseException':
      return raiseException(state, command);
    case 'CompleteTender':
      return completeTender(state, command);
    case 'CancelTender':
      return cancelTender(state, command);
  }
}

function offerTender(state: Born, command: OfferTender): Decision<TenderFact> {
  if (state.status !== 'OPEN' && state.status !== 'OFFERED' && state.status !== 'EXHAUSTED') {
    return refuse(refusal('INVALID_TRANSITION', `A tender that is ${state.status} cannot be offered.`));
  }
  const { offerId, carrierId, expiresAt, at } = command;
  const { offers } = state.load;
  if (expiresAt.getTime() <= at.getTime())
    return refuse(refusal('INVALID_INPUT', 'expiresAt must be in the future.', 'expiresAt'));
  if (offers.length >= MAX_OFFERS)
    return refuse(refusal('INVALID_TRANSITION', `A tender can be offered at most ${MAX_OFFERS} times.`));
  const rate = command.rate ?? state.load.rate;
  const terms = { offerId, carrierId, expiresAt, ...(rate === undefined ? {} : { rate }) };
  const offered: TenderFact = { type: 'TenderOffered', payload: terms };
  const earlier = offers.find((offer) => offer.carrierId === carrierId && isLive(offer));
  if (earlier === undefined) return record(offered);
  // The timer may not have come by yet; the clock decides, not the timer.
  if (hasLapsed(earlier, at)) return record(expired(earlier), offered);
  return refuse(
    refusal('INVALID_TRANSITION', 'The carrier has a live offer of this tender already.', 'carrierId'),
  );
}

function cancelTender(state: Born, { reasonCode }: CancelTender): Decision<TenderFact> {
  if (state.status === 'COMPLETED' || state.status === 'CANCELLED') {
    return refuse(refusal('INVALID_TRANSITION', `A tender that is ${state.status} cannot be cancelled.`));
  }
  const payload = 'vehicleId' in state ? { releasedVehicleId: state.vehicleId } : {};
  return record({ type: 'TenderCancelled', payload, reasonCode });
}

type CommandType = TenderCommand['type'];

const ANSWERS: readonly CommandType[] = ['AcceptTender', 'DeclineTender', 'CounterTender'];
const REPORTS: readonly CommandType[] = ['ReportArrival', 'ReportDeparture', 'RaiseException'];

/**
 * Who may do what to a tender: dispatcher, admin and system everything; a carrier answers its own offers and reports
 * on what it has accepted: of the time when it had it also once another has it, and of any time while nobody has it after
 * it; a driver reports.
 * @returns FORBIDDEN, or NOT_FOUND for a carrier that was never asked: to it, the tender does not exist
 */
export function forbids(state: TenderState, command: TenderCommand): Refusal | undefined {
  const { type, by } = command;
  switch (by.role) {
    case 'dispatcher':
    case 'admin':
    case 'system':
      return undefined;
    case 'driver':
      return REPORTS.includes(type) ? undefined : refusal('FORBIDDEN');
    case 'carrier':
      return forbidsCarrier(state, command);
    default:
      return refusal('FORBIDDEN');
  }
}

function forbidsCarrier(state: TenderState, { type, by, occurredAt }: TenderCommand): Refusal | undefined {
  const { carrierId } = by;
  const reports = REPORTS.includes(type);
  if (carrierId === undefined || !(reports || ANSWERS.includes(type))) return refusal('FORBIDDEN');
  if (state.status === 'NEW') return refusal('NOT_FOUND');
  const { offers, custodies } = state.load;
  if (!offers.some((offer) => offer.carrierId === carrierId)) return refusal('NOT_FOUND');
  if (!reports || acceptedOffer(offers)?.carrierId === carrierId) return undefined;
  if (hadLoadSince(custodies, carrierId, occurredAt) || hadLoadLast(custodies, carrierId)) return undefined;
  return refusal('FORBIDDEN', 'Only the carrier whose offer was accepted may report on a tender.');
}
