import { describe, expect, it } from 'vitest';
import type { RefusalCode } from '../../src/refusal.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import { TENDER_STATUSES, type TenderStatus } from '../../src/tender/state.ts';
import {
  accept,
  arrive,
  assign,
  at,
  cancel,
  complete,
  counter,
  create,
  decline,
  depart,
  dispatcher,
  expire,
  OFFER_A,
  OFFER_B,
  OTHER_TRUCK,
  offer,
  tenderIn,
} from './cast.ts';

const STATUSES = ['NEW', ...TENDER_STATUSES] as const;

const COMMANDS: Readonly<Record<TenderCommand['type'], TenderCommand>> = {
  CreateTender: create(),
  AmendTender: { type: 'AmendTender', changes: { reference: 'PO-2' }, ...at(12) },
  OfferTender: offer('BOLT', OFFER_B, 12, 60),
  AcceptTender: accept(dispatcher, 12),
  DeclineTender: decline(dispatcher, 12),
  CounterTender: counter(dispatcher, '1', 12),
  AnswerCounter: { type: 'AnswerCounter', offerId: OFFER_A, accepted: true, ...at(12) },
  WithdrawOffer: { type: 'WithdrawOffer', offerId: OFFER_A, ...at(12) },
  ExpireOffers: expire(30),
  AssignTender: assign(OTHER_TRUCK, 12),
  ReportArrival: arrive(1, 12),
  ReportDeparture: depart(1, 12),
  RaiseException: { type: 'RaiseException', reasonCode: 'ACCIDENT', ...at(12) },
  CompleteTender: complete,
  CancelTender: cancel,
};

/** Somebody saw it: no state refuses that. */
const REPORTS: readonly TenderCommand['type'][] = ['ReportArrival', 'ReportDeparture', 'RaiseException'];

/**
 * What the table leaves out is refused INVALID_TRANSITION, but for reports, which are recorded; a status is where an allowed
 * command leads.
 */
type Row = Partial<Record<TenderCommand['type'], TenderStatus | RefusalCode>>;

const LATE: Row = {
  AcceptTender: 'OFFER_ENDED',
  DeclineTender: 'OFFER_ENDED',
  CounterTender: 'OFFER_ENDED',
  AnswerCounter: 'OFFER_ENDED',
  WithdrawOffer: 'OFFER_ENDED',
};
const UNOFFERED: Row = { AnswerCounter: 'NOT_FOUND', WithdrawOffer: 'NOT_FOUND' };

const TABLE: Readonly<Record<TenderStatus, Row>> = {
  OPEN: { ...UNOFFERED, AmendTender: 'OPEN', OfferTender: 'OFFERED', CancelTender: 'CANCELLED' },
  OFFERED: {
    AmendTender: 'OFFERED',
    OfferTender: 'OFFERED',
    AcceptTender: 'ACCEPTED',
    DeclineTender: 'EXHAUSTED',
    CounterTender: 'OFFERED',
    WithdrawOffer: 'EXHAUSTED',
    ExpireOffers: 'EXHAUSTED',
    CancelTender: 'CANCELLED',
  },
  EXHAUSTED: { ...LATE, AmendTender: 'EXHAUSTED', OfferTender: 'OFFERED', CancelTender: 'CANCELLED' },
  ACCEPTED: {
    ...LATE,
    AmendTender: 'OFFERED',
    AssignTender: 'ASSIGNED',
    CancelTender: 'CANCELLED',
  },
  ASSIGNED: {
    ...LATE,
    AmendTender: 'OFFERED',
    AssignTender: 'ASSIGNED',
    ReportDeparture: 'IN_TRANSIT',
    CancelTender: 'CANCELLED',
  },
  IN_TRANSIT: {
    ...LATE,
    AssignTender: 'IN_TRANSIT',
    CancelTender: 'CANCELLED',
  },
  COMPLETED: LATE,
  CANCELLED: LATE,
};

function expected(status: TenderStatus | 'NEW', type: TenderCommand['type']): TenderStatus | RefusalCode {
  if (status === 'NEW') return type === 'CreateTender' ? 'OPEN' : 'NOT_FOUND';
  if (type === 'CreateTender') return 'ALREADY_EXISTS';
  return TABLE[status][type] ?? (REPORTS.includes(type) ? status : 'INVALID_TRANSITION');
}

describe('every command in every status', () => {
  for (const status of STATUSES) {
    for (const [type, command] of Object.entries(COMMANDS)) {
      const then = expected(status, command.type);
      it(`${type} in ${status}: ${then}`, () => {
        const story = tenderIn(status);
        expect(story.state.status).toBe(status);
        const { decision } = story.when(command);
        if (TENDER_STATUSES.some((known) => known === then)) {
          expect(story.and(command).state.status).toBe(then);
        } else {
          expect(decision.refusal?.code).toBe(then);
          const kinds = decision.events.map((event) => event.type);
          expect(kinds.every((kind) => kind === 'TenderResponseRejectedLate')).toBe(true);
        }
      });
    }
  }
});

describe('a delivery without a report of the first arrival', () => {
  it('departs, arrives and completes', () => {
    const story = tenderIn('ASSIGNED').and(depart(1)).and(arrive(2)).and(complete);
    expect(story.state.status).toBe('COMPLETED');
  });

  it('completes only once the last stop was reached', () => {
    tenderIn('IN_TRANSIT').when(complete).refuses('INVALID_TRANSITION');
  });
});
