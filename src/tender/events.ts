import { z } from 'zod';
import { defineEvent, type Fact, type Recorded } from '../eventstore/event.ts';
import {
  dateTime,
  latitude,
  longitude,
  money,
  note,
  sealedText,
  text,
  uuidText,
} from '../eventstore/payload.ts';
import { CANCEL_REASONS, DECLINE_REASONS, EXCEPTION_REASONS, WITHDRAW_REASONS } from './reasons.ts';

/** What happens at a stop. */
export const STOP_KINDS = ['PICKUP', 'DELIVERY'] as const;
export type StopKind = (typeof STOP_KINDS)[number];

/** What a carrier can say to an offer (990, element 558: A, D, C). */
export const ANSWERS = ['ACCEPT', 'DECLINE', 'COUNTER'] as const;
export type Answer = (typeof ANSWERS)[number];

const optional = z.exactOptional;

/** A place on the way, as planned; its sequence is its place in the list, from 1. */
const plannedStop = z
  .object({
    kind: z.enum(STOP_KINDS),
    name: text,
    longitude,
    latitude,
    arriveFrom: optional(dateTime),
    arriveBy: optional(dateTime),
  })
  .refine((stop) => !stop.arriveFrom || !stop.arriveBy || stop.arriveFrom <= stop.arriveBy, {
    path: ['arriveBy'],
    message: 'must not be before arriveFrom',
  });

const stops = z
  .array(plannedStop)
  .min(2)
  .max(50)
  .refine((list) => list[0]?.kind === 'PICKUP', { message: 'must begin with a PICKUP' })
  .refine((list) => list.at(-1)?.kind === 'DELIVERY', { message: 'must end with a DELIVERY' });

/** What is to be moved: everything about a tender that an amendment may change. */
const details = {
  reference: optional(text),
  fleetId: optional(text),
  equipment: optional(text),
  weightKg: optional(z.number().positive().max(1_000_000)),
  rate: optional(money),
};

/** A carrier's id in the tenant's own words: compared as it is, so no blanks around it. */
const carrierId = z
  .string()
  .max(200)
  .regex(/^\S(.*\S)?$/, 'must not begin or end with a blank');
const offer = { offerId: uuidText, carrierId };
const stopSequence = z.int().min(1).max(50);
/** Which stop was meant, as its place in the list says only until the next amendment (`plan.ts`). */
const stopId = optional(z.string().max(20));

/** What somebody decided about a tender. */
const Tender = { aggregateType: 'Tender', version: 1, effect: 'decision' } as const;
/** What somebody saw of it on its way. */
const Seen = { ...Tender, effect: 'observation' } as const;

const tenderCreated = defineEvent({
  ...Tender,
  type: 'TenderCreated',
  doc: 'A load to move was entered (204 original).',
  payload: z.object({ ...details, stops }),
});

const tenderAmended = defineEvent({
  ...Tender,
  type: 'TenderAmended',
  doc: 'The load changed (204 change): the fields that differ. `reopened` where an accepted carrier must answer again.',
  payload: z.object({
    ...details,
    stops: optional(stops),
    reopened: optional(z.object({ ...offer, expiresAt: dateTime })),
    releasedVehicleId: optional(uuidText),
  }),
});

const tenderOffered = defineEvent({
  ...Tender,
  type: 'TenderOffered',
  doc: 'The load was offered to a carrier, who may answer until expiresAt.',
  payload: z.object({ ...offer, rate: optional(money), expiresAt: dateTime }),
});

const tenderAccepted = defineEvent({
  ...Tender,
  type: 'TenderAccepted',
  doc: 'The carrier accepted (990, 558 = A). Every other live offer is superseded by this.',
  payload: z.object({ ...offer, rate: optional(money) }),
});

const tenderDeclined = defineEvent({
  ...Tender,
  type: 'TenderDeclined',
  doc: 'The carrier declined (990, 558 = D).',
  payload: z.object(offer),
  reasonCodes: Object.keys(DECLINE_REASONS),
});

const tenderCountered = defineEvent({
  ...Tender,
  type: 'TenderCountered',
  doc: 'The carrier proposed another rate (990, 558 = C); the offer stays live until that is answered or expires.',
  payload: z.object({ ...offer, rate: money, note: optional(note) }),
});

