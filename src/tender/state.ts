import type { Custody } from './custody.ts';
import type { PlannedStop, SealedDriver, TenderDetails } from './events.ts';
import type { Offer } from './offer.ts';
import type { StopReport, TransitException } from './report.ts';

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
  /** Which stop it is, whatever its sequence becomes (`plan.ts`). */
  readonly id: string;
  /** From 1; of a stop that left the plan, where it stood last. */
  readonly sequence: number;
  readonly arrivedAt?: Date;
  readonly departedAt?: Date;
}

/** Which stops were to be made, in which order, from a moment on. */
export interface Plan {
  readonly from: Date;
  readonly stopIds: readonly string[];
}

/**
 * What is to be moved, who was asked, what happened to it. What the reports come to (stops, former stops, reports,
 * exceptions) follows from them and from what was decided: `judge.ts`.
 */
export interface Load extends Omit<TenderDetails, 'stops'> {
  /** When it was entered, by whoever did. */
  readonly enteredAt: Date;
  /** The way as it is planned now. */
  readonly stops: readonly Stop[];
  /** Each way that it had, the present one last. */
  readonly plans: readonly Plan[];
  /** Stops that are not in the plan any more. */
  readonly formerStops: readonly Stop[];
  readonly offers: readonly Offer[];
  /** Who had the load when, in order. */
  readonly custodies: readonly Custody[];
  /** Arrivals and departures, in the order in which they happened. */
  readonly reports: readonly StopReport[];
  /** What went wrong, in the order in which it happened. */
  readonly exceptions: readonly TransitException[];
  /** How many more reports were recorded than are kept here. */
  readonly reportsNotShown: number;
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
  /** Who drives it. */
  readonly driver?: SealedDriver;
}
/** Any state after the first event. */
export type Born = Unaccepted | Accepted | Moving;
/** All that decisions about a tender need to know; `status` says which fields there are. */
export type TenderState = Unborn | Born;

/** The state that folding begins with. */
export const unborn: TenderState = { status: 'NEW' };
