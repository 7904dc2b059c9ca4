import { type MemberResult, openGroups } from './group-commit.ts';
import { commitTogether, insertTogether } from './group-writes.ts';
import type { CommitterParts, Unit } from './unit.ts';

/** Writes units; concurrent ones travel together (group commit, design section 5). */
export interface Committer {
  /**
   * Resolves once the unit is committed with `w: majority` and journaled. Rejects with the driver's error
   * otherwise; the unit may be committed all the same, which only reading it back tells.
   */
  commit(unit: Unit): Promise<void>;
  /** The same for many units, each with a result of its own; never rejects. */
  commitAll(units: readonly Unit[]): Promise<readonly MemberResult[]>;
}

/** Events in one stroke to the database: bounded by what one reply should wait for, and far from 16 MB. */
export const GROUP_EVENTS = 1_000;

/** Opens the two kinds of group: events without rows by one insertMany, everything else by one transaction. */
export function openCommitter(parts: CommitterParts): Committer {
  const { observer } = parts;
  const weight = (unit: Unit): number => unit.events.length;
  const timed =
    (kind: 'insert' | 'transaction', write: typeof insertTogether) => async (units: readonly Unit[]) => {
      const started = performance.now();
      const results = await write(parts, units);
      const events = units.reduce((sum, unit) => sum + unit.events.length, 0);
      observer.committed(kind, units.length, events, (performance.now() - started) / 1_000);
      return results;
    };
  // One group of each kind is on its way at a time: a second one splits what would have travelled together (measured
  // at c32: 0.7 to 1.0 times the rate).
  const inserts = openGroups(timed('insert', insertTogether), weight, GROUP_EVENTS);
  const transactions = openGroups(timed('transaction', commitTogether), weight, GROUP_EVENTS);
  const groupOf = (unit: Unit) => (isPlain(unit) ? inserts : transactions);
  return {
    async commit(unit) {
      const [result] = await groupOf(unit).submit([unit]);
      if (result?.ok !== true) throw result?.error;
    },
    async commitAll(units) {
      if (units.every(isPlain)) return inserts.submit(units);
      return (await Promise.all(units.map((unit) => groupOf(unit).submit([unit])))).flat();
    },
  };
}

/** True where no transaction is needed: no rows beside, and nothing that must not be written in part. */
function isPlain(unit: Unit): boolean {
  return unit.rows.length === 0 && (unit.divisible || unit.events.length === 1);
}
