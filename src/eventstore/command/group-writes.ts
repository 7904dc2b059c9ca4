import { MongoBulkWriteError, MongoServerError } from 'mongodb';
import { RowsSealed, writeRows } from '../projection/row-writes.ts';
import { transact } from '../transact.ts';
import type { CommitterParts, Unit, UnitResult } from './unit.ts';

/**
 * Inserts events without rows, each unit for itself: one lost race costs nobody else anything. Units of one event
 * go unordered. Where a unit has several they go in order, since on one stream nothing may follow what failed
 * (S-01): the group stops at a failure, and goes on behind the unit that failed.
 */
export async function insertTogether(
  { events }: CommitterParts,
  units: readonly Unit[],
): Promise<readonly UnitResult[]> {
  const results: UnitResult[] = units.map(() => ({ ok: true }));
  const ordered = units.some((unit) => unit.events.length > 1);
  for (let start = 0; start < units.length; ) {
    const rest = units.slice(start);
    const failures = await insertUnits(events, rest, ordered);
    for (const [index, error] of failures) results[start + index] = { ok: false, error };
    const [failed] = failures.keys();
    start = ordered && failed !== undefined ? start + failed + 1 : units.length;
  }
  return results;
}

/**
 * Inserts the events of all units at once.
 * @returns the errors of the units that failed, by their place
 * @throws what leaves open which of them are in the log
 */
async function insertUnits(
  events: CommitterParts['events'],
  units: readonly Unit[],
  ordered: boolean,
): Promise<Map<number, unknown>> {
  const failed = new Map<number, unknown>();
  try {
    await events.insertMany(
      units.flatMap((unit) => unit.events),
      { ordered },
    );
  } catch (error) {
    // A write concern error says that nothing is acknowledged yet: then everybody has to read back.
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined)
      throw error;
    const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (failures.length === 0) throw error;
    const owners = units.flatMap((unit, index) => unit.events.map(() => index));
    for (const failure of failures) failed.set(owners[failure.index] ?? 0, failure);
  }
  return failed;
}

/**
 * Commits a group of units in one transaction. Where that fails for a reason that may be one unit's own, they are
 * tried one by one, so that nobody pays for another's conflict.
 */
export async function commitTogether(
  parts: CommitterParts,
  units: readonly Unit[],
): Promise<readonly UnitResult[]> {
  try {
    await writeWhereRowsLive(parts, units);
    return units.map(() => ({ ok: true }));
  } catch (error) {
    if (units.length === 1) return [{ ok: false, error }];
    if (!(error instanceof MongoServerError)) throw error;
  }
  const results: UnitResult[] = [];
  for (const unit of units) results.push(...(await commitTogether(parts, [unit])));
  return results;
}

/** Writes events, and rows where they live. Where these move meanwhile, it waits for that and writes all of it again. */
async function writeWhereRowsLive(parts: CommitterParts, units: readonly Unit[]): Promise<void> {
  const { live } = parts;
  await live.beforeWriting();
  for (;;) {
    try {
      return await writeOnce(parts, units);
    } catch (error) {
      if (!(error instanceof RowsSealed)) throw error;
      const { projection, collection } = error.target;
      await live.awaitNext(projection, collection);
    }
  }
}

function writeOnce({ client, db, events, live }: CommitterParts, units: readonly Unit[]): Promise<void> {
  const documents = units.flatMap((unit) => unit.events);
  const rows = units.flatMap((unit) => unit.rows);
  return transact(client, async (session) => {
    await events.insertMany(documents, { session });
    await writeRows(db, live, session, rows);
  });
}
