import { describe, expect, it } from 'vitest';
import type { TenderCommand } from '../../src/tender/command.ts';
import { stateOf, tendersRead } from '../../src/tender/projection.ts';
import { MAX_REPORTS } from '../../src/tender/report.ts';
import { TENDER_STATUSES } from '../../src/tender/state.ts';
import { minute } from '../given.ts';
import {
  accept,
  acme,
  arrive,
  assign,
  at,
  bolt,
  cancel,
  complete,
  depart,
  dispatcher,
  OFFER_B,
  OTHER_TRUCK,
  offer,
  raise,
  shown,
  TRUCK,
  tenderIn,
  threeStops,
} from './cast.ts';

const DAY = 24 * 60;

/** A report that was told at minute 60, or later. */
const late = (report: TenderCommand, happened: number, told = 60): TenderCommand => ({
  ...report,
  at: minute(told),
  occurredAt: minute(happened),
});

describe('T-02 a report of what somebody saw', () => {
  it.each(TENDER_STATUSES)('is recorded and shown in the state %s', (status) => {
    const reports = [arrive(2, 12), arrive(1, 13), depart(2, 14), depart(1, 15), raise('ACCIDENT', 16)];
    for (const report of reports) {
      const row = tenderIn(status).and(report).row(tendersRead);
      const told = [...(row?.reports ?? []), ...(row?.exceptions ?? [])].filter(
        ({ occurredAt }) => occurredAt.getTime() === report.occurredAt.getTime(),
      );
      expect(told).toHaveLength(1);
    }
  });

  it('is recorded before the one that must have come first', () => {
    const story = tenderIn('ASSIGNED').and(arrive(2, 9));
    expect(story.state.status).toBe('ASSIGNED');
    const whole = story.and(late(depart(1), 8));
    expect(whole.state.status).toBe('IN_TRANSIT');
    expect(whole.row(tendersRead)?.stops).toMatchObject([
      { departedAt: minute(8) },
      { arrivedAt: minute(9) },
    ]);
    expect(shown(whole).every(({ marks }) => marks.length === 0)).toBe(true);
  });

  it('is recorded after delivery, be it told late or later', () => {
    const story = tenderIn('COMPLETED')
      .and(late(arrive(1), 4.5))
      .and(depart(2, 12))
      .and(raise('OTHER', 13));
    const row = story.row(tendersRead);
    expect(row).toMatchObject({ status: 'COMPLETED', vehicleId: TRUCK });
    expect(row?.stops).toMatchObject([{ arrivedAt: minute(4.5) }, { departedAt: minute(12) }]);
    expect(row?.exceptions).toHaveLength(1);
  });

  it('names a stop that some plan of the load has or had', () => {
    tenderIn('OPEN').when(arrive(3)).refuses('INVALID_INPUT', 'stopSequence');
    tenderIn('OPEN').when(depart(0)).refuses('INVALID_INPUT', 'stopSequence');
  });

  it('does not come from a clock that is not set', () => {
    const monthAgo = -30 * DAY;
    for (const report of [arrive(1, 7), depart(1, 7), raise('OTHER', 7)]) {
      const story = tenderIn('IN_TRANSIT');
      story.when({ ...report, occurredAt: new Date(0) }).refuses('TOO_LONG_AGO', 'occurredAt');
      story.when({ ...report, occurredAt: minute(monthAgo - 0.1) }).refuses('TOO_LONG_AGO', 'occurredAt');
      expect(story.when({ ...report, occurredAt: minute(monthAgo) }).decision.refusal).toBeUndefined();
      story.when({ ...report, occurredAt: minute(8.1) }).refuses('FROM_THE_FUTURE', 'occurredAt');
    }
  });

  it('is not kept beyond a number, and counted then: the first and the last stay', () => {
    let story = tenderIn('IN_TRANSIT');
    for (let n = 0; n < MAX_REPORTS + 5; n += 1) story = story.and(arrive(1, 7 + n / 10));
    const row = story.and(arrive(2, 90)).row(tendersRead);
    expect(row?.reports).toHaveLength(MAX_REPORTS);
    expect(row?.reportsNotShown).toBe(MAX_REPORTS + 7 - MAX_REPORTS);
    expect(row?.stops).toMatchObject([{ departedAt: minute(5) }, { arrivedAt: minute(90) }]);
  });
});

