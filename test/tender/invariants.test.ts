import fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { Aggregate } from '../../src/eventstore/aggregate.ts';
import { fold } from '../../src/eventstore/projection.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import { tenderEvents } from '../../src/tender/events.ts';
import { evolve } from '../../src/tender/evolve.ts';
import { isLive } from '../../src/tender/offer.ts';
import { stateOf, type TenderRow, tendersRead } from '../../src/tender/projection.ts';
import { TENDER_STATUSES, type TenderState } from '../../src/tender/state.ts';
import { tender as ofTenderEvents } from '../../src/tender/tender.ts';
import { itHolds } from '../fuzz.ts';
import { minute, stored } from '../given.ts';
import {
  acme,
  at,
  bolt,
  create,
  dispatcher,
  driver,
  OTHER_TRUCK,
  TRUCK,
  timer,
  usd,
  WAY_TO,
} from './cast.ts';

/** The aggregate as the event store knows it: it takes any stored event. */
const tender: Aggregate<TenderState, TenderCommand> = ofTenderEvents;

const caller = fc.constantFrom(dispatcher, dispatcher, acme, bolt, driver);
const stopSequence = fc.integer({ min: 0, max: 3 });

/** A command at some minute; offer ids are counted, so that an offer can be named by any later command. */
const anyCommand = fc
  .record({
    pick: fc.noBias(fc.nat(999)),
    by: caller,
    wait: fc.constantFrom(0, 1, 1, 1, 7),
    carrierId: fc.constantFrom('ACME', 'BOLT'),
    window: fc.integer({ min: -1, max: 12 }),
    offerNumber: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 3 }),
    accepted: fc.boolean(),
    vehicleId: fc.constantFrom(TRUCK, OTHER_TRUCK),
    stopSequence,
    weightKg: fc.integer({ min: 1, max: 3 }),
  })
  .map((seed) => ({ wait: seed.wait, make: (now: number, count: number) => makeCommand(seed, now, count) }));

/** Half of the stories begin with the load under way, or few would get so far. */
const anyStart = fc.constantFrom('OPEN', 'OFFERED', 'ASSIGNED', 'IN_TRANSIT');

interface Seed {
  pick: number;
  by: typeof dispatcher;
  carrierId: string;
  window: number;
  offerNumber: number | undefined;
  accepted: boolean;
  vehicleId: string;
  stopSequence: number;
  weightKg: number;
}

const offerId = (number: number): string => `019503a0-0000-7000-8000-${String(number).padStart(12, '0')}`;

function makeCommand(seed: Seed, now: number, offers: number): TenderCommand {
  const { by, vehicleId, stopSequence, accepted, weightKg } = seed;
  const base = at(now, by);
  const named = seed.offerNumber === undefined ? {} : { offerId: offerId(seed.offerNumber) };
  const commands: TenderCommand[] = [
    { type: 'AmendTender', changes: { weightKg }, ...base },
    {
      type: 'OfferTender',
      offerId: offerId(offers + 1),
      carrierId: seed.carrierId,
      expiresAt: minute(now + seed.window),
      ...at(now),
    },
    { type: 'AcceptTender', ...named, ...base },
    { type: 'AcceptTender', ...named, ...base },
    { type: 'DeclineTender', ...named, reasonCode: 'OTHER', ...base },
    { type: 'CounterTender', ...named, rate: usd('7'), ...base },
    { type: 'AnswerCounter', ...named, accepted, ...base },
    { type: 'WithdrawOffer', ...named, ...base },
    { type: 'ExpireOffers', ...at(now, timer) },
    { type: 'AssignTender', vehicleId, ...base },
    { type: 'ReportArrival', stopSequence, ...base },
    { type: 'ReportDeparture', stopSequence, ...base },
    { type: 'RaiseException', stopSequence, reasonCode: 'OTHER', ...base },
    { type: 'CompleteTender', ...base },
  ];
  // Rare, or no story would go far.
  if (seed.pick % 97 === 0) return { type: 'CancelTender', reasonCode: 'OTHER', ...base };
  return commands[seed.pick % commands.length] ?? create();
}

