import type { Money } from '../eventstore/payload.ts';

/** What can become of an offer. SENT and COUNTERED are live: they can still be accepted. */
export const OFFER_STATUSES = [
  'SENT',
  'ACCEPTED',
  'DECLINED',
  'COUNTERED',
  'EXPIRED',
  'WITHDRAWN',
  'SUPERSEDED',
] as const;
export type OfferStatus = (typeof OFFER_STATUSES)[number];

/** A tender put to one carrier. */
export interface Offer {
  /** A UUID in text form. */
  readonly id: string;
  readonly carrierId: string;
  readonly status: OfferStatus;
  /** What the carrier is offered; once a counter is accepted, what was agreed. */
  readonly rate?: Money;
  /** What the carrier asked for instead. */
  readonly counterRate?: Money;
  readonly note?: string;
  /** When the carrier could first see it, by the server; again when an amendment reopens it. */
  readonly sentAt: Date;
  readonly expiresAt: Date;
  /** When it was answered, withdrawn, superseded or expired. */
  readonly answeredAt?: Date;
  readonly reasonCode?: string;
  /** How many answers came after its end and were recorded. */
  readonly lateAnswers: number;
}

/** True while the offer can still be settled, as far as the log knows. */
export function isLive(offer: Offer): boolean {
  return offer.status === 'SENT' || offer.status === 'COUNTERED';
}

/** True from the offer's expiry on, whether or not the timer has come by. */
export function hasLapsed(offer: Offer, at: Date): boolean {
  return at.getTime() >= offer.expiresAt.getTime();
}

/** True while the offer can be answered, by the clock `at`. */
export function isOpenAt(offer: Offer, at: Date): boolean {
  return isLive(offer) && !hasLapsed(offer, at);
}

/** The one offer that was accepted, where one was. */
export function acceptedOffer(offers: readonly Offer[]): Offer | undefined {
  return offers.find((offer) => offer.status === 'ACCEPTED');
}

/** The list with one offer changed. */
export function changeOffer(offers: readonly Offer[], id: string, change: (offer: Offer) => Offer): Offer[] {
  return offers.map((offer) => (offer.id === id ? change(offer) : offer));
}

/** One offer accepted, at `rate` where that is new; every other live one superseded. */
export function acceptOffer(offers: readonly Offer[], id: string, at: Date, rate?: Money): Offer[] {
  return offers.map((offer) => {
    if (offer.id === id) {
      return { ...offer, status: 'ACCEPTED', answeredAt: at, ...(rate === undefined ? {} : { rate }) };
    }
    return isLive(offer) ? { ...offer, status: 'SUPERSEDED', answeredAt: at } : offer;
  });
}

/** Every live offer ended at once. */
export function endLiveOffers(offers: readonly Offer[], status: 'WITHDRAWN', at: Date): Offer[] {
  return offers.map((offer) => (isLive(offer) ? { ...offer, status, answeredAt: at } : offer));
}

/** The offer as when it was first sent: no answer, no counter. */
export function resend(offer: Offer, sentAt = offer.sentAt, expiresAt = offer.expiresAt): Offer {
  const { answeredAt: _answered, counterRate: _counter, note: _note, reasonCode: _reason, ...rest } = offer;
  return { ...rest, status: 'SENT', sentAt, expiresAt };
}
