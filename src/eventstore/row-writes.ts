import type { AnyBulkWriteOperation, BulkWriteOptions, BulkWriteResult, ClientSession, Db } from 'mongodb';
import type { Live } from './live.ts';
import type { Row } from './projection.ts';
import { isSealed } from './seal.ts';

/** A row as one event leaves it, on its way into a read model. */
export interface RowWrite {
  /** The read model's name. */
  readonly projection: string;
  readonly row: Row;
}

/** A read model's name, and the collection that was written to. */
interface Target {
  readonly projection: string;
  readonly collection: string;
}

/** A row did not stand where its stream says it should: someone wrote past the log, or the rows live elsewhere now. */
export class RowDrift extends Error {
  readonly target: Target;

  constructor(target: Target) {
    super(target.projection);
    this.target = target;
  }
}

/** The rows are about to live elsewhere: this generation takes none any more. Nothing was written. */
export class RowsSealed extends Error {
  readonly target: Target;

  constructor(target: Target) {
    super(`${target.collection} is sealed.`);
    this.target = target;
  }
}

/**
 * Writes rows inside a transaction, each only onto its predecessor (S-04).
 * @throws RowDrift when a predecessor is not there; RowsSealed when the rows are about to move
 */
export async function writeRows(
  db: Db,
  live: Live,
  session: ClientSession,
  writes: readonly RowWrite[],
): Promise<void> {
  for (const [projection, rows] of byProjection(writes)) {
    const target = { projection, collection: live.of({ name: projection }) };
    const { matchedCount, upsertedCount } = await writeInto(db, target, rows.map(succeed), { session });
    if (matchedCount + upsertedCount !== rows.length) throw new RowDrift(target);
  }
}

/** Puts the last state of each row in place, whatever stands there: it is the fold of the whole stream. */
export async function healRows(
  db: Db,
  live: Live,
  session: ClientSession,
  writes: readonly RowWrite[],
): Promise<void> {
  for (const [projection, rows] of byProjection(writes)) {
    const target = { projection, collection: live.of({ name: projection }) };
    const operations = rows.map((row) => put(row, {}));
    await writeInto(db, target, operations, { session });
  }
}

/** Writes rows where they live. @throws RowsSealed; what MongoDB throws */
export async function writeInto(
  db: Db,
  target: Target,
  operations: AnyBulkWriteOperation<Row>[],
  options: BulkWriteOptions,
): Promise<BulkWriteResult> {
  try {
    return await db.collection<Row>(target.collection).bulkWrite(operations, options);
  } catch (error) {
    throw isSealed(error) ? new RowsSealed(target) : error;
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
