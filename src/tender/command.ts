import type { Command } from '../eventstore/aggregate.ts';
import type { Money } from '../eventstore/payload.ts';
import type { SealedDriver, TenderDetails } from './events.ts';

/** Enters a load to move. */
export interface CreateTender extends Command<'CreateTender'> {
  readonly details: TenderDetails;
}

/** Changes a load; only what is given changes. Once a carrier has accepted, it has to answer again. */
export interface AmendTender extends Command<'AmendTender'> {
  readonly changes: Partial<TenderDetails>;
  /** Until when that carrier may answer; by default as long as it had at first. */
  readonly expiresAt?: Date;
}

/** Puts the tender to a carrier. */
export interface OfferTender extends Command<'OfferTender'> {
  /** The id of the new offer, a UUID in text form. */
  readonly offerId: string;
  readonly carrierId: string;
  /** The tender's own rate where none is given. */
  readonly rate?: Money;
  readonly expiresAt: Date;
}

/** Which offer is meant; may be left out where only one can be. */
interface OfOffer {
  readonly offerId?: string;
}

/** Takes the load at the offered rate. */
export interface AcceptTender extends Command<'AcceptTender'>, OfOffer {}

/** Turns an offer down. */
export interface DeclineTender extends Command<'DeclineTender'>, OfOffer {
  readonly reasonCode: string;
}

/** Proposes another rate. */
export interface CounterTender extends Command<'CounterTender'>, OfOffer {
  readonly rate: Money;
  readonly note?: string;
}

/** Takes the counter proposal, or lets the offer stand as it was. */
export interface AnswerCounter extends Command<'AnswerCounter'>, OfOffer {
  readonly accepted: boolean;
}

/** Takes a live offer back. */
export interface WithdrawOffer extends Command<'WithdrawOffer'>, OfOffer {
  readonly reasonCode?: string;
}

/** Ends the offers that have lapsed by `at`. */
export interface ExpireOffers extends Command<'ExpireOffers'> {}

/** Commits a vehicle. Given again with another vehicle, that one takes over. */
export interface AssignTender extends Command<'AssignTender'> {
  readonly vehicleId: string;
  /** Sealed before the command was given. */
  readonly driver?: SealedDriver;
}

/** The vehicle came to a stop. */
export interface ReportArrival extends Command<'ReportArrival'> {
  /** From 1. */
  readonly stopSequence: number;
}

/** The vehicle left a stop. */
export interface ReportDeparture extends Command<'ReportDeparture'> {
  /** From 1. */
  readonly stopSequence: number;
}

/** Something went wrong on the way. */
export interface RaiseException extends Command<'RaiseException'> {
  readonly stopSequence?: number;
  readonly note?: string;
  readonly reasonCode?: string;
}

/** The load is delivered. */
export interface CompleteTender extends Command<'CompleteTender'> {}

/** The load will not be moved. */
export interface CancelTender extends Command<'CancelTender'> {
  readonly reasonCode: string;
}

/** What a carrier can say to an offer, or someone on its behalf. */
export type AnswerCommand = AcceptTender | DeclineTender | CounterTender;

export type TenderCommand =
  | CreateTender
  | AmendTender
  | OfferTender
  | AnswerCommand
  | AnswerCounter
  | WithdrawOffer
  | ExpireOffers
  | AssignTender
  | ReportArrival
  | ReportDeparture
  | RaiseException
  | CompleteTender
  | CancelTender;
