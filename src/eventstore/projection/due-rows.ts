import type { Filter } from 'mongodb';
import type { Projection, Row } from '../projection.ts';
import type { ReadModels } from './read-models.ts';

/**
 * The rows of any tenant whose moment `field` has come, those due longest first: what timers ask for. The only read
 * across tenants; nothing of it is ever shown to a client.
 * @param field a date of the row with an index of its own; rows without it are never due
 */
export async function dueRows<R extends Row>(
  store: ReadModels,
  projection: Projection<R>,
  field: keyof R & string,
  now: Date,
  limit: number,
): Promise<R[]> {
  const collection = await store.live.collectionToRead(projection);
  const rows = store.db.collection<R>(collection, { readConcern: { level: 'majority' } });
  const due = { [field]: { $lte: now } } as Filter<R>;
  return (await rows
    .find(due)
    .sort({ [field]: 1 })
    .limit(limit)
    .toArray()) as R[];
}
