import type { Collection, Db } from 'mongodb';
import { STREAM_INDEX } from './aggregate.ts';
import type { IndexSpec, Projection } from './projection.ts';
import { LATE_INDEX } from './time-order.ts';

/** The indexes of the log. No more than these: each costs every append. `_id` is the idempotency key. */
export const EVENT_INDEXES: readonly IndexSpec[] = [
  {
    keys: STREAM_INDEX,
    unique: true,
    serves:
      'reading a stream in order; one event per sequence (S-01), also when sharded by its first three fields',
  },
  { keys: { tenantId: 1, recordedAt: 1, _id: 1 }, serves: "an auditor's pages over a tenant's log, in time" },
  {
    keys: LATE_INDEX,
    partialFilterExpression: { 'metadata.lateWithinMs': { $exists: true } },
    serves: 'asOf and a way: the events that came late. No other event is in it',
  },
];

/** Creates the indexes of a read model on one of its generations. */
export function createRowIndexes(db: Db, { indexes }: Projection, collection: string): Promise<void> {
  return createIndexes(db.collection(collection), indexes);
}

/** Creates what is missing; existing indexes are left alone. */
export async function createIndexes<T extends object>(
  collection: Collection<T>,
  specs: readonly IndexSpec[],
): Promise<void> {
  if (specs.length === 0) return;
  await collection.createIndexes(
    specs.map(({ keys, unique, partialFilterExpression }) => ({
      key: { ...keys },
      ...(unique === undefined ? {} : { unique }),
      ...(partialFilterExpression === undefined
        ? {}
        : { partialFilterExpression: { ...partialFilterExpression } }),
    })),
  );
}
