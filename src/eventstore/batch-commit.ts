import type { AnyBulkWriteOperation } from 'mongodb';
import { type Progress, saveCheckpoint } from './checkpoint.ts';
import type { Projection, Row } from './projection.ts';
import type { RowChange } from './row-book.ts';
import { RowDrift } from './row-writes.ts';
import type { Store } from './store.ts';
import { transact } from './transact.ts';

/**
 * Writes rows, each onto its predecessor only, and how far the projector has come, in one transaction.
 * @throws RowDrift when a row is not as it was; FencedOut when another projector has taken over; what MongoDB throws.
 *   After any error it is unknown whether the transaction took place: rows are read again, and tell.
 */
export async function commitBatch(
  store: Store,
  projection: Projection,
  fence: number,
  changes: readonly RowChange[],
  progress: Progress,
): Promise<void> {
  const { client, db } = store;
  await transact(client, async (session) => {
    if (changes.length > 0) {
      const operations = changes.map(operationOf);
      const rows = db.collection<Row>(projection.name);
      const result = await rows.bulkWrite(operations, { session, ordered: false });
      const written = result.insertedCount + result.matchedCount + result.deletedCount;
      if (written !== changes.length) throw new RowDrift(projection.name);
    }
    await saveCheckpoint(db, projection.name, fence, progress, session);
  });
}

/** Never an upsert: where the filter misses, that would insert a second row or throw. */
function operationOf({ id, was, row }: RowChange): AnyBulkWriteOperation<Row> {
  if (row === null) return { deleteOne: { filter: { _id: id, lastSequence: was } } };
  if (was === 0) return { insertOne: { document: row } };
  const { _id, ...replacement } = row;
  return { replaceOne: { filter: { _id, lastSequence: was }, replacement } };
}
