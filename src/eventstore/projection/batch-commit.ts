import type { AnyBulkWriteOperation } from 'mongodb';
import type { Projection, Row } from '../projection.ts';
import { transact } from '../transact.ts';
import { type CheckpointChanges, saveCheckpoint } from './checkpoint.ts';
import type { ReadModels } from './read-models.ts';
import type { RowChange } from './row-changes.ts';
import { put, RowsSealed, writeInto } from './row-writes.ts';

/**
 * Writes rows, and how far the projector has come, in one transaction. The fence shuts out every other projector, and
 * each row is the fold of its whole stream so far, so it may replace whatever stands there (see `writeRows`).
 * @throws NewerVersion where newer code has built the rows; RowsSealed where a switch was on, once it is over; FencedOut when another projector has taken over; what MongoDB
 *   throws. After any error it is unknown whether the transaction took place: the rows have to be read again.
 */
export async function commitBatch(
  store: ReadModels,
  projection: Projection,
  fence: number,
  changes: readonly RowChange[],
  progress: CheckpointChanges,
): Promise<void> {
  const { client, db, live } = store;
  await live.beforeWriting([projection.name]);
  const writing = transact(client, async (session) => {
    const collection = changes[0]?.collection;
    if (collection !== undefined) {
      const target = { projection: projection.name, collection };
      await writeInto(db, target, changes.flatMap(operationsOf), { session, ordered: false });
    }
    await saveCheckpoint(db, projection.name, fence, progress, session);
  });
  try {
    await writing;
  } catch (error) {
    // The rows are folded again, from those of the new generation, which may be further.
    if (error instanceof RowsSealed) await live.awaitNext(projection.name, error.target.collection);
    throw error;
  }
}

function operationsOf({ id, row }: RowChange): AnyBulkWriteOperation<Row>[] {
  if (row !== null) return [put(row)];
  // A seal stops no delete, so the row is updated first. The driver sends updates before deletes.
  const filter = { _id: id };
  return [{ updateOne: { filter, update: { $unset: { lastEvent: 1 } } } }, { deleteOne: { filter } }];
}
