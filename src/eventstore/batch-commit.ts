import type { AnyBulkWriteOperation } from 'mongodb';
import { type Progress, saveCheckpoint } from './checkpoint.ts';
import type { Projection, Row } from './projection.ts';
import type { RowChange } from './row-book.ts';
import { put } from './row-writes.ts';
import type { Store } from './store.ts';
import { transact } from './transact.ts';

/**
 * Writes rows, and how far the projector has come, in one transaction. The fence shuts out every other projector, and
 * each row is the fold of its whole stream so far, so it may replace whatever stands there (see `writeRows`).
 * @throws FencedOut when another projector has taken over; what MongoDB throws.
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
      await rows.bulkWrite(operations, { session, ordered: false });
    }
    await saveCheckpoint(db, projection.name, fence, progress, session);
  });
}

function operationOf({ id, row }: RowChange): AnyBulkWriteOperation<Row> {
  return row === null ? { deleteOne: { filter: { _id: id } } } : put(row);
}
