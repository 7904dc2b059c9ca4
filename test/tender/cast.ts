import type { Caller } from '../../src/eventstore/aggregate.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import type { PlannedStop, TenderDetails } from '../../src/tender/events.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import type { StopReport } from '../../src/tender/report.ts';
import type { TenderState, TenderStatus } from '../../src/tender/state.ts';
import { tender } from '../../src/tender/tender.ts';
import { given, minute, type Story } from '../given.ts';

export const dispatcher: Caller = { id: 'dora', role: 'dispatcher' };
export const driver: Caller = { id: 'dan', role: 'driver' };
export const timer: Caller = { id: 'offer-expiry', role: 'system' };
export const acme: Caller = { id: 'acme-tms', role: 'carrier', carrierId: 'ACME' };
export const bolt: Caller = { id: 'bolt-tms', role: 'carrier', carrierId: 'BOLT' };

export const OFFER_A = '019503a0-0000-7000-8000-00000000000a';
export const OFFER_B = '019503a0-0000-7000-8000-00000000000b';
export const OFFER_C = '019503a0-0000-7000-8000-00000000000c';
export const TRUCK = '019503a0-0000-7000-8000-0000000000f1';
export const OTHER_TRUCK = '019503a0-0000-7000-8000-0000000000f2';

export const usd = (amount: string) => ({ amount, currency: 'USD' });

export const DETAILS: TenderDetails = {
  reference: 'PO-1',
  fleetId: 'north',
  rate: usd('900.00'),
  stops: [
    { kind: 'PICKUP', name: 'Austin', longitude: -97.74, latitude: 30.27 },
    { kind: 'DELIVERY', name: 'Waco', longitude: -97.15, latitude: 31.55 },
  ],
};

/** The same way with a stop between. */
export const threeStops: readonly [PlannedStop, PlannedStop, PlannedStop] = [
  { kind: 'PICKUP', name: 'Austin', longitude: -97.74, latitude: 30.27 },
  { kind: 'PICKUP', name: 'Temple', longitude: -97.34, latitude: 31.1 },
  { kind: 'DELIVERY', name: 'Waco', longitude: -97.15, latitude: 31.55 },
];

/** What every command carries, by default the dispatcher's at the start. */
export function at(minutes = 0, by: Caller = dispatcher) {
  return { at: minute(minutes), occurredAt: minute(minutes), by };
}

export const create = (details = DETAILS): TenderCommand => ({ type: 'CreateTender', details, ...at() });

/** An offer that expires at minute 30 unless said otherwise. */
export function offer(carrierId: string, offerId: string, sent = 1, expires = 30): TenderCommand {
  return { type: 'OfferTender', carrierId, offerId, expiresAt: minute(expires), ...at(sent) };
}

export const accept = (by: Caller, minutes = 5): TenderCommand => ({
  type: 'AcceptTender',
  ...at(minutes, by),
});
export const decline = (by: Caller, minutes = 5): TenderCommand => ({
  type: 'DeclineTender',
  reasonCode: 'DRIVER_NOT_AVAILABLE',
  ...at(minutes, by),
});
export const counter = (by: Caller, amount = '1000.00', minutes = 4): TenderCommand => ({
  type: 'CounterTender',
  rate: usd(amount),
  ...at(minutes, by),
});
export const assign = (vehicleId = TRUCK, minutes = 6): TenderCommand => ({
  type: 'AssignTender',
  vehicleId,
  ...at(minutes),
});
export const arrive = (stopSequence: number, minutes = 7, by = driver): TenderCommand => ({
  type: 'ReportArrival',
  stopSequence,
  ...at(minutes, by),
});
export const depart = (stopSequence: number, minutes = 8, by = driver): TenderCommand => ({
  type: 'ReportDeparture',
  stopSequence,
  ...at(minutes, by),
});
export const raise = (reasonCode: string, minutes = 9, by = driver): TenderCommand => ({
  type: 'RaiseException',
  reasonCode,
  ...at(minutes, by),
});
export const complete: TenderCommand = { type: 'CompleteTender', ...at(10) };
export const cancel: TenderCommand = { type: 'CancelTender', reasonCode: 'SHIPPER_RELATED', ...at(11) };
export const expire = (minutes: number): TenderCommand => ({ type: 'ExpireOffers', ...at(minutes, timer) });

/** The way to each status, with an offer to ACME where there is one. */
export const WAY_TO: Readonly<Record<TenderStatus | 'NEW', readonly TenderCommand[]>> = {
  NEW: [],
  OPEN: [create()],
  OFFERED: [create(), offer('ACME', OFFER_A)],
  EXHAUSTED: [create(), offer('ACME', OFFER_A), decline(acme, 3)],
  ACCEPTED: [create(), offer('ACME', OFFER_A), accept(acme, 3)],
  ASSIGNED: [create(), offer('ACME', OFFER_A), accept(acme, 3), assign(TRUCK, 4)],
  IN_TRANSIT: [create(), offer('ACME', OFFER_A), accept(acme, 3), assign(TRUCK, 4), depart(1, 5)],
  COMPLETED: [
    create(),
    offer('ACME', OFFER_A),
    accept(acme, 3),
    assign(TRUCK, 4),
    depart(1, 5),
    arrive(2, 6),
    complete,
  ],
  CANCELLED: [create(), offer('ACME', OFFER_A), cancel],
};

/** A tender in a status. */
export function tenderIn(status: TenderStatus | 'NEW'): Story<TenderState, TenderCommand> {
  return given(tender, ...WAY_TO[status]);
}

/** What a tender shows of arrivals and departures. */
export function shown(story: Story<TenderState, TenderCommand>): readonly StopReport[] {
  return story.row(tendersRead)?.reports ?? [];
}
