import fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { Aggregate } from '../../src/eventstore/aggregate.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import { type TenderRow, tendersRead } from '../../src/tender/projection.ts';
import type { TenderState } from '../../src/tender/state.ts';
import { tender as ofTenderEvents } from '../../src/tender/tender.ts';
import { itHolds } from '../fuzz.ts';
import { foldAll, minute, stored } from '../given.ts';
import {
  accept,
  arrive,
  assign,
  at,
  cancel,
  complete,
  create,
  DETAILS,
  depart,
  dispatcher,
  OFFER_A,
  OTHER_TRUCK,
  offer,
  raise,
  TRUCK,
  threeStops,
} from './cast.ts';

const tender: Aggregate<TenderState, TenderCommand> = ofTenderEvents;
const REPORTS = ['StopArrived', 'StopDeparted', 'ExceptionRaised'];

const amend = (stops: typeof DETAILS.stops): TenderCommand => ({
  type: 'AmendTender',
  changes: { stops },
  ...at(),
});
const [austin, temple, waco] = threeStops;

/** Decisions that are made again and again, each once it can be. */
const decision = fc.constantFrom<TenderCommand>(
  accept(dispatcher),
  accept(dispatcher),
  assign(TRUCK),
  assign(OTHER_TRUCK),
  amend([austin, temple, waco]),
  amend([temple, waco]),
  amend(DETAILS.stops),
  { type: 'AmendTender', changes: { weightKg: 7 }, ...at() },
  complete,
  complete,
  cancel,
);
const report = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((stop) => arrive(stop)),
  fc.integer({ min: 1, max: 3 }).map((stop) => depart(stop)),
  fc.constant(raise('OTHER')),
);

/** What is told at each minute, of a moment that may be long past, or a little in the future. */
const telling = fc.record({
  command: fc.oneof(decision, report, report),
  lateMin: fc.constantFrom(0, 0, 0, 0.5, 2, 5, 20, -1),
});

/** The events of a load of which this was told, one after another; what is refused is left out. */
function eventsOf(told: readonly { command: TenderCommand; lateMin: number }[]): StoredEvent[] {
  let state = tender.initial;
  const events: StoredEvent[] = [];
  const tell = (command: TenderCommand): void => {
    for (const fact of tender.decide(state, command).events) {
      const event = stored(fact, command, events.length + 1, 'Tender');
      state = tender.evolve(state, event);
      events.push(event);
    }
  };
  for (const command of [create(), offer('ACME', OFFER_A, 1, 600), accept(dispatcher, 2), assign(TRUCK, 3)])
    tell(command);
  for (const [index, { command, lateMin }] of told.entries()) {
    const now = 4 + index;
    tell({ ...command, at: minute(now), occurredAt: minute(now - lateMin) });
  }
  return events;
}

/** The row, but for what every row says of the last event. */
function shownOf(events: readonly StoredEvent[]): Partial<TenderRow> | null {
  const row = foldAll(tendersRead, events);
  if (row === null) return null;
  const { lastEvent: _event, lastSequence: _sequence, updatedAt: _updated, ...rest } = row;
  return rest;
}

describe('T-02 reports in whatever order they were told, beside each other and beside decisions', () => {
  const reached = new Set<string>();
  itHolds(
    'come to the same row',
    { numRuns: 300 },
    () =>
      fc.property(
        fc.array(telling, { minLength: 4, maxLength: 24 }),
        fc.infiniteStream(fc.nat(1_000)),
        (told, numbers) => {
          const events = eventsOf(told);
          const decisions = events.filter(({ type }) => !REPORTS.includes(type));
          let shuffled = [...decisions];
          // After the founding, which is first in every stream, a report may stand anywhere.
          for (const event of events.filter(({ type }) => REPORTS.includes(type))) {
            const place = 1 + ((numbers.next().value ?? 0) % shuffled.length);
            shuffled = shuffled.toSpliced(place, 0, event);
          }
          const row = shownOf(shuffled);
          expect(row).toEqual(shownOf(events));
          if (row?.status !== undefined) reached.add(row.status);
          for (const { marks } of row?.reports ?? []) for (const mark of marks) reached.add(mark);
          // Nothing told is lost.
          const count = events.filter(({ type }) => REPORTS.includes(type)).length;
          expect((row?.reports?.length ?? 0) + (row?.exceptions?.length ?? 0)).toBe(count);
        },
      ),
    () =>
      expect([...reached].sort()).toEqual([
        'ACCEPTED',
        'ASSIGNED',
        'CANCELLED',
        'COMPLETED',
        'DEPARTED_BEFORE_ARRIVAL',
        'IN_TRANSIT',
        'NO_VEHICLE',
        'OFFERED',
        'OTHER_VEHICLE',
        'OUT_OF_ORDER',
        'REPORTED_AGAIN',
        'STOP_REMOVED',
      ]),
  );
});
