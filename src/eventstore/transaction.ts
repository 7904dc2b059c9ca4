import { MongoServerError } from 'mongodb';
import type { CommitterParts, Unit } from './committer.ts';
import type { MemberResult } from './groups.ts';
import type { Live } from './live.ts';
import { healRows, RowDrift, RowsSealed, type RowWrite, writeRows } from './row-writes.ts';
import { transact } from './transact.ts';

/**
 * Commits a group of units in one transaction. Where that fails for a reason that may be one member's own, the
 * members are tried one by one, so that nobody pays for another's conflict.
 */
export async function commitTogether(
  parts: CommitterParts,
  units: readonly Unit[],
): Promise<readonly MemberResult[]> {
  try {
    await write(parts, units, writeRows);
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
    await write(parts, units, healRows);
    return { ok: true };
  } catch (second) {
    return { ok: false, error: second };
  }
}

/** Writes where the rows live; where they move meanwhile, waits and writes there, all of it again. */
async function write(
  parts: CommitterParts,
  units: readonly Unit[],
  writeThem: typeof writeRows,
): Promise<void> {
  const { live } = parts;
  await live.forWriting();
  for (;;) {
    try {
      return await writeOnce(parts, units, writeThem);
    } catch (error) {
      if (error instanceof RowsSealed) {
        const { projection, collection } = error.target;
        await live.moved(projection, collection);
      } else if (!(error instanceof RowDrift && (await hasMoved(live, error)))) throw error;
    }
  }
}

/** A generation that was left stands still: what looks like drift may be that. */
async function hasMoved(live: Live, { target }: RowDrift): Promise<boolean> {
  await live.refresh();
  return live.of({ name: target.projection }) !== target.collection;
}

function writeOnce(
  { client, db, events, live }: CommitterParts,
  units: readonly Unit[],
  writeThem: typeof writeRows,
): Promise<void> {
  const documents = units.flatMap((unit) => unit.events);
  const rows: RowWrite[] = units.flatMap((unit) => unit.rows);
  return transact(client, async (session) => {
    await events.insertMany(documents, { session });
    await writeThem(db, live, session, rows);
  });
}