describe('a report is judged by who had the load when it happened', () => {
  it('is nobody’s before any assignment', () => {
    const story = tenderIn('ASSIGNED').and(late(depart(1), 2));
    expect(story.state.status).toBe('ASSIGNED');
    expect(shown(story)).toMatchObject([{ marks: ['NO_VEHICLE'], counts: false }]);
    expect(shown(story)[0]).not.toHaveProperty('vehicleId');
  });

  it('is nobody’s after a cancellation', () => {
    const story = tenderIn('IN_TRANSIT')
      .and(cancel)
      .and(arrive(2, 20))
      .and(late(arrive(2), 9));
    expect(story.state.status).toBe('CANCELLED');
    expect(shown(story)).toMatchObject([
      { occurredAt: minute(5), marks: [], counts: true },
      { occurredAt: minute(9), marks: [], counts: true, vehicleId: TRUCK },
      { occurredAt: minute(20), marks: ['NO_VEHICLE'], counts: false },
    ]);
    expect(story.row(tendersRead)?.stops[1]?.arrivedAt).toEqual(minute(9));
  });

  it('is the assigned vehicle’s where its clock is a little behind', () => {
    const story = tenderIn('ACCEPTED')
      .and(assign(TRUCK, 6))
      .and(late(depart(1), 5.5));
    expect(story.state.status).toBe('IN_TRANSIT');
  });

  it('is the former vehicle’s, and says nothing of the one that took over before it left', () => {
    const story = tenderIn('ASSIGNED')
      .and(assign(OTHER_TRUCK, 20))
      .and(late(arrive(1), 9));
    expect(shown(story)).toMatchObject([{ vehicleId: TRUCK, marks: ['OTHER_VEHICLE'], counts: false }]);
    expect(story.row(tendersRead)?.stops[0]).not.toHaveProperty('arrivedAt');
  });

  it('puts the load in transit with whoever has it, where the former vehicle had left with it', () => {
    const story = tenderIn('ASSIGNED')
      .and(assign(OTHER_TRUCK, 20))
      .and(late(depart(1), 9));
    expect(story.row(tendersRead)).toMatchObject({ status: 'IN_TRANSIT', vehicleId: OTHER_TRUCK });
    expect(shown(story)).toMatchObject([{ vehicleId: TRUCK, marks: [], counts: true }]);
  });

  it('completes a load whose departure was missed', () => {
    const story = tenderIn('ASSIGNED').and(arrive(2, 9));
    expect(story.and({ ...complete, ...at(10) }).state.status).toBe('COMPLETED');
    tenderIn('ASSIGNED').when(complete).refuses('INVALID_TRANSITION');
    tenderIn('ASSIGNED')
      .and(late(arrive(2), 2))
      .when(complete)
      .refuses('INVALID_TRANSITION');
  });

  it('may come from the carrier that had the load then, or had it last, and from no other', () => {
    const amend: TenderCommand = { type: 'AmendTender', changes: { weightKg: 3 }, ...at(10) };
    const story = tenderIn('ASSIGNED').and(amend);
    expect(story.when(late(arrive(1, 7, acme), 9)).decision.refusal).toBeUndefined();
    story.when(late(arrive(1, 7, bolt), 9)).refuses('NOT_FOUND');
    // While it is asked again, its vehicle is on the way all the same.
    const asked = story.and(late(arrive(1, 7, acme), 12));
    expect(shown(asked)).toMatchObject([{ marks: ['NO_VEHICLE'], counts: false }]);
    // Once another has taken the load, it can tell of its own time only.
    const taken = story.and(offer('BOLT', OFFER_B, 13)).and(accept(bolt, 14));
    expect(taken.when(late(arrive(1, 15, acme), 9)).decision.refusal).toBeUndefined();
    taken.when(late(arrive(1, 15, acme), 12)).refuses('FORBIDDEN');
  });
});

