import type { AnyBulkWriteOperation, Db } from 'mongodb';
import type { Row } from '../projection.ts';
import { type RowTarget, writeInto } from './row-writes.ts';

/** A row on its way from one state to the next. */
export interface RowChange {
  readonly id: string;
  /** lastSequence of the row as it is stored; 0: there is none. */
  readonly was: number;
  /** What it becomes; null: nothing (any more). */
  readonly row: Row | null;
  /** Where it was read: only there is it known to go forward. In a generation that took over since it may be further. */
  readonly collection: string;
}

/** Somebody else has written one of the rows since they were read. Others may have been written. */
export class ChangedElsewhere extends Error {
  constructor(collection: string) {
    super(`Rows of ${collection} are changed by somebody else.`);
  }
}

const DURABLY = { ordered: false, writeConcern: { w: 'majority', journal: true } } as const;

/**
 * Writes changes of rows outside a transaction, each only where the row is still as it was read.
 * @throws ChangedElsewhere where one was not; RowsSealed; what MongoDB throws
 */
export async function writeChanges(db: Db, target: RowTarget, changes: readonly RowChange[]): Promise<void> {
  if (changes.length === 0) return;
  const written = await writeInto(db, target, changes.map(compareAndSet), DURABLY);
  if (written.insertedCount + written.matchedCount + written.deletedCount < changes.length)
    throw new ChangedElsewhere(target.collection);
}

/** Never an upsert: where the filter misses, that would insert a second row or throw. */
function compareAndSet({ id, was, row }: RowChange): AnyBulkWriteOperation<Row> {
  if (row === null) return { deleteOne: { filter: { _id: id, lastSequence: was } } };
  if (was === 0) return { insertOne: { document: row } };
  const { _id, ...replacement } = row;
  return { replaceOne: { filter: { _id, lastSequence: was }, replacement } };
}
