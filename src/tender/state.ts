import type { Actor } from '../eventstore/event.ts';
import type { PlannedStop, TenderDetails } from './events.ts';
import type { Offer } from './offer.ts';

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
/** Any state after the first event. */
export type Born = Unaccepted | Accepted | Moving;
/** All that decisions about a tender need to know; `status` says which fields there are. */
export type TenderState = Unborn | Born;

/** The state that folding begins with. */
export const unborn: TenderState = { status: 'NEW' };
