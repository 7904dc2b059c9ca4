import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Aggregate, Command } from '../../../src/eventstore/aggregate.ts';
import { loadStream } from '../../../src/eventstore/command/load.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../../src/eventstore/event.ts';
import { rowAsOf } from '../../../src/eventstore/time/as-of.ts';
import { snapshotsOf } from '../../../src/eventstore/time/snapshots.ts';
import { byTime, pageInTime, type TimePlace } from '../../../src/eventstore/time/time-page.ts';
import { route } from '../../../src/route/route.ts';
import { tender } from '../../../src/tender/tender.ts';
import { vehicle } from '../../../src/vehicle/vehicle.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { itHolds } from '../../fuzz.ts';
import { foldAll, minute } from '../../given.ts';
import { naiveRowAsOf } from '../../naive-as-of.ts';
import { grow, openTimeStore, streamRefOf, TENANT } from './time-log.ts';
import { asOlderVersion, streamOf } from './time-stories.ts';

const KINDS: Record<'Tender' | 'Route' | 'Vehicle', Aggregate<unknown, Command>> = {
  Tender: tender,
  Route: route,
  Vehicle: vehicle,
};
const RUNS = { numRuns: 25 };

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openTimeStore(database);
});
afterAll(async () => {
  await store.snapshots.close();
  await database.close();
});

const moment = fc.option(
  fc.integer({ min: -70, max: 200 }).map((minutes) => minute(minutes)),
  { nil: null, freq: 4 },
);
const moments = fc.array(fc.record({ asOf: moment, knownAt: moment }), { minLength: 12, maxLength: 12 });
const lost = fc.constantFrom(0, 4, 8, -1);

describe('an aggregate as it was at one moment, as far as was known at another', () => {
  describe.each(['Tender', 'Route', 'Vehicle'] as const)('of the kind %s', (kind) => {
    const aggregate = KINDS[kind];
    const [projection] = aggregate.projections;
    if (projection === undefined) throw new Error(`${kind} has no read model.`);
    const isNaiveFold = (stored: (events: StoredEvent[]) => StoredEvent[]) =>
      fc.asyncProperty(streamOf(kind, TENANT), moments, lost, async (told, asked, which) => {
        const events = stored(told);
        await grow(store, aggregate, events, which);
        for (const at of asked) {
          const row = await rowAsOf(store, streamRefOf(events), aggregate, projection, at);
          expect(row).toEqual(naiveRowAsOf(events, projection, at));
        }
        const { folded } = await loadStream(store, streamRefOf(events), aggregate, 'fresh');
        expect(folded.rows[projection.name]).toEqual(foldAll(projection, events));
        expect(folded.state).toEqual(events.reduce(aggregate.evolve, aggregate.initial));
      });

    itHolds(
      'is the naive fold',
      RUNS,
      () => isNaiveFold((events) => events),
      async () => {
        expect(await snapshotsOf(database.db).countDocuments({ aggregateType: kind })).toBeGreaterThan(40);
      },
    );

    itHolds('is the naive fold of what an older version recorded', RUNS, () => isNaiveFold(asOlderVersion));
  });
});

describe('the way of a vehicle between two moments', () => {
  itHolds('is all of its fixes there in the order of time, page by page', RUNS, () => {
    const bounds = fc.tuple(fc.integer({ min: -70, max: 200 }), fc.integer({ min: 0, max: 100 }));
    const story = streamOf('Vehicle', TENANT);
    return fc.asyncProperty(story, lost, bounds, fc.nat(6), async (events, which, [start, span], more) => {
      await grow(store, vehicle, events, which);
      const [from, to] = [minute(start), minute(start + span)];
      const all = events
        .filter((event) => event.type === 'LocationTracked')
        .filter(({ occurredAt }) => occurredAt >= from && occurredAt <= to)
        .sort(byTime);
      const paged: TimePlace[] = [];
      for (;;) {
        const stretch = { types: ['LocationTracked'], from, to, after: paged.at(-1) };
        const page = await pageInTime(store, streamRefOf(events), vehicle, stretch, more + 1);
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged.map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence));
    });
  });
});