const counterAnswered = defineEvent({
  ...Tender,
  type: 'CounterAnswered',
  doc: 'The counter proposal was accepted, and the tender with it, or turned down, and the offer stands as before.',
  payload: z.object({ ...offer, accepted: z.boolean(), rate: money }),
});

const tenderOfferWithdrawn = defineEvent({
  ...Tender,
  type: 'TenderOfferWithdrawn',
  doc: 'A live offer was taken back.',
  payload: z.object(offer),
  reasonCodes: Object.keys(WITHDRAW_REASONS),
});

const tenderOfferExpired = defineEvent({
  ...Tender,
  type: 'TenderOfferExpired',
  doc: 'A live offer was not settled by its expiresAt, by the server’s clock.',
  payload: z.object({ ...offer, expiresAt: dateTime }),
});

const tenderResponseRejectedLate = defineEvent({
  ...Tender,
  type: 'TenderResponseRejectedLate',
  doc: 'A carrier answered an offer that had ended. It was refused; that it came is a fact all the same.',
  payload: z.object({
    ...offer,
    answer: z.enum(ANSWERS),
    code: z.enum(['OFFER_EXPIRED', 'OFFER_ENDED']),
    message: z.string(),
  }),
});

/** Who drives. */
const driver = z.object({
  subject: uuidText.meta({ description: 'the person, by a name that only the tenant’s keys can make' }),
  name: optional(sealedText),
  phone: optional(sealedText),
});

const tenderAssigned = defineEvent({
  ...Tender,
  type: 'TenderAssigned',
  doc: 'A vehicle was committed to the load; previousVehicleId where it took over from another.',
  payload: z.object({
    vehicleId: uuidText,
    previousVehicleId: optional(uuidText),
    driver: optional(driver),
  }),
  personal: ['driver'],
});

const stopArrived = defineEvent({
  ...Seen,
  type: 'StopArrived',
  doc: 'The vehicle arrived at a stop (214, 1650 = X3 or X1), at occurredAt. stopId tells which, whatever its place becomes.',
  payload: z.object({ stopSequence, stopId }),
});

const stopDeparted = defineEvent({
  ...Seen,
  type: 'StopDeparted',
  doc: 'The vehicle left a stop (214, 1650 = AF or CD), at occurredAt. The first departure puts the load in transit.',
  payload: z.object({ stopSequence, stopId }),
});

const exceptionRaised = defineEvent({
  ...Seen,
  type: 'ExceptionRaised',
  doc: 'Something went wrong (214, element 1651 says what).',
  payload: z.object({ stopSequence: optional(stopSequence), stopId, note: optional(note) }),
  reasonCodes: Object.keys(EXCEPTION_REASONS),
});

const tenderCompleted = defineEvent({
  ...Tender,
  type: 'TenderCompleted',
  doc: 'The load was delivered at its last stop (214, 1650 = D1).',
  payload: z.object({}),
});

const tenderCancelled = defineEvent({
  ...Tender,
  type: 'TenderCancelled',
  doc: 'The load will not be moved (204 cancellation). Live offers end with it; its vehicle is released.',
  payload: z.object({ releasedVehicleId: optional(uuidText) }),
  reasonCodes: Object.keys(CANCEL_REASONS),
});

/** Every event type of a tender, in the order of its life. */
export const tenderEvents = [
  tenderCreated,
  tenderAmended,
  tenderOffered,
  tenderAccepted,
  tenderDeclined,
  tenderCountered,
  counterAnswered,
  tenderOfferWithdrawn,
  tenderOfferExpired,
  tenderResponseRejectedLate,
  tenderAssigned,
  stopArrived,
  stopDeparted,
  exceptionRaised,
  tenderCompleted,
  tenderCancelled,
] as const;

/** An event of a tender as it is stored. */
export type TenderEvent = Recorded<(typeof tenderEvents)[number]>;
/** An event of a tender as it is decided. */
export type TenderFact = Fact<(typeof tenderEvents)[number]>;

type PayloadOf<T extends TenderEvent['type']> = Extract<TenderEvent, { type: T }>['payload'];

/** What is to be moved, as it is entered. */
export type TenderDetails = PayloadOf<'TenderCreated'>;
/** A stop as it is entered. */
export type PlannedStop = TenderDetails['stops'][number];
/** Who drives, as it is recorded: sealed. */
export type SealedDriver = NonNullable<PayloadOf<'TenderAssigned'>['driver']>;
