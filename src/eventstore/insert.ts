import { MongoBulkWriteError } from 'mongodb';
import type { CommitterParts, Unit } from './committer.ts';
import type { MemberResult } from './groups.ts';

/**
 * Inserts lone events of different streams by one unordered insertMany: each succeeds or fails on its own, so
 * one lost race costs nobody else anything.
 */
export async function insertTogether(
  { events }: CommitterParts,
  units: readonly Unit[],
): Promise<readonly MemberResult[]> {
  const results: MemberResult[] = units.map(() => ({ ok: true }));
  try {
    await events.insertMany(
      units.flatMap((unit) => unit.events),
      { ordered: false },
    );
  } catch (error) {
    // A write concern error says that nothing is acknowledged yet: then everybody has to read back.
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined)
      throw error;
    const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (failures.length === 0) throw error;
    for (const failure of failures) results[failure.index] = { ok: false, error: failure };
  }
  return results;
}