describe('a report survives what happens later to the load', () => {
  const amend = (changes: Extract<TenderCommand, { type: 'AmendTender' }>['changes']): TenderCommand => ({
    type: 'AmendTender',
    changes,
    ...at(10),
  });
  const [austin, temple, waco] = threeStops;
  const arrived = tenderIn('ASSIGNED')
    .and(arrive(1, 8))
    .and(late(arrive(2), 9, 9));

  it('an amendment', () => {
    const story = arrived.and(amend({ weightKg: 3 }));
    expect(story.row(tendersRead)).toMatchObject({
      status: 'OFFERED',
      stops: [{ arrivedAt: minute(8) }, { arrivedAt: minute(9) }],
    });
    const again = story.and(accept(dispatcher, 11)).and(assign(TRUCK, 12));
    expect(again.row(tendersRead)).toMatchObject({
      status: 'ASSIGNED',
      stops: [{ arrivedAt: minute(8) }, {}],
    });
  });

  it('an amendment of the stops: it stays with its stop, wherever that stands', () => {
    const story = arrived.and(amend({ stops: [austin, temple, waco] }));
    const row = story.row(tendersRead);
    expect(row?.stops).toMatchObject([
      { sequence: 1, arrivedAt: minute(8) },
      { sequence: 2, name: 'Temple' },
      { sequence: 3, arrivedAt: minute(9) },
    ]);
    expect(row?.stops[1]).not.toHaveProperty('arrivedAt');
  });

  it('an amendment that puts a place or a time right', () => {
    const moved = { ...waco, latitude: waco.latitude + 0.001, arriveBy: minute(90) };
    const row = arrived
      .and(amend({ stops: [{ ...austin, name: 'Austin, gate 2' }, moved] }))
      .row(tendersRead);
    expect(row?.stops).toMatchObject([
      { name: 'Austin, gate 2', arrivedAt: minute(8) },
      { ...moved, arrivedAt: minute(9) },
    ]);
    // It is the way as it was entered.
    expect(row).not.toHaveProperty('plans');
  });

  it('an amendment that takes its stop away, and one that brings it back', () => {
    const elsewhere = { ...waco, name: 'Waco South', latitude: 31.2 };
    const story = arrived.and(amend({ stops: [austin, elsewhere] }));
    expect(story.row(tendersRead)?.stops[1]).not.toHaveProperty('arrivedAt');
    expect(shown(story)[1]).toMatchObject({ marks: ['STOP_REMOVED'], occurredAt: minute(9), stopId: '1.2' });
    expect(story.row(tendersRead)?.formerStops).toMatchObject([{ name: 'Waco', arrivedAt: minute(9) }]);
    const back = story.and({ ...amend({ stops: [austin, temple, waco] }), ...at(11) }).row(tendersRead);
    expect(back?.stops[2]).toMatchObject({ id: '1.2', arrivedAt: minute(9) });
  });

  it('is about the stop that the plan in force then had there', () => {
    const story = tenderIn('ASSIGNED').and(amend({ stops: [austin, temple, waco] }));
    expect(story.when(late(arrive(2), 9)).decision.events[0]?.payload).toEqual({
      stopSequence: 2,
      stopId: '1.2',
    });
    expect(story.when(late(arrive(2), 11)).decision.events[0]?.payload).toEqual({
      stopSequence: 2,
      stopId: '2.2',
    });
    expect(story.when(late(arrive(3), 9)).decision.events[0]?.payload).toEqual({
      stopSequence: 3,
      stopId: '1.2',
    });
  });

  it('another vehicle, a cancellation, a delivery', () => {
    const takenOver = arrived.and(assign(OTHER_TRUCK, 12));
    expect(shown(takenOver)).toMatchObject([
      { vehicleId: TRUCK, marks: ['OTHER_VEHICLE'] },
      { vehicleId: TRUCK, marks: ['OTHER_VEHICLE'] },
    ]);
    for (const end of [cancel, complete]) {
      expect(arrived.and(end).row(tendersRead)?.stops).toMatchObject([
        { arrivedAt: minute(8) },
        { arrivedAt: minute(9) },
      ]);
    }
  });
});

