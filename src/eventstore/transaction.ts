import { MongoServerError, type TransactionOptions } from 'mongodb';
import type { CommitterParts, Unit } from './committer.ts';
import type { MemberResult } from './groups.ts';
import { healRows, RowDrift, type RowWrite, writeRows } from './row-writes.ts';

const TRANSACTION: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
};

/**
 * Commits a group of units in one transaction. Where that fails for a reason that may be one member's own, the
 * members are tried one by one, so that nobody pays for another's conflict.
 */
export async function commitTogether(
  parts: CommitterParts,
  units: readonly Unit[],
): Promise<readonly MemberResult[]> {
  try {
    await transact(parts, units, writeRows);
    return units.map(() => ({ ok: true }));
  } catch (error) {
    if (units.length === 1) return [await settleAlone(parts, units, error)];
    if (!(error instanceof MongoServerError || error instanceof RowDrift)) throw error;
  }
  const results: MemberResult[] = [];
  for (const unit of units) results.push(...(await commitTogether(parts, [unit])));
  return results;
}

/** A lone unit's failure is its own, except a drifted row, which its stream mends. */
async function settleAlone(
  parts: CommitterParts,
  units: readonly Unit[],
  error: unknown,
): Promise<MemberResult> {
  if (!(error instanceof RowDrift)) return { ok: false, error };
  parts.log.warn(
    { projection: error.message, streams: units[0]?.rows.map(({ row }) => row._id) },
    'row drifted; healed',
  );
  try {
    await transact(parts, units, healRows);
    return { ok: true };
  } catch (second) {
    return { ok: false, error: second };
  }
}

async function transact(
  { client, db, events }: CommitterParts,
  units: readonly Unit[],
  write: typeof writeRows,
): Promise<void> {
  const rows: RowWrite[] = units.flatMap((unit) => unit.rows);
  const session = client.startSession();
  try {
    session.startTransaction(TRANSACTION);
    await events.insertMany(
      units.flatMap((unit) => unit.events),
      { session },
    );
    await write(db, session, rows);
    await session.commitTransaction();
  } catch (error) {
    // What failed is already known; that the server could not be told so as well adds nothing.
    if (session.inTransaction()) await session.abortTransaction().catch(() => undefined);
    throw error;
  } finally {
    await session.endSession();
  }
}
