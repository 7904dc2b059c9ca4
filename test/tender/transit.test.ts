import { describe, expect, it } from 'vitest';
import { tendersRead } from '../../src/tender/projection.ts';
import { minute } from '../given.ts';
import { acme, arrive, assign, at, bolt, cancel, depart, OTHER_TRUCK, TRUCK, tenderIn } from './cast.ts';

describe('assigning a vehicle', () => {
  it('names the one it takes over from', () => {
    tenderIn('ASSIGNED')
      .when(assign(OTHER_TRUCK))
      .records({ type: 'TenderAssigned', payload: { vehicleId: OTHER_TRUCK, previousVehicleId: TRUCK } });
  });

  it('is refused for the vehicle it has', () => {
    tenderIn('ASSIGNED').when(assign(TRUCK)).refuses('INVALID_TRANSITION');
    tenderIn('IN_TRANSIT').when(assign(TRUCK)).refuses('INVALID_TRANSITION');
  });

  it('in transit, keeps what was reported; before, the new vehicle starts anew', () => {
    const moving = tenderIn('IN_TRANSIT').and(assign(OTHER_TRUCK, 9));
    expect(moving.row(tendersRead)).toMatchObject({ status: 'IN_TRANSIT', vehicleId: OTHER_TRUCK });
    expect(moving.row(tendersRead)?.stops[0]?.departedAt).toEqual(minute(5));
    const waiting = tenderIn('ASSIGNED').and(arrive(1)).and(assign(OTHER_TRUCK, 9));
    expect(waiting.row(tendersRead)?.stops[0]).not.toHaveProperty('arrivedAt');
  });
});

describe('reports from the road', () => {
  it('name a stop of the tender', () => {
    tenderIn('IN_TRANSIT').when(arrive(3)).refuses('INVALID_INPUT', 'stopSequence');
    tenderIn('IN_TRANSIT')
      .when({ type: 'RaiseException', stopSequence: 0, ...at(9) })
      .refuses('INVALID_INPUT', 'stopSequence');
  });

  it('carry the moment when it happened', () => {
    const story = tenderIn('ASSIGNED').and({ ...depart(1, 20), occurredAt: minute(9) });
    expect(story.row(tendersRead)?.stops[0]?.departedAt).toEqual(minute(9));
  });

  it('do not come from the future', () => {
    tenderIn('ASSIGNED')
      .when({ ...depart(1, 20), occurredAt: minute(21.1) })
      .refuses('FROM_THE_FUTURE', 'occurredAt');
  });

  it('come from the carrier that has the load, and from no other', () => {
    expect(tenderIn('ASSIGNED').when(arrive(1, 7, acme)).decision.refusal).toBeUndefined();
    tenderIn('ASSIGNED')
      .when(arrive(1, 7, bolt))
      .refuses('NOT_FOUND');
  });

  it('tell of exceptions with reason, stop and note', () => {
    const note = 'flat tyre';
    const story = tenderIn('IN_TRANSIT').and({
      type: 'RaiseException',
      reasonCode: 'MECHANICAL_BREAKDOWN',
      stopSequence: 2,
      note,
      ...at(9, acme),
    });
    expect(story.row(tendersRead)?.exceptions).toMatchObject([
      {
        reasonCode: 'MECHANICAL_BREAKDOWN',
        stopSequence: 2,
        note,
        occurredAt: minute(9),
        actor: { id: 'acme-tms', role: 'carrier' },
      },
    ]);
  });
});

describe('cancelling', () => {
  it('says which vehicle it frees', () => {
    tenderIn('IN_TRANSIT')
      .when(cancel)
      .records({
        type: 'TenderCancelled',
        payload: { releasedVehicleId: TRUCK },
        reasonCode: 'SHIPPER_RELATED',
      });
    expect(tenderIn('IN_TRANSIT').and(cancel).row(tendersRead)).not.toHaveProperty('vehicleId');
  });
});
