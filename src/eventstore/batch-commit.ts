import { type AnyBulkWriteOperation, type ClientSession, MongoError, type TransactionOptions } from 'mongodb';
import { backoff } from './backoff.ts';
import { type Progress, saveCheckpoint } from './checkpoint.ts';
import type { Projection, Row } from './projection.ts';
import type { RowChange } from './row-book.ts';
import { RowDrift } from './row-writes.ts';
import type { Store } from './store.ts';

const TRANSACTION: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
};

/** Each of these is already two tries of the driver's. */
const COMMIT_TRIES = 4;

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
  const session = client.startSession();
  try {
    session.startTransaction(TRANSACTION);
    if (changes.length > 0) {
      const operations = changes.map(operationOf);
      const rows = db.collection<Row>(projection.name);
      const result = await rows.bulkWrite(operations, { session, ordered: false });
      const written = result.insertedCount + result.matchedCount + result.deletedCount;
      if (written !== changes.length) throw new RowDrift(projection.name);
    }
    await saveCheckpoint(db, projection.name, fence, progress, session);
    await commitForCertain(session);
  } catch (error) {
    if (session.inTransaction()) await session.abortTransaction().catch(() => undefined);
    throw error;
  } finally {
    await session.endSession();
  }
}

/**
 * Commits, and asks again where the answer was lost: the server may still hold the transaction open, and with it the
 * rows, until its lifetime ends (60 s by default).
 */
async function commitForCertain(session: ClientSession): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await session.commitTransaction();
    } catch (error) {
      const unknown = error instanceof MongoError && error.hasErrorLabel('UnknownTransactionCommitResult');
      if (!unknown || failures >= COMMIT_TRIES) throw error;
      await backoff(failures, () => undefined);
    }
  }
}

/** Never an upsert: where the filter misses, that would insert a second row or throw. */
function operationOf({ id, was, row }: RowChange): AnyBulkWriteOperation<Row> {
  if (row === null) return { deleteOne: { filter: { _id: id, lastSequence: was } } };
  if (was === 0) return { insertOne: { document: row } };
  const { _id, ...replacement } = row;
  return { replaceOne: { filter: { _id, lastSequence: was }, replacement } };
}