function checkState(state: TenderState): void {
  if (state.status === 'NEW') return;
  const { offers } = state.load;
  const accepted = offers.filter(({ status }) => status === 'ACCEPTED');
  expect(accepted.length).toBeLessThanOrEqual(1);
  // Live offers and only they make a tender OFFERED.
  expect(offers.some(isLive)).toBe(state.status === 'OFFERED');
  if ('acceptedOfferId' in state) expect(accepted.map(({ id }) => id)).toEqual([state.acceptedOfferId]);
  for (const carrierId of ['ACME', 'BOLT']) {
    expect(
      offers.filter((offer) => offer.carrierId === carrierId && isLive(offer)).length,
    ).toBeLessThanOrEqual(1);
  }
}

describe('under any interleaving of commands', () => {
  const reached = new Set<string>();
  const definitions = new Map(tenderEvents.map((definition) => [definition.type as string, definition]));
  itHolds(
    'at most one offer is accepted, status follows from offers, and the row shows the state',
    { numRuns: 400 },
    () =>
      fc.property(anyStart, fc.array(anyCommand, { minLength: 10, maxLength: 60 }), (start, script) => {
        let state = tender.initial;
        let row: TenderRow | null = null;
        let sequence = 0;
        let now = 6;
        let offered = 0;
        const take = (command: TenderCommand): void => {
          const decision = tender.decide(state, command);
          if (decision.refusal === undefined) expect(decision.events.length).toBeGreaterThan(0);
          for (const fact of decision.events) {
            if (fact.type === 'TenderOffered') offered += 1;
            sequence += 1;
            const event = stored(fact, command, sequence, 'Tender');
            const definition = definitions.get(fact.type);
            expect(definition?.payload.safeParse(fact.payload).error).toBeUndefined();
            if (fact.reasonCode !== undefined) expect(definition?.reasonCodes).toContain(fact.reasonCode);
            state = tender.evolve(state, event);
            row = fold(tendersRead, row, event);
            checkState(state);
            reached.add(state.status);
          }
          if (row !== null) expect(stateOf(row)).toEqual(state);
        };
        for (const command of WAY_TO[start]) take(command);
        for (const { wait, make } of script) {
          now += wait;
          take(make(now, offered));
        }
      }),
    () => expect([...reached].sort()).toEqual([...TENDER_STATUSES].sort()),
  );
});

describe('events in any order, as time travel folds them', () => {
  const story = [create(), ...[1, 2, 3].map((n) => makeOffer(n))];
  itHolds('never break the fold', { numRuns: 300 }, () =>
    fc.property(fc.shuffledSubarray(everyEvent(story), { minLength: 1 }), (events) => {
      let row: TenderRow | null = null;
      for (const event of events) row = fold(tendersRead, row, event);
      const state = events.reduce<TenderState>(
        (before, event) => evolve(before, event as never),
        tender.initial,
      );
      expect(row === null).toBe(state.status === 'NEW');
    }),
  );
});

function makeOffer(number: number): TenderCommand {
  const carrierId = `C${number}`;
  return { type: 'OfferTender', offerId: offerId(number), carrierId, expiresAt: minute(30), ...at(1) };
}

/** Every event of a whole life, once. */
function everyEvent(commands: readonly TenderCommand[]) {
  const whole: TenderCommand[] = [
    ...commands,
    { type: 'CounterTender', offerId: offerId(1), rate: usd('7'), ...at(2) },
    { type: 'AnswerCounter', offerId: offerId(1), accepted: false, ...at(3) },
    { type: 'AcceptTender', offerId: offerId(2), ...at(4) },
    { type: 'AcceptTender', offerId: offerId(1), ...at(5) },
    { type: 'AmendTender', changes: { weightKg: 9 }, ...at(6) },
    { type: 'AcceptTender', offerId: offerId(2), ...at(7) },
    { type: 'AssignTender', vehicleId: TRUCK, ...at(8) },
    { type: 'ReportDeparture', stopSequence: 1, ...at(9) },
    { type: 'ReportArrival', stopSequence: 2, ...at(10) },
    { type: 'CompleteTender', ...at(11) },
  ];
  let state = tender.initial;
  return whole.flatMap((command, index) =>
    tender.decide(state, command).events.map((fact) => {
      const event = stored(fact, command, index + 1, 'Tender');
      state = tender.evolve(state, event);
      return event;
    }),
  );
}
