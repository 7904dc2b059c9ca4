import { describe, expect, it } from 'vitest';
import type { AmendTender } from '../../src/tender/command.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { minute } from '../given.ts';
import {
  accept,
  acme,
  arrive,
  assign,
  at,
  counter,
  DETAILS,
  OFFER_A,
  OTHER_TRUCK,
  TRUCK,
  tenderIn,
  usd,
} from './cast.ts';

const amend = (changes: AmendTender['changes'], expiresAt?: Date): AmendTender => ({
  type: 'AmendTender',
  changes,
  ...(expiresAt === undefined ? {} : { expiresAt }),
  ...at(20),
});

describe('amending a tender that no carrier has', () => {
  it('records the fields that differ', () => {
    tenderIn('OPEN')
      .when(amend({ reference: 'PO-1', weightKg: 1_200, stops: DETAILS.stops }))
      .records({ type: 'TenderAmended', payload: { weightKg: 1_200 } });
  });

  it('refuses an amendment that changes nothing', () => {
    tenderIn('OPEN')
      .when(amend({ rate: usd('900.00'), stops: DETAILS.stops }))
      .refuses('INVALID_INPUT');
  });

  it('lets counter proposals fall: they were made for another load', () => {
    const { state } = tenderIn('OFFERED')
      .and(counter(acme))
      .and(amend({ weightKg: 5 }));
    expect(state).toMatchObject({ status: 'OFFERED', load: { offers: [{ status: 'SENT' }] } });
    expect(state).not.toHaveProperty('load.offers.0.counterRate');
  });

  it('takes no expiry', () => {
    tenderIn('OFFERED')
      .when(amend({ weightKg: 5 }, minute(60)))
      .refuses('INVALID_INPUT', 'expiresAt');
  });
});

describe('amending a tender that a carrier has', () => {
  it('asks the carrier again, for as long as it had at first', () => {
    const story = tenderIn('ACCEPTED').and(amend({ weightKg: 5 }));
    expect(story.events.at(-1)?.payload).toEqual({
      weightKg: 5,
      reopened: { offerId: OFFER_A, carrierId: 'ACME', expiresAt: minute(49) },
    });
    expect(story.state).toMatchObject({ status: 'OFFERED', load: { offers: [{ status: 'SENT' }] } });
    expect(story.and(accept(acme, 21)).state.status).toBe('ACCEPTED');
  });

  it('takes an expiry of the dispatcher’s, in the future', () => {
    tenderIn('ACCEPTED')
      .when(amend({ weightKg: 5 }, minute(20)))
      .refuses('INVALID_INPUT', 'expiresAt');
    const story = tenderIn('ACCEPTED').and(amend({ weightKg: 5 }, minute(21)));
    expect(story.row(tendersRead)?.nextExpiryAt).toEqual(minute(21));
  });

  it('releases the vehicle, and keeps what that one reported until another takes its place', () => {
    const story = tenderIn('ASSIGNED')
      .and(arrive(1))
      .and(amend({ weightKg: 5 }));
    expect(story.events.at(-1)?.payload).toMatchObject({ releasedVehicleId: TRUCK });
    expect(story.row(tendersRead)).not.toHaveProperty('vehicleId');
    expect(story.row(tendersRead)?.stops[0]?.arrivedAt).toEqual(minute(7));
    const again = story.and(accept(acme, 21)).and(assign(OTHER_TRUCK, 22));
    expect(again.row(tendersRead)?.stops[0]).not.toHaveProperty('arrivedAt');
    const there = again.and(arrive(1, 23));
    expect(there.row(tendersRead)?.stops[0]?.arrivedAt).toEqual(minute(23));
  });

  it('is too late once the load moves', () => {
    tenderIn('IN_TRANSIT')
      .when(amend({ weightKg: 5 }))
      .refuses('INVALID_TRANSITION');
  });
});
