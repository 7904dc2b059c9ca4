import { describe, expect, it } from 'vitest';
import { MAX_LATE_ANSWERS } from '../../src/tender/answer.ts';
import { tender } from '../../src/tender/tender.ts';
import { given, minute } from '../given.ts';
import {
  accept,
  acme,
  at,
  bolt,
  cancel,
  counter,
  create,
  decline,
  dispatcher,
  expire,
  OFFER_A,
  OFFER_B,
  OFFER_C,
  offer,
  tenderIn,
  usd,
} from './cast.ts';

const broadcast = () => given(tender, create(), offer('ACME', OFFER_A), offer('BOLT', OFFER_B));
const statuses = (story: ReturnType<typeof broadcast>) =>
  'load' in story.state ? story.state.load.offers.map(({ status }) => status) : [];

describe('a tender offered to two carriers at once', () => {
  it('is won by the first to accept; the other offer is superseded', () => {
    const story = broadcast();
    story.when(accept(bolt)).records({
      type: 'TenderAccepted',
      payload: { offerId: OFFER_B, carrierId: 'BOLT', rate: usd('900.00') },
    });
    expect(statuses(story.and(accept(bolt)))).toEqual(['SUPERSEDED', 'ACCEPTED']);
  });

  it('refuses and records the answer of the one that came second', () => {
    const story = broadcast().and(accept(bolt));
    story.when(accept(acme, 6)).refusesAndRecords('OFFER_ENDED', {
      type: 'TenderResponseRejectedLate',
      payload: { offerId: OFFER_A, carrierId: 'ACME', answer: 'ACCEPT', code: 'OFFER_ENDED' },
    });
  });

  it('refuses the winner that accepts again, and records nothing', () => {
    broadcast().and(accept(bolt)).when(accept(bolt, 6)).refuses('OFFER_ENDED');
  });

  it('stays offered while one is live, and is exhausted when none is', () => {
    const one = broadcast().and(decline(acme));
    expect(one.state.status).toBe('OFFERED');
    expect(one.and(decline(bolt)).state.status).toBe('EXHAUSTED');
  });

  it('needs an offerId when a dispatcher answers', () => {
    broadcast().when(accept(dispatcher)).refuses('OFFER_AMBIGUOUS', 'offerId');
    const named = broadcast().and({ type: 'AcceptTender', offerId: OFFER_A, ...at(5) });
    expect(statuses(named)).toEqual(['ACCEPTED', 'SUPERSEDED']);
  });

  it('does not show one carrier the offer of the other', () => {
    broadcast()
      .when({ type: 'AcceptTender', offerId: OFFER_B, ...at(5, acme) })
      .refuses('NOT_FOUND', 'offerId');
  });
});

