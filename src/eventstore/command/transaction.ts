import { MongoServerError } from 'mongodb';
import { RowsSealed, type RowWrite, writeRows } from '../projection/row-writes.ts';
import { transact } from '../transact.ts';
import type { CommitterParts, Unit } from './committer.ts';
import type { MemberResult } from './group-commit.ts';

/**
 * Commits a group of units in one transaction. Where that fails for a reason that may be one member's own, the
 * members are tried one by one, so that nobody pays for another's conflict.
 */
export async function commitTogether(
  parts: CommitterParts,
  units: readonly Unit[],
): Promise<readonly MemberResult[]> {
  try {
    await write(parts, units);
    return units.map(() => ({ ok: true }));
  } catch (error) {
    if (units.length === 1) return [{ ok: false, error }];
    if (!(error instanceof MongoServerError)) throw error;
  }
  const results: MemberResult[] = [];
  for (const unit of units) results.push(...(await commitTogether(parts, [unit])));
  return results;
}

/** Writes where the rows live; where they move meanwhile, waits and writes there, all of it again. */
async function write(parts: CommitterParts, units: readonly Unit[]): Promise<void> {
  const { live } = parts;
  await live.forWriting();
  for (;;) {
    try {
      return await writeOnce(parts, units);
    } catch (error) {
      if (!(error instanceof RowsSealed)) throw error;
      const { projection, collection } = error.target;
      await live.moved(projection, collection);
    }
  }
}

function writeOnce({ client, db, events, live }: CommitterParts, units: readonly Unit[]): Promise<void> {
  const documents = units.flatMap((unit) => unit.events);
  const rows: RowWrite[] = units.flatMap((unit) => unit.rows);
  return transact(client, async (session) => {
    await events.insertMany(documents, { session });
    await writeRows(db, live, session, rows);
  });
}
