import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Aggregate, Command } from '../../src/eventstore/aggregate.ts';
import { rowAsOf } from '../../src/eventstore/as-of.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { emptyFold, foldEvent } from '../../src/eventstore/load.ts';
import { isMilestone, type Milestone, snapshotsOf } from '../../src/eventstore/snapshots.ts';
import { openStore, type Store } from '../../src/eventstore/store.ts';
import { eventDefinitions, projections } from '../../src/model.ts';
import { route } from '../../src/route/route.ts';
import { tender } from '../../src/tender/tender.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { minute } from '../given.ts';
import { naiveRowAsOf } from '../naive-as-of.ts';
import { streamOf } from './time-stories.ts';

const TENANT = 'acme';
const KINDS: Record<'Tender' | 'Route' | 'Vehicle', Aggregate<unknown, Command>> = {
  Tender: tender,
  Route: route,
  Vehicle: vehicle,
};

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openStore({
    client: database.client,
    db: database.db,
    log: pino({ level: 'silent' }),
    definitions: eventDefinitions,
    projections,
    snapshotEvery: 4,
  });
});
afterAll(async () => {
  await store.snapshots.close();
  await database.close();
});

function milestonesOf(aggregate: Aggregate<unknown, Command>, events: readonly StoredEvent[]): Milestone[] {
  const milestones: Milestone[] = [];
  let folded = emptyFold(aggregate);
  for (const event of events) {
    folded = foldEvent(store.registry, aggregate, folded, event);
    if (isMilestone(folded, 4)) milestones.push({ tenantId: TENANT, aggregate, folded, eventId: event._id });
  }
  return milestones;
}

/** The log grows, and now and then a snapshot is written of what there is; others are lost. */
async function record(aggregate: Aggregate<unknown, Command>, events: readonly StoredEvent[], lost: number) {
  const milestones = milestonesOf(aggregate, events);
  let written = 0;
  for (const milestone of milestones) {
    const { sequence } = milestone.folded;
    await store.events.insertMany(events.slice(written, sequence));
    written = sequence;
    if (sequence % 16 === lost) continue;
    store.snapshots.offer([milestone]);
    await store.snapshots.idle();
  }
  if (written < events.length) await store.events.insertMany(events.slice(written));
}

const moment = fc.option(fc.integer({ min: -70, max: 300 }), { nil: null, freq: 4 });
const moments = fc.array(fc.record({ asOf: moment, knownAt: moment }), { minLength: 12, maxLength: 12 });

describe('an aggregate as it was at one moment, as far as was known at another', () => {
  it.each(['Tender', 'Route', 'Vehicle'] as const)('is the naive fold: %s', async (kind) => {
    const aggregate = KINDS[kind];
    const [projection] = aggregate.projections;
    if (projection === undefined) throw new Error(`${kind} has no read model.`);
    await fc.assert(
      fc.asyncProperty(
        streamOf(kind, TENANT),
        moments,
        fc.constantFrom(0, 4, 8, -1),
        async (events, asked, lost) => {
          await record(aggregate, events, lost);
          const stream = { tenantId: TENANT, aggregateType: kind, aggregateId: `${events[0]?.aggregateId}` };
          for (const { asOf, knownAt } of asked) {
            const at = {
              asOf: asOf === null ? null : minute(asOf),
              knownAt: knownAt === null ? null : minute(knownAt),
            };
            const row = await rowAsOf(store, stream, aggregate, projection, at);
            expect(row).toEqual(naiveRowAsOf(events, projection, at, kind === 'Vehicle'));
          }
        },
      ),
      { numRuns: 25 },
    );
    expect(await snapshotsOf(database.db).countDocuments({ aggregateType: kind })).toBeGreaterThan(40);
  });
});
