import type { AnyBulkWriteOperation } from 'mongodb';
import { type Progress, saveCheckpoint } from './checkpoint.ts';
import type { Projection, Row } from './projection.ts';
import type { RowChange } from './row-book.ts';
import { RowDrift, RowsSealed, writeInto } from './row-writes.ts';
import type { Store } from './store.ts';
import { transact } from './transact.ts';

/**
 * Writes rows, each onto its predecessor only, and how far the projector has come, in one transaction.
 * @throws RowDrift when a row is not as it was; RowsSealed when the rows moved, once they have; FencedOut when another projector has taken over; what MongoDB throws.
 *   After any error it is unknown whether the transaction took place: rows are read again, and tell.
 */
export async function commitBatch(
  store: Store,
  projection: Projection,
  fence: number,
  changes: readonly RowChange[],
  progress: Progress,
): Promise<void> {
  const { client, db, live } = store;
  await live.forWriting();
  const writing = transact(client, async (session) => {
    if (changes.length > 0) {
      const target = { projection: projection.name, collection: live.of(projection) };
      const operations = changes.flatMap(operationsOf);
      const result = await writeInto(db, target, operations, { session, ordered: false });
      const written = result.insertedCount + result.matchedCount + result.deletedCount;
      if (written !== operations.length) throw new RowDrift(target);
    }
    await saveCheckpoint(db, projection.name, fence, progress, session);
  });
  try {
    await writing;
  } catch (error) {
    // What was folded onto the old rows is folded again onto the new ones, which may be further.
    if (error instanceof RowsSealed) await live.moved(projection.name, error.target.collection);
    else if (error instanceof RowDrift) await live.refresh();
    throw error;
  }
}

/** Never an upsert: where the filter misses, that would insert a second row or throw. */
function operationsOf({ id, was, row }: RowChange): AnyBulkWriteOperation<Row>[] {
  if (row === null) {
    const filter = { _id: id, lastSequence: was };
    // A seal stops no delete; it stops the change before. The driver sends updates before deletes.
    return [{ updateOne: { filter, update: { $unset: { lastEvent: 1 } } } }, { deleteOne: { filter } }];
  }
  if (was === 0) return [{ insertOne: { document: row } }];
  const { _id, ...replacement } = row;
  return [{ replaceOne: { filter: { _id, lastSequence: was }, replacement } }];
}