describe('an offer that has lapsed', () => {
  it('cannot be accepted from its expiry on, timer or not, and the answer is recorded', () => {
    const story = tenderIn('OFFERED');
    expect(story.when(accept(acme, 29.99)).decision.refusal).toBeUndefined();
    story.when(accept(acme, 30)).refusesAndRecords('OFFER_EXPIRED', { type: 'TenderResponseRejectedLate' });
    const expired = story.and(expire(30));
    expired.when(decline(acme, 31)).refusesAndRecords('OFFER_EXPIRED', { payload: { answer: 'DECLINE' } });
  });

  it('is expired once, whoever asks', () => {
    const story = tenderIn('OFFERED');
    story.when(expire(29)).refuses('INVALID_TRANSITION');
    story.when(expire(30)).records({
      type: 'TenderOfferExpired',
      payload: { offerId: OFFER_A, carrierId: 'ACME', expiresAt: minute(30) },
    });
    story.and(expire(30)).when(expire(30)).refuses('INVALID_TRANSITION');
  });

  it('does not stand in the way of a new one to the same carrier', () => {
    const story = tenderIn('OFFERED');
    story.when(offer('ACME', OFFER_C, 10)).refuses('INVALID_TRANSITION', 'carrierId');
    expect(statuses(story.and(offer('ACME', OFFER_C, 30, 60)))).toEqual(['EXPIRED', 'SENT']);
  });

  it('keeps a bounded number of late answers, and refuses the rest alike', () => {
    let story = tenderIn('OFFERED').and(expire(30));
    for (let i = 0; i < MAX_LATE_ANSWERS; i += 1) story = story.tried(accept(acme, 31 + i));
    expect(story.events.filter(({ type }) => type === 'TenderResponseRejectedLate')).toHaveLength(16);
    story.when(accept(acme, 60)).refuses('OFFER_EXPIRED');
    expect(story.state.status).toBe('EXHAUSTED');
  });

  it('is refused the same way when the late answer is repeated', () => {
    const { events } = tenderIn('OFFERED').tried(accept(acme, 31));
    expect(tender.refusalOf?.(events.slice(-1))).toMatchObject({
      code: 'OFFER_EXPIRED',
      kind: 'InvalidTransition',
    });
    expect(tender.refusalOf?.(events.slice(0, 1))).toBeUndefined();
  });
});

describe('an offer that was withdrawn', () => {
  it('refuses and records what comes later', () => {
    const story = tenderIn('OFFERED').and({ type: 'WithdrawOffer', offerId: OFFER_A, ...at(3) });
    expect(story.state.status).toBe('EXHAUSTED');
    story.when(accept(acme)).refusesAndRecords('OFFER_ENDED', { type: 'TenderResponseRejectedLate' });
  });

  it('may have been withdrawn by a cancellation', () => {
    const story = tenderIn('OFFERED').and(cancel);
    story.when(accept(acme, 12)).refusesAndRecords('OFFER_ENDED', { type: 'TenderResponseRejectedLate' });
  });
});

describe('a counter proposal', () => {
  const countered = () => tenderIn('OFFERED').and(counter(acme));

  it('keeps the offer live', () => {
    expect(countered().state.status).toBe('OFFERED');
    expect(statuses(countered())).toEqual(['COUNTERED']);
  });

  it('accepted, settles the tender at the rate asked for', () => {
    const story = countered().and({ type: 'AnswerCounter', accepted: true, ...at(5) });
    expect(story.state).toMatchObject({ status: 'ACCEPTED', acceptedOfferId: OFFER_A });
    expect(story.state).toMatchObject({ load: { offers: [{ status: 'ACCEPTED', rate: usd('1000.00') }] } });
  });

  it('turned down, leaves the offer as it was', () => {
    const story = countered().and({ type: 'AnswerCounter', accepted: false, ...at(5) });
    expect(statuses(story)).toEqual(['SENT']);
    expect(story.state).toMatchObject({ load: { offers: [{ rate: usd('900.00') }] } });
    expect(statuses(story.and(accept(acme, 6)))).toEqual(['ACCEPTED']);
  });

  it('expires with its offer', () => {
    countered()
      .when({ type: 'AnswerCounter', accepted: true, ...at(30) })
      .refuses('OFFER_EXPIRED');
    expect(statuses(countered().and(expire(30)))).toEqual(['EXPIRED']);
  });

  it('is needed before it can be answered', () => {
    tenderIn('OFFERED')
      .when({ type: 'AnswerCounter', accepted: true, ...at(5) })
      .refuses('INVALID_TRANSITION');
  });
});

describe('a new offer', () => {
  it('must give time to answer', () => {
    tenderIn('OPEN')
      .when(offer('ACME', OFFER_A, 5, 5))
      .refuses('INVALID_INPUT', 'expiresAt');
  });

  it('goes out again from an exhausted tender', () => {
    expect(statuses(tenderIn('EXHAUSTED').and(offer('ACME', OFFER_C, 10)))).toEqual(['DECLINED', 'SENT']);
  });
});