describe('reports that contradict each other are marked', () => {
  const moving = tenderIn('ASSIGNED').and(arrive(1, 10));

  it('a departure before the arrival', () => {
    const story = moving.and(late(depart(1), 5));
    expect(shown(story).map(({ marks }) => marks)).toEqual([
      ['DEPARTED_BEFORE_ARRIVAL'],
      ['DEPARTED_BEFORE_ARRIVAL'],
    ]);
    const told = story.and(depart(1, 15));
    expect(told.row(tendersRead)?.stops[0]).toMatchObject({ arrivedAt: minute(10), departedAt: minute(15) });
    expect(shown(told).map(({ marks, counts }) => [counts, ...marks])).toEqual([
      [false, 'REPORTED_AGAIN', 'DEPARTED_BEFORE_ARRIVAL'],
      [true],
      [true],
    ]);
  });

  it('a second arrival at another time: the first by who saw it counts', () => {
    for (const story of [
      moving.and(late(arrive(1), 7)),
      tenderIn('ASSIGNED').and(arrive(1, 7)).and(arrive(1, 10)),
    ]) {
      expect(story.row(tendersRead)?.stops[0]?.arrivedAt).toEqual(minute(7));
      expect(shown(story).map(({ marks, counts }) => [counts, ...marks])).toEqual([
        [true],
        [false, 'REPORTED_AGAIN'],
      ]);
    }
  });

  it('a later stop before an earlier one', () => {
    const story = moving.and(depart(1, 30)).and(late(arrive(2), 20));
    expect(shown(story).map(({ marks }) => marks)).toEqual([[], ['OUT_OF_ORDER'], ['OUT_OF_ORDER']]);
  });

  it('but not what two clocks may disagree about', () => {
    const story = moving.and(late(depart(1), 9.5)).and(late(arrive(2), 9.2));
    expect(shown(story).flatMap(({ marks }) => marks)).toEqual([]);
  });

  it('nor the same told twice, nor what another vehicle did', () => {
    expect(shown(moving.and(late(arrive(1), 10)))).toMatchObject([{ marks: [] }, { marks: [] }]);
    const handed = moving.and(depart(1, 11)).and(assign(OTHER_TRUCK, 12)).and(arrive(1, 14));
    expect(shown(handed).flatMap(({ marks }) => marks)).toEqual([]);
  });
});

describe('the row of a tender', () => {
  const SELDOM = ['plans', 'formerStops', 'custodies', 'reports', 'reportsNotShown'];

  it('has nothing in it of what there is none of: every reader pays for decoding it', () => {
    for (const status of ['OPEN', 'OFFERED'] as const) {
      const row = tenderIn(status).row(tendersRead);
      for (const field of SELDOM) expect(row).not.toHaveProperty(field);
    }
  });

  it('leads to the same state as one that has it all', () => {
    for (const status of TENDER_STATUSES) {
      const row = tenderIn(status).row(tendersRead);
      if (row === null) throw new Error('There is no row.');
      const state = stateOf(row);
      if (state.status === 'NEW') throw new Error('Nothing has happened.');
      expect(stateOf({ ...row, ...state.load })).toEqual(state);
      expect(state.load.plans.at(-1)?.stopIds).toEqual(row.stops.map(({ id }) => id));
    }
  });
});
