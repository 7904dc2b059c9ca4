import { pino } from 'pino';
import type { Aggregate, Command, StreamRef } from '../../../src/eventstore/aggregate.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../../src/eventstore/event.ts';
import { emptyFold, foldEvent, isMilestone } from '../../../src/eventstore/fold.ts';
import { openStore } from '../../../src/eventstore/open-store.ts';
import type { StoreObserver } from '../../../src/eventstore/store-observer.ts';
import type { Milestone } from '../../../src/eventstore/time/snapshots.ts';
import { model } from '../../../src/model.ts';
import type { TestDatabase } from '../../database.ts';

export const TENANT = 'acme';
/** Snapshots lie so close in these tests that short streams have many. */
export const EVERY = 4;

/** A store of the whole product, as one process has it. */
export function openTimeStore(
  { client, db }: TestDatabase,
  over: { readonly snapshotEvery?: number; readonly observer?: StoreObserver } = {},
): Promise<Store> {
  const log = pino({ level: 'silent' });
  return openStore({
    client,
    db,
    log,
    ...model,
    snapshotEvery: EVERY,
    ...over,
  });
}

export function streamRefOf(events: readonly StoredEvent[]): StreamRef {
  const [first] = events;
  if (first === undefined) throw new Error('A stream without events has no name.');
  const { tenantId, aggregateType, aggregateId } = first;
  return { tenantId, aggregateType, aggregateId: aggregateId.toString() };
}

/** The folds of a stream that make a snapshot. */
export function milestonesIn(
  { registry }: Store,
  aggregate: Aggregate<unknown, Command>,
  events: readonly StoredEvent[],
): Milestone[] {
  const milestones: Milestone[] = [];
  let folded = emptyFold(aggregate);
  for (const event of events) {
    folded = foldEvent(registry, aggregate, folded, registry.upcast(event));
    if (isMilestone(folded, EVERY))
      milestones.push({ tenantId: event.tenantId, aggregate, folded, eventId: event._id });
  }
  return milestones;
}

/** The log grows, and now and then a snapshot is written of what there is; one in four is lost, `lost` says which. */
export async function grow(
  store: Store,
  aggregate: Aggregate<unknown, Command>,
  events: readonly StoredEvent[],
  lost: number,
): Promise<void> {
  let written = 0;
  for (const milestone of milestonesIn(store, aggregate, events)) {
    const { sequence } = milestone.folded;
    await store.events.insertMany(events.slice(written, sequence));
    written = sequence;
    if (sequence % (4 * EVERY) === lost) continue;
    store.snapshots.offer([milestone]);
    await store.snapshots.idle();
  }
  if (written < events.length) await store.events.insertMany(events.slice(written));
}
