import { MongoBulkWriteError } from 'mongodb';
import type { CommitterParts, Unit } from './committer.ts';
import type { MemberResult } from './group-commit.ts';

/**
 * Inserts events without rows, each unit for itself: one lost race costs nobody else anything. Units of one event
 * go unordered. Where a unit has several they go in order, since on one stream nothing may follow what failed
 * (S-01): the group stops at a failure, and goes on behind the unit that failed.
 */
export async function insertTogether(
  { events }: CommitterParts,
  units: readonly Unit[],
): Promise<readonly MemberResult[]> {
  const results: MemberResult[] = units.map(() => ({ ok: true }));
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

/** Tells which units failed, by their place; throws what leaves everybody's outcome open. */
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
