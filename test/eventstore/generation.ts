import type { Timestamp } from 'mongodb';
import { pino } from 'pino';
import { clusterNow } from '../../src/eventstore/changes.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { acquireLease } from '../../src/eventstore/lease.ts';
import { readStream } from '../../src/eventstore/log/read.ts';
import { tipsPipeline } from '../../src/eventstore/log/streams-behind.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { buildingCollection } from '../../src/eventstore/projection/generation/pointer.ts';
import { rebuildLease } from '../../src/eventstore/projection/generation/seal.ts';
import { fold, type Projection, type Row, rowId } from '../../src/eventstore/projection.ts';
import { nextGeneration } from '../../src/eventstore/rebuild/pointer.ts';
import {
  type SwitchOptions,
  type SwitchReport,
  switchGeneration,
} from '../../src/eventstore/rebuild/switch.ts';
import type { TestDatabase } from '../database.ts';
import { counterEvents, countersRead } from './counter.ts';
import { tallies } from './tally.ts';

/** An inline and an async read model of the same streams. */
export const bothModels: readonly Projection[] = [countersRead, tallies()];

/** A store as one process has it. */
export function openBoth({ client, db }: TestDatabase, projections = bothModels): Promise<Store> {
  const log = pino({ level: 'silent' });
  return openStore({ client, db, log, definitions: counterEvents, projections, workflows: [] });
}

/** The plainest of rebuilds: folds from its first event each stream whose row in `collection` is behind the log. */
export async function level(
  store: Store,
  projection: Projection,
  until: Timestamp,
  collection: string,
): Promise<void> {
  const rows = store.db.collection<Row>(collection);
  const session = store.client.startSession({ causalConsistency: true });
  session.advanceOperationTime(until);
  try {
    const tips = await store.events.aggregate(tipsPipeline(projection.aggregateType), { session }).toArray();
    const reached = new Map((await rows.find().toArray()).map((row) => [row._id, row.lastSequence]));
    for (const { _id: stream, last } of tips) {
      const _id = rowId(stream.tenantId, stream.aggregateId.toString());
      if ((reached.get(_id) ?? 0) >= last) continue;
      let row: Row | null = null;
      const ref = {
        tenantId: stream.tenantId,
        aggregateType: projection.aggregateType,
        aggregateId: stream.aggregateId.toString(),
      };
      for await (const event of readStream(store, ref)) row = fold(projection, row, event);
      if (row === null) continue;
      const { _id: __, ...replacement } = row as Row;
      await rows.replaceOne({ _id }, replacement, { upsert: true });
    }
  } finally {
    await session.endSession();
  }
}

/** Builds the next generation of a read model and switches to it, under the lease. */
export async function rebuild(
  store: Store,
  projection: Projection,
  over: Partial<SwitchOptions> = {},
): Promise<SwitchReport> {
  const by = 'a rebuild';
  const lease = await acquireLease(store.db, rebuildLease(projection.name), by, 60_000);
  if (lease === null) throw new Error('Another rebuild is at work.');
  try {
    const generation = await nextGeneration(store, projection);
    const building = buildingCollection(projection.name, generation);
    await store.db.createCollection(building);
    await level(store, projection, await clusterNow(store.db), building);
    const catchUp = (until: Timestamp, collection: string) => level(store, projection, until, collection);
    return await switchGeneration(store, projection, {
      building,
      generation,
      by,
      catchUp,
      announceMs: 50,
      ...over,
    });
  } finally {
    await lease.release();
  }
}
