import type { AnyBulkWriteOperation, ClientSession, Db } from 'mongodb';
import type { Row } from './projection.ts';

/** A row as one event leaves it, on its way into a read model. */
export interface RowWrite {
  /** The read model's name, which is its collection's. */
  readonly projection: string;
  readonly row: Row;
}

/** A row did not stand where its stream says it should: someone wrote past the log. */
export class RowDrift extends Error {}

/**
 * Writes rows inside a transaction, each only onto its predecessor (S-04).
 * @throws RowDrift when a predecessor is not there.
 */
export async function writeRows(db: Db, session: ClientSession, writes: readonly RowWrite[]): Promise<void> {
  for (const [name, rows] of byProjection(writes)) {
    const operations = rows.map(succeed);
    const { matchedCount, upsertedCount } = await db.collection<Row>(name).bulkWrite(operations, { session });
    if (matchedCount + upsertedCount !== rows.length) throw new RowDrift(name);
  }
}

/** Puts the last state of each row in place, whatever stands there: it is the fold of the whole stream. */
export async function healRows(db: Db, session: ClientSession, writes: readonly RowWrite[]): Promise<void> {
  for (const [name, rows] of byProjection(writes)) {
    const operations = rows.map((row) => put(row, {}));
    await db.collection<Row>(name).bulkWrite(operations, { session });
  }
}

function succeed(row: Row): AnyBulkWriteOperation<Row> {
  // Only the first may insert, and by `_id` alone: an upsert with the sequence in its filter would insert a second row.
  return row.lastSequence === 1 ? put(row, {}) : put(row, { lastSequence: row.lastSequence - 1 });
}

function put(row: Row, expected: { lastSequence?: number }): AnyBulkWriteOperation<Row> {
  const { _id, ...replacement } = row;
  return {
    replaceOne: { filter: { _id, ...expected }, replacement, upsert: expected.lastSequence === undefined },
  };
}

function byProjection(writes: readonly RowWrite[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const { projection, row } of writes) {
    const rows = groups.get(projection);
    if (rows === undefined) groups.set(projection, [row]);
    else rows.push(row);
  }
  return groups;
}
