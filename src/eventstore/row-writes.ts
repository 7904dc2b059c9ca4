import type { AnyBulkWriteOperation, ClientSession, Db } from 'mongodb';
import type { Row } from './projection.ts';

/** A row as one event leaves it, on its way into a read model. */
export interface RowWrite {
  /** The read model's name, which is its collection's. */
  readonly projection: string;
  readonly row: Row;
}

/**
 * Writes rows inside the transaction that appends their events. By `_id` alone: a row is the fold of its whole stream
 * up to an event that only this transaction can have appended at that place (S-01), so it may replace whatever stands
 * there, and a row that somebody damaged is mended by the way. A filter on `lastSequence` as well would prove nothing
 * more, and takes the server's planner instead of its look-up by id: 4.3 ms instead of 2.4 for 32 rows (measured).
 */
export async function writeRows(db: Db, session: ClientSession, writes: readonly RowWrite[]): Promise<void> {
  for (const [name, rows] of byProjection(writes)) {
    await db.collection<Row>(name).bulkWrite(rows.map(put), { session });
  }
}

/** One row in place of whatever stands there. */
export function put({ _id, ...replacement }: Row): AnyBulkWriteOperation<Row> {
  return { replaceOne: { filter: { _id }, replacement, upsert: true } };
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
